"""Jobs as a table."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.job import JobView
from ui import session


def job_table(views: Sequence[JobView], key: str) -> str | None:
    """The id of the job that was clicked, else None."""
    t = session.texts()
    columns = ("when", "state", "title", "kind", "steps", "duration", "person")
    heads = [t(f"page.jobs.column_{name}") for name in columns]
    rows = [dict(zip(heads, _row(view), strict=True)) for view in views]
    event = st.dataframe(
        rows,
        key=key,
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        alt=t("page.jobs.history"),
    )
    chosen = event["selection"]["rows"]
    return views[chosen[0]].job.id if chosen and chosen[0] < len(views) else None


def _row(view: JobView) -> tuple[str, ...]:
    t, job = session.texts(), view.job
    ran = (job.ended_at - job.started_at).total_seconds() if job.started_at and job.ended_at else None
    return (
        t.when(job.created_at),
        t(f"job.{view.state}"),
        job.title,
        t(f"job.{job.kind}"),
        f"{view.steps_done} / {job.steps_total}",
        t.duration(ran),
        job.created_by,
    )
