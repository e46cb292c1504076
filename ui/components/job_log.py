"""The log of a job, read only while somebody looks."""

from __future__ import annotations

import streamlit as st

from ui import session

TAIL_BYTES = 32_768
_HEIGHT_PX = 320
_SHORT_LINES = 12


def job_log(job_id: str, *, key: str, opened: bool = False) -> None:
    """The end of a job's log. ``key`` tells two logs of one job on one page apart."""
    t = session.texts()
    box = st.expander(
        t("page.jobs.log"), expanded=opened, key=f"log_{key}_{job_id}", icon=":material/notes:", on_change="rerun"
    )
    if not box.open:
        return
    text, end = session.app().jobs.log_tail(job_id, -TAIL_BYTES)
    with box:
        if not text.strip():
            st.caption(t("page.jobs.log_empty"))
            return
        if end > TAIL_BYTES:
            st.caption(t("page.jobs.log_tail", shown=t.size(TAIL_BYTES), size=t.size(end)))
        tall = text.count("\n") > _SHORT_LINES
        st.code(text.rstrip(), language=None, wrap_lines=True, height=_HEIGHT_PX if tall else "content")
