"""The end of a job's log, and the whole of it as a file."""

from __future__ import annotations

import streamlit as st

from ui import session

TAIL_BYTES = 32_768
_WHOLE_BYTES = 64 * 1024 * 1024


def log_tail(job_id: str, height: int = 320) -> None:
    """What was written last; the file is read when its button is pressed."""
    t, jobs = session.texts(), session.app().jobs
    text, end = jobs.log_tail(job_id, -TAIL_BYTES, TAIL_BYTES)
    if not text:
        st.caption(t("page.run.no_log"))
        return
    if end > TAIL_BYTES:
        st.caption(t("page.run.log_tail", size=t.size(TAIL_BYTES)))
    st.code(text, language=None, wrap_lines=True, height=height if text.count("\n") > 14 else "content")
    st.download_button(
        t("page.run.download_log"),
        lambda: jobs.log_tail(job_id, 0, _WHOLE_BYTES)[0],
        file_name=f"{job_id}.log",
        mime="text/plain",
        key=f"log_{job_id}",
        icon=":material/download:",
        on_click="ignore",
    )
