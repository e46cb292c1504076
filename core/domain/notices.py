"""What a person is told of, wherever they are in the app: their jobs that ended, failed or got stuck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from core.domain.job import Job, JobState, JobView

STUCK_AFTER = timedelta(minutes=5)
"""A running job reports every second or two; a model that loads says so itself."""


@dataclass(frozen=True)
class Notices:
    """Of one person's jobs: ``active`` are queued or running, ``stuck`` are interrupted or silent, ``ended`` since the
    person last looked, the newest first."""

    active: tuple[JobView, ...] = ()
    stuck: tuple[JobView, ...] = ()
    ended: tuple[Job, ...] = ()

    @property
    def failed(self) -> tuple[Job, ...]:
        """Those that ended without what they were started for; a cancel was the person's own wish."""
        return tuple(job for job in self.ended if job.outcome is JobState.FAILED)


def is_stuck(view: JobView, now: datetime) -> bool:
    """Interrupted, or running without a word for ``STUCK_AFTER``."""
    if view.state is JobState.INTERRUPTED:
        return True
    if view.state is not JobState.RUNNING:
        return False
    heard_at = view.progress.updated_at if view.progress else view.job.started_at
    return heard_at is not None and now - heard_at > STUCK_AFTER
