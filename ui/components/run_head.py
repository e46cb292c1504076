"""The first lines of a run's page: what was measured, its tags, and every way in which it can leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import streamlit as st

from core.domain.access import Role
from core.domain.benchmark import Run
from core.domain.endpoint import Origin
from core.services.results import RunDetail
from render.documents import points_csv, points_parquet, run_document, run_markdown
from render.provenance import run_line, run_title
from render.report import run_report
from ui import registry, session
from ui.act import act, tell
from ui.components.compare_links import compare_button
from ui.components.links import link, page_address
from ui.components.pieces import copyable, provenance_line, simulated_badge, state_badge
from ui.components.run_slo import chosen_slo
from ui.markdown import plain


def run_head(detail: RunDetail, *, is_open: bool) -> None:
    """Title, state, tags, where it comes from; on the right what can be done with it."""
    t, run = session.texts(), detail.run
    link("runs", t("page.run.to_list"), icon=":material/arrow_back:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(run_title(run)), anchor=False, width="content")
        st.space("stretch")
        if registry.has("compare") and detail.measurements:
            compare_button([run.id], t("page.run.compare"), key="run_compare")
        _share(detail)
    _archived(run)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not is_open:
            state_badge(run.state)
        if run.origin == Origin.SIMULATED:
            simulated_badge()
        _tags(run)
        provenance_line(*run_line(run, detail.measurements, t))


def _archived(run: Run) -> None:
    if run.archived_at is None:
        return
    t = session.texts()
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/archive: {t('page.run.archived', when=t.when(run.archived_at))}", width="content")
        restore = session.may(Role.OPERATOR) and st.button(t("page.runs.restore"), key="run_restore")
        if restore and act(session.app().history.restore, session.actor(), [run.id]):
            st.rerun()


def _tags(run: Run) -> None:
    t = session.texts()
    for tag in run.tags:
        st.badge(plain(tag), color="gray", icon=":material/sell:")
    if not session.may(Role.OPERATOR):
        return
    history, actor = session.app().history, session.actor()
    popover = st.popover(t("page.runs.tag"), icon=":material/sell:", type="tertiary", on_change="rerun", key="run_tag")
    if not popover.open:
        return
    with popover:
        with st.form("run_tag_form", clear_on_submit=True, border=False):
            text = st.text_input(t("page.runs.tag_new"), key="run_tag_text", max_chars=40)
            pressed = st.form_submit_button(t("page.runs.tag_add"), type="primary")
        if pressed and act(history.tag, actor, [run.id], [text]):
            st.rerun()
        for tag in run.tags:
            label = plain(t("page.runs.tag_remove", tag=tag))
            remove = st.button(label, key=f"run_untag_{tag}", icon=":material/close:")
            if remove and act(history.tag, actor, [run.id], (), [tag]):
                st.rerun()


def _share(detail: RunDetail) -> None:
    """Drawn while it is open; a file is made when it is asked for."""
    t = session.texts()
    popover = st.popover(
        t("page.run.share"), icon=":material/ios_share:", type="primary", on_change="rerun", key="run_share"
    )
    if not popover.open:
        return
    with popover:
        st.caption(t("page.run.copy_link"))
        copyable(page_address())
        _file(detail, "html", "text/html", partial(_report, detail), t("page.run.share_html_help"))
        _file(detail, "csv", "text/csv", lambda: points_csv(detail))
        _file(detail, "json", "application/json", lambda: _json(detail))
        _file(detail, "parquet", "application/vnd.apache.parquet", lambda: points_parquet(detail))
        st.caption(t("page.run.share_markdown"))
        st.code(run_markdown(detail, t, page_address()), language=None, wrap_lines=False, height=180)
        if session.may(Role.OPERATOR):
            st.divider()
            _archive(detail.run)


def _report(detail: RunDetail) -> bytes:
    results, slo = session.app().results, chosen_slo(detail)
    found = results.capacity(detail, slo)
    return run_report(detail, session.texts(), found=found, point=results.best_point(detail)).encode()


def _json(detail: RunDetail) -> str:
    return json.dumps(run_document(detail), ensure_ascii=False, indent=2)


def _file(
    detail: RunDetail, kind: str, media_type: str, make: Callable[[], str | bytes], help: str | None = None
) -> None:
    st.download_button(
        session.texts()(f"page.run.share_{kind}"),
        make,
        file_name=f"{detail.run.id}.{kind}",
        mime=media_type,
        key=f"share_{kind}",
        icon=":material/download:",
        help=help,
        on_click="ignore",
        disabled=not detail.measurements,
        width="stretch",
    )


def _archive(run: Run) -> None:
    t = session.texts()
    if run.archived_at is not None:
        return
    pressed = st.button(
        t("page.runs.archive"), key="run_archive", icon=":material/archive:", help=t("page.runs.archive_help")
    )
    if pressed and act(session.app().history.archive, session.actor(), [run.id]):
        tell(t("page.runs.archived", count=1))
        st.rerun()
