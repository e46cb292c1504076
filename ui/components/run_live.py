"""A run while it runs: what is measured now, how far, how fast, how long still."""

from __future__ import annotations

import streamlit as st

from core.domain.job import JobState, JobView, Progress
from core.services.results import RunDetail
from render.texts import Texts
from ui import session
from ui.components.job import job_buttons, job_fraction
from ui.components.pieces import state_badge
from ui.markdown import plain


def live_panel(detail: RunDetail) -> None:
    """Progress and its buttons while the job is open; why it stopped where it was interrupted or failed."""
    t, view = session.texts(), detail.job
    if view is None:
        return
    with st.container(border=True, gap="small", key="run_live"):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(view.state)
            st.markdown(_line(view, t), width="content")
            st.space("stretch")
            job_buttons(view)
        if view.state in {JobState.RUNNING, JobState.CANCELLING}:
            st.progress(job_fraction(view))
            if view.progress:
                _figures(detail, view, view.progress, t)


def _line(view: JobView, t: Texts) -> str:
    if view.state is JobState.FAILED:
        return plain(t.reason(view.job.reason))
    if view.state is JobState.INTERRUPTED:
        return t("page.run.interrupted")
    if view.state is JobState.QUEUED:
        return t("page.run.queued")
    if view.progress is None:
        return ""
    return t(f"page.run.{'warming' if view.progress.label == 'warmup' else 'measuring'}", load=_load(view.progress, t))


def _load(progress: Progress, t: Texts) -> str:
    rate = progress.detail.get("rate_per_s")
    if rate is not None:
        return t("chart.at_rate", rate=t.number(float(rate)))
    return t("chart.at_concurrency", concurrency=progress.detail.get("concurrency"))


def _figures(detail: RunDetail, view: JobView, progress: Progress, t: Texts) -> None:
    rate, failed = progress.detail.get("output_tokens_per_s"), progress.detail.get("failed")
    total = f" / {t.number(progress.total)}" if progress.total else ""
    with st.grid(min_column_width=150, gap="small"):
        st.metric(t("page.run.points_done"), f"{view.steps_done} / {view.job.steps_total}")
        st.metric(t("page.run.done_requests"), f"{t.number(progress.done)}{total}")
        st.metric(t("page.run.rate_now"), t.tokens_per_s(None if rate is None else float(rate)))
        st.metric(t("page.run.failed_now"), t.number(None if failed is None else int(failed)))
        st.metric(t("page.run.left_all"), t.duration(session.app().results.left_s(detail)))
