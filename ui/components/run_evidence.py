"""What makes a run believable and repeatable: where it comes from, its command, its files, its log."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.formats.seatrial_bench import KEY_VARIABLE
from core.services.results import RunDetail
from render.provenance import provenance_facts
from ui import session
from ui.act import act, tell
from ui.components.artifact_row import artifact_row
from ui.components.links import page_address
from ui.components.log import log_tail
from ui.components.pieces import command_block, copyable
from ui.markdown import code, plain

_TABS = ("provenance", "reproduce", "files", "log", "note")


def evidence(detail: RunDetail) -> None:
    """In tabs; only the open one is drawn."""
    t = session.texts()
    tabs = st.tabs([t(f"page.run.tab_{name}") for name in _TABS], key="run_evidence", on_change="rerun")
    for tab, draw in zip(tabs, (_provenance, _reproduce, _files, _log, _note), strict=True):
        if tab.open:
            with tab:
                draw(detail)


def _provenance(detail: RunDetail) -> None:
    t = session.texts()
    with st.grid(min_column_width=260, gap=("xsmall", "small")):
        for key, value in provenance_facts(detail.run, detail.measurements, t):
            shown = code(value) if key == "endpoint" else plain(value)
            st.markdown(f":gray[:small[{t(f'provenance.{key}')}]]  \n{shown}")


def _reproduce(detail: RunDetail) -> None:
    t, run = session.texts(), detail.run
    imported = "imported" in run.provenance
    st.caption(t("page.run.reproduce_imported") if imported else t("page.run.reproduce"))
    if run.command:
        command_block(run.command)
    if KEY_VARIABLE in run.command:
        st.caption(t("page.run.key_needed", name=KEY_VARIABLE))
    if not imported:
        st.caption(t("page.run.reproduce_exact", seed=run.seed))
    st.caption(t("page.run.copy_link"))
    copyable(page_address())


def _files(detail: RunDetail) -> None:
    t = session.texts()
    if not detail.artifacts:
        st.caption(t("page.run.no_files"))
    for artifact in detail.artifacts:
        artifact_row(artifact)


def _log(detail: RunDetail) -> None:
    if detail.run.job_id:
        log_tail(detail.run.job_id)


def _note(detail: RunDetail) -> None:
    t, run = session.texts(), detail.run
    if not session.may(Role.OPERATOR):
        st.markdown(plain(run.note) or t("page.run.note_none"))
        return
    note = st.text_area(t("page.run.note_label"), run.note, key="run_note")
    pressed = st.button(t("word.save"), key="run_note_save", disabled=note.strip() == run.note)
    if pressed and act(session.app().results.annotate, session.actor(), run.id, note):
        tell(t("page.run.note_saved"))
        st.rerun()
