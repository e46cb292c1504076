"""Kept views of the history: a filter under a name, or exactly these runs under a short link."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.access import Role
from core.domain.history import RunFilter, SavedView
from core.services.history import LIST_LIMIT
from render.documents import runs_csv
from ui import session
from ui.act import act, tell
from ui.components.kept_views import kept_list
from ui.components.links import go, link
from ui.components.pieces import copyable
from ui.components.run_bulk import picked
from ui.components.run_filters import VIEW, filter_state
from ui.markdown import plain

PAGE = "runs"


def open_view() -> SavedView | None:
    """The view that the address names. One that froze nothing is only a filter: the page opens with that."""
    view_id = st.query_params.get(VIEW, "")
    if not view_id:
        return None
    view = session.app().history.view(view_id)
    if not view.run_ids:
        go(PAGE, **view.state)
    return view


def view_line(view: SavedView) -> None:
    """What a frozen view is, and its link."""
    t = session.texts()
    with st.container(border=True, gap="xsmall"):
        told = {"count": len(view.run_ids), "name": view.created_by, "when": t.when(view.created_at)}
        st.markdown(f":material/lock: **{plain(view.title)}**  \n:small[{plain(t('page.runs.frozen', **told))}]")
        with st.container(horizontal=True, vertical_alignment="center"):
            copyable(view_link(view))
            link(PAGE, t("page.runs.all"), icon=":material/arrow_back:")


def view_link(view: SavedView) -> str:
    """As short as it can be."""
    base = str(st.context.url or "").split("?")[0]
    return f"{base}?{VIEW}={view.id}"


def history_views(where: RunFilter, total: int) -> None:
    """Kept views to open, and this list to keep."""
    t = session.texts()
    popover = st.popover(t("page.runs.views"), icon=":material/bookmark:", on_change="rerun", key="runs_views")
    if not popover.open:
        return
    with popover:
        kept_list(PAGE)
        if session.may(Role.OPERATOR):
            st.divider()
            _keep(where, total)
        st.divider()
        st.download_button(
            t("page.runs.csv", count=min(total, LIST_LIMIT)),
            lambda: runs_csv(session.app().history.newest(where)),
            file_name="runs.csv",
            mime="text/csv",
            key="runs_csv",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
        )


def _keep(where: RunFilter, total: int) -> None:
    t, chosen = session.texts(), picked()
    with st.form("runs_keep", border=False):
        title = st.text_input(t("page.runs.view_title"), key="runs_view_title", max_chars=200)
        count = len(chosen) or total
        freeze = st.checkbox(
            t("page.runs.freeze", count=count),
            key="runs_view_freeze",
            value=bool(chosen),
            help=t("page.runs.freeze_help"),
        )
        pressed = st.form_submit_button(t("page.runs.view_keep"), type="primary")
    if pressed:
        _save(title, _frozen(where, chosen) if freeze else ())


def _frozen(where: RunFilter, chosen: Sequence[str]) -> tuple[str, ...]:
    history = session.app().history
    # One more than a view may hold: then the service says how many are too many.
    return tuple(chosen) or history.ids(where, limit=1_001)


def _save(title: str, run_ids: tuple[str, ...]) -> None:
    state = {} if run_ids else filter_state()
    saved = act(session.app().history.keep_view, session.actor(), PAGE, title, state, run_ids)
    if saved:
        tell(session.texts()("page.runs.view_kept", id=saved.value.id))
        go(PAGE, view=saved.value.id)
