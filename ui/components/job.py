"""A job on the screen: progress, speed, time left, cancel and resume."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.job import Job, JobKind, JobState, JobView, Progress
from ui import session
from ui.act import act
from ui.components.cards import confirm
from ui.components.links import link
from ui.components.pieces import state_badge
from ui.markdown import plain

POLL_S = 2
_OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})
_RESUMABLE = frozenset({JobState.INTERRUPTED, JobState.CANCELLED, JobState.FAILED})


def watch_job(job_id: str) -> None:
    """A card that follows its job by itself while it is active; once it has ended, the whole page is drawn anew."""
    active = session.app().jobs.view(job_id).state.is_active
    st.fragment(_follow, run_every=POLL_S if active else None)(job_id, active)


def _follow(job_id: str, was_active: bool) -> None:
    view = session.app().jobs.view(job_id)
    if was_active and not view.state.is_active:
        st.rerun()
    job_card(view)


def job_card(view: JobView, *, key: str = "") -> None:
    """One job, as it is now. ``key`` tells two cards of one job on one page apart."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(view.state)
            _title(view.job)
            st.space("stretch")
            job_buttons(view, key)
        _state_line(view)


def _title(job: Job) -> None:
    if not job_link(job, plain(job.title)):
        st.markdown(f"**{plain(job.title)}**", width="content")


def job_link(job: Job, label: str, *, help: str | None = None) -> bool:
    """To where a job's work is seen. False, and nothing drawn, where it has no page of its own."""
    found = _page_of(job)
    if found is None:
        return False
    page, query = found
    link(page, label, help=help, **query)
    return True


def _page_of(job: Job) -> tuple[str, dict[str, str]] | None:
    if job.run_id:
        return "evaluation" if job.kind is JobKind.EVALUATION else "run", {"id": job.run_id}
    if job.kind is JobKind.DATASETS:
        return "datasets", {}
    if job.deployment_id:
        return "deployment", {"id": job.deployment_id}
    if job.kind is JobKind.DOWNLOAD:
        return "models", {}
    if job.kind is JobKind.WEBUI:
        return "open_webui", {"id": job.server_key.removeprefix("webui:")}
    return None


def _state_line(view: JobView) -> None:
    t = session.texts()
    if view.state in {JobState.RUNNING, JobState.CANCELLING} and view.progress:
        st.progress(job_fraction(view), text=plain(progress_text(view.progress)))
    elif view.state is JobState.FAILED:
        st.markdown(f":red[{plain(t.reason(view.job.reason))}]")
    elif view.state is JobState.INTERRUPTED:
        st.markdown(f":orange[{t('component.interrupted_text')}]")
    elif view.state is JobState.QUEUED and view.queue_position is not None:
        st.caption(t("component.queue_position", position=view.queue_position))
    parts = [t("component.started_by", name=view.job.created_by, when=t.when(view.job.created_at))]
    if view.job.steps_total > 1:
        parts.append(t("component.steps", done=view.steps_done, total=view.job.steps_total))
    st.caption(plain(" · ".join(parts)))


def job_fraction(view: JobView) -> float:
    """Finished steps and the running one's share, 0..1."""
    progress, total = view.progress, max(view.job.steps_total, 1)
    share = progress.done / progress.total if progress and progress.total else 0.0
    return min((view.steps_done + min(share, 1.0)) / total, 1.0)


def progress_text(progress: Progress) -> str:
    """What is being done, how far, how fast, how long still."""
    t = session.texts()
    unit = t(f"progress_unit.{progress.unit}") if t.has(f"progress_unit.{progress.unit}") else progress.unit
    label = (
        t(f"progress.{progress.label}", **progress.detail) if t.has(f"progress.{progress.label}") else progress.label
    )
    counted = {"done": t.number(progress.done), "total": t.number(progress.total), "unit": unit}
    if progress.unit == "bytes":
        counted = {"done": t.size(progress.done), "total": t.size(progress.total), "unit": ""}
    parts = [label, t("component.progress_of" if progress.total else "component.progress_count", **counted).strip()]
    if progress.rate_per_s:
        rate = t.size(round(progress.rate_per_s)) if progress.unit == "bytes" else t.number(progress.rate_per_s)
        parts.append(t("component.speed", rate=rate, unit=counted["unit"]).replace("  ", " "))
    if progress.eta_s is not None:
        parts.append(t("component.left", span=t.duration(progress.eta_s)))
    return " · ".join(part for part in parts if part)


def job_buttons(view: JobView, key: str = "") -> None:
    """Cancel and resume, where the state allows it and the person may."""
    if not session.may(Role.OPERATOR):
        return
    t, jobs, job_id = session.texts(), session.app().jobs, view.job.id
    if view.state in _RESUMABLE:
        pressed = st.button(
            t("word.resume"),
            key=f"resume_{key}{job_id}",
            type="primary" if view.state is JobState.INTERRUPTED else "secondary",
            help=t("component.resume_help"),
        )
        if pressed and act(jobs.resume, session.actor(), job_id):
            st.rerun()
    if (view.state in _OPEN or view.state is JobState.INTERRUPTED) and st.button(
        t("word.cancel"), key=f"cancel_{key}{job_id}", icon=":material/cancel:"
    ):
        actor = session.actor()
        confirm(
            t("component.cancel_title"),
            t("component.cancel_text"),
            t("component.cancel_yes"),
            lambda: jobs.cancel(actor, job_id),
            no=t("component.cancel_no"),
        )
