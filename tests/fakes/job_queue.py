"""JobQueue in memory: jobs wait until a test says what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.domain.job import JobKind, JobState
from core.errors import NotFoundError


class FakeJobQueue:
    """``engine`` is the engine's word on each job, ``begun_with`` what it was given."""

    def __init__(self, worker_at: datetime | None = None) -> None:
        self.engine: dict[str, JobState] = {}
        self.begun_with: dict[str, tuple[JobKind, str, Mapping[str, Any]]] = {}
        self.worker_at = worker_at

    def enqueue(self, job_id: str, kind: JobKind, server_key: str, payload: Mapping[str, Any]) -> None:
        if job_id not in self.engine:
            self.engine[job_id] = JobState.QUEUED
            self.begun_with[job_id] = (kind, server_key, dict(payload))

    def cancel(self, job_id: str) -> None:
        if self.engine.get(job_id) in {JobState.QUEUED, JobState.RUNNING}:
            self.engine[job_id] = JobState.CANCELLED

    def resume(self, job_id: str) -> None:
        if job_id not in self.engine:
            raise NotFoundError(kind="job", id=job_id)
        self.engine[job_id] = JobState.QUEUED

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        return {job_id: self.engine[job_id] for job_id in job_ids if job_id in self.engine}

    def steps_done(self, job_id: str) -> int:
        return 0

    def worker_seen_at(self) -> datetime | None:
        return self.worker_at
