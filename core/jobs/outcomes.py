"""How a job ends, its outcome and its run's state together; and what it says meanwhile, which never ends it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from core.domain.benchmark import RunState
from core.domain.job import Job, JobState, Progress, Reason
from core.errors import AppError, StoreError
from core.ports import Clock, JobStore, Store
from core.settings import Settings

LOG = logging.getLogger("seatrial.jobs")


def reason_of(error: AppError) -> Reason:
    """What the person will read."""
    return Reason(error.code, error.params)


def settle(store: Store, job_id: str, outcome: JobState, at: datetime, reason: Reason | None = None) -> None:
    """Writes outcome and run state in one transaction. Raises StoreError."""
    with store.atomic():
        job = store.jobs.get(job_id)
        store.jobs.finish(job_id, outcome, at, reason)
        if job.run_id is not None:
            store.runs.set_state(job.run_id, _run_state(store, job.run_id, outcome), ended_at=at)


def reopen_run(store: Store, job: Job, at: datetime) -> None:
    """Marks job and run as begun; a resumed run is open again."""
    with store.atomic():
        store.jobs.mark_started(job.id, at)
        if job.run_id is not None:
            started_at = store.runs.get(job.run_id).started_at or at
            store.runs.set_state(job.run_id, RunState.PENDING, started_at=started_at)


def _run_state(store: Store, run_id: str, outcome: JobState) -> RunState:
    if outcome is JobState.DONE:
        return RunState.COMPLETE
    kept = bool(store.runs.measurements(run_id))
    return RunState.PARTIAL if kept or outcome is JobState.CANCELLED else RunState.FAILED


def tell(jobs: JobStore, job_id: str, progress: Progress) -> None:
    """The job's latest word, where it can be written. Nothing is measured by it and the next one comes in a moment: a
    database that somebody has locked must not end the work."""
    try:
        jobs.save_progress(job_id, progress)
    except StoreError as error:
        LOG.warning("progress of job %s could not be written: %s", job_id, error)


class JobLog:
    """One text file per job: what the worker says between its children's own words. English, as every log."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._folder = settings.logs
        self._clock = clock

    def path(self, job_id: str) -> Path:
        """The job's file."""
        return self._folder / f"{job_id}.log"

    def say(self, job_id: str, text: str, facts: Mapping[str, object] | None = None) -> None:
        """Appends one line with the time (UTC). One that cannot be written is dropped: on a full disk a finished job
        is finished all the same."""
        words = "".join(f" {name}={value}" for name, value in (facts or {}).items())
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self.path(job_id).open("a", encoding="utf-8") as file:
                file.write(f"{self._clock.now():%Y-%m-%d %H:%M:%S}Z {text}{words}\n")
        except OSError as error:
            LOG.warning("job %s: %s%s (not in its log: %s)", job_id, text, words, error)
