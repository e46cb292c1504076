"""The one rule that turns what is known of a job into the state that a person sees."""

from __future__ import annotations

from core.domain.job import Job, JobState


def state_of(job: Job, engine: JobState | None, *, worker_alive: bool, holds_server: bool) -> JobState:
    """``engine`` is the job engine's word, None where it does not know the job (or was not asked about one that has
    ended). ``holds_server``: processes of this job still hold the server's lock."""
    if job.outcome is not None:
        return _ended(job.outcome, holds_server)
    if engine is JobState.CANCELLED:
        # A living worker ends the children and then writes the outcome; without a worker nobody does.
        return JobState.CANCELLING if worker_alive or holds_server else JobState.CANCELLED
    if engine in {JobState.DONE, JobState.FAILED}:
        return engine
    if not worker_alive and (job.started_at is not None or engine is JobState.RUNNING):
        return JobState.INTERRUPTED
    return engine or JobState.QUEUED


def _ended(outcome: JobState, holds_server: bool) -> JobState:
    return JobState.CANCELLING if outcome is JobState.CANCELLED and holds_server else outcome
