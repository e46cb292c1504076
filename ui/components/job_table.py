"""Jobs as a table whose titles open them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.domain.job import Job, JobView
from ui import session
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.pieces import state_badge
from ui.markdown import plain

_SPANS = {"title": 6, "state": 2, "kind": 2, "steps": 2, "duration": 2, "when": 3}
_LEFT = ("title", "state", "kind")


def job_table(views: Sequence[JobView]) -> None:
    """One row a job, in the order they come; a title opens its job on this page."""
    t = session.texts()
    columns = [Column(name, t(f"page.jobs.column_{name}"), span, name not in _LEFT) for name, span in _SPANS.items()]
    grid_table(columns, map(_cells, views))


def _cells(view: JobView) -> dict[str, Cell]:
    t, job = session.texts(), view.job
    ran = (job.ended_at - job.started_at).total_seconds() if job.started_at and job.ended_at else None
    return {
        "title": partial(_title, job),
        "state": partial(state_badge, view.state),
        "kind": t(f"job.{job.kind}"),
        "steps": f"{view.steps_done} / {job.steps_total}",
        "duration": t.duration(ran),
        "when": f":small[{t.when(job.created_at)} · {plain(job.created_by)}]",
    }


def _title(job: Job) -> None:
    st.button(
        plain(job.title), key=f"open_{job.id}", type="tertiary", on_click=st.query_params.update, args=({"id": job.id},)
    )
