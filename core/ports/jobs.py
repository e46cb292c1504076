"""The job engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from core.domain.job import JobKind, JobState


class JobQueue(Protocol):
    """The job engine, as the web process and the shell see it."""

    def enqueue(self, job_id: str, kind: JobKind, server_key: str, payload: Mapping[str, Any]) -> None:
        """Idempotent by ``job_id``."""
        ...

    def cancel(self, job_id: str) -> None: ...
    def resume(self, job_id: str) -> None:
        """From the first unfinished step, on the server's own queue."""
        ...

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        """Engine's word only: queued, running, cancelled, failed, done. Unknown ids are left out."""
        ...

    def steps_done(self, job_id: str) -> int: ...
    def worker_seen_at(self) -> datetime | None:
        """The worker's last heartbeat."""
        ...
