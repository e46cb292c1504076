"""Many runs at once: what is picked in the list, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.domain.access import Role
from core.domain.benchmark import RunRow
from core.domain.history import Shelf
from ui import registry, session
from ui.act import act, tell
from ui.components.links import go
from ui.markdown import plain

_PICK = "pick_"
_UNDO = "runs_undo"


def pick_box(row: RunRow) -> None:
    """The list's first column."""
    label = session.texts()("page.runs.pick", name=f"{row.model} {row.version_label}")
    st.checkbox(plain(label), key=f"{_PICK}{row.id}", label_visibility="collapsed")


def picked() -> list[str]:
    """The runs that are picked, on whatever page of the list."""
    return sorted(
        str(key).removeprefix(_PICK) for key, on in st.session_state.items() if str(key).startswith(_PICK) and on
    )


def unpick() -> None:
    """None any more; before the list is drawn, or in a callback."""
    for run_id in picked():
        st.session_state[f"{_PICK}{run_id}"] = False


def bulk_bar(rows: Sequence[RunRow], shelf: Shelf) -> None:
    """What can be done with the picked runs; after an archive or its reverse, the way back."""
    _undo_line()
    run_ids = picked()
    if not run_ids:
        return
    t = session.texts()
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="runs_bulk"):
        st.markdown(f"**{t('page.runs.picked', count=len(run_ids))}**", width="content")
        if registry.has("compare") and len(run_ids) > 1 and st.button(t("page.runs.compare"), key="bulk_compare"):
            go("compare", runs=",".join(run_ids))
        if session.may(Role.OPERATOR):
            _tag_popover(run_ids, sorted({tag for row in rows if row.id in run_ids for tag in row.tags}))
            _shelve(run_ids, shelf)
        st.button(
            t("page.runs.pick_page"), key="bulk_page", type="tertiary", on_click=_pick_all, args=([r.id for r in rows],)
        )
        st.button(t("page.runs.pick_none"), key="bulk_none", type="tertiary", on_click=unpick)


def _pick_all(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        st.session_state[f"{_PICK}{run_id}"] = True


def _tag_popover(run_ids: Sequence[str], worn: Sequence[str]) -> None:
    t, history = session.texts(), session.app().history
    with st.popover(t("page.runs.tag"), icon=":material/sell:", key="bulk_tag"):
        with st.form("bulk_tag_form", clear_on_submit=True, border=False):
            tag = st.text_input(t("page.runs.tag_new"), key="bulk_tag_text", max_chars=40)
            pressed = st.form_submit_button(t("page.runs.tag_add"), type="primary")
        if pressed and act(history.tag, session.actor(), run_ids, [tag]):
            tell(t("page.runs.tagged", count=len(run_ids)))
            st.rerun()
        for name in worn:
            remove = st.button(
                plain(t("page.runs.tag_remove", tag=name)), key=f"bulk_untag_{name}", icon=":material/close:"
            )
            if remove and act(history.tag, session.actor(), run_ids, (), [name]):
                st.rerun()


def _shelve(run_ids: Sequence[str], shelf: Shelf) -> None:
    t, history = session.texts(), session.app().history
    if shelf is not Shelf.ARCHIVED:
        _shelf_button("archive", run_ids, history.archive, ":material/archive:", t("page.runs.archive_help"))
    if shelf is not Shelf.CURRENT:
        _shelf_button("restore", run_ids, history.restore, ":material/unarchive:", None)


def _shelf_button(verb: str, run_ids: Sequence[str], action: Callable[..., None], icon: str, help: str | None) -> None:
    t = session.texts()
    if st.button(t(f"page.runs.{verb}"), key=f"bulk_{verb}", icon=icon, help=help) and act(
        action, session.actor(), run_ids
    ):
        st.session_state[_UNDO] = (verb, list(run_ids))
        st.session_state["runs_unpick"] = True
        st.rerun()


def after_a_shelf_change() -> None:
    """At the top of the page, before a checkbox is drawn: what was archived is no longer picked."""
    if st.session_state.pop("runs_unpick", False):
        unpick()


def _undo_line() -> None:
    if _UNDO not in st.session_state:
        return
    t, history = session.texts(), session.app().history
    verb, run_ids = st.session_state[_UNDO]
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small", key="runs_undone"):
        st.markdown(t(f"page.runs.{verb}d", count=len(run_ids)), width="content")
        back = history.restore if verb == "archive" else history.archive
        if st.button(t("word.undo"), key="runs_undo_button", icon=":material/undo:") and act(
            back, session.actor(), run_ids
        ):
            st.session_state.pop(_UNDO)
            st.rerun()
        st.button(t("word.close"), key="runs_undo_close", type="tertiary", on_click=_forget_undo)


def _forget_undo() -> None:
    st.session_state.pop(_UNDO, None)
