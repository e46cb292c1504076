"""How a comparison leaves: a link, a kept view, one HTML file, CSV, Parquet, JSON, Markdown."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import urlencode

import streamlit as st

from core.domain.access import Role
from core.domain.comparison import Comparison
from render.comparison_files import comparison_csv, comparison_parquet
from render.comparison_report import comparison_report, comparison_title
from render.comparison_tables import comparison_document, comparison_markdown
from ui import session
from ui.act import act, tell
from ui.components.compare_links import VIEW, compare_query
from ui.components.links import go
from ui.components.pieces import copyable


def share_popover(comparison: Comparison) -> None:
    """Drawn while it is open; a file is made when it is asked for."""
    t = session.texts()
    popover = st.popover(
        t("page.run.share"), icon=":material/ios_share:", type="primary", on_change="rerun", key="compare_share"
    )
    if not popover.open:
        return
    with popover:
        st.caption(t("page.compare.link"))
        copyable(comparison_link(comparison))
        _file("html", "text/html", partial(_html, comparison))
        _file("csv", "text/csv", partial(comparison_csv, comparison, t))
        _file("parquet", "application/vnd.apache.parquet", partial(comparison_parquet, comparison, t))
        _file("json", "application/json", partial(_json, comparison))
        st.caption(t("page.compare.copy_markdown"))
        config = session.app().comparisons.configuration(comparison)
        st.code(comparison_markdown(comparison, config, t), language=None, wrap_lines=False, height=180)
        if session.may(Role.OPERATOR):
            st.divider()
            _keep(comparison)


def comparison_link(comparison: Comparison) -> str:
    """These runs against this baseline, whatever is pinned later."""
    ids = [side.run.id for side in comparison.sides]
    base = str(st.context.url or "").split("?")[0]
    return f"{base}?{urlencode(compare_query(ids, comparison.baseline.run.id), safe=',')}"


def _file(kind: str, media_type: str, make: partial[str] | partial[bytes]) -> None:
    st.download_button(
        session.texts()(f"page.compare.share_{kind}"),
        make,
        file_name=f"comparison.{kind}",
        mime=media_type,
        key=f"compare_{kind}",
        icon=":material/download:",
        on_click="ignore",
        width="stretch",
    )


def _html(comparison: Comparison) -> str:
    config = session.app().comparisons.configuration(comparison)
    return comparison_report(comparison, config, session.texts())


def _json(comparison: Comparison) -> str:
    config = session.app().comparisons.configuration(comparison)
    document = comparison_document(comparison, config, session.texts())
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)


def _keep(comparison: Comparison) -> None:
    """A short link that freezes these runs."""
    t, ids = session.texts(), [side.run.id for side in comparison.sides]
    with st.form("compare_keep", border=False):
        title = st.text_input(
            t("page.runs.view_title"), comparison_title(comparison, t), key="compare_view_title", max_chars=200
        )
        pressed = st.form_submit_button(t("page.runs.view_keep"), icon=":material/bookmark:")
    state = {"base": comparison.baseline.run.id}
    history = session.app().history
    if pressed and (kept := act(history.keep_view, session.actor(), "compare", title, state, ids)):
        tell(t("page.runs.view_kept", id=kept.value.id))
        go("compare", **{VIEW: kept.value.id})
