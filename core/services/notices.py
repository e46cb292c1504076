"""Notices: what became of a person's jobs since they last looked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from core.domain.access import Actor
from core.domain.job import JobState, JobView
from core.domain.notices import Notices, is_stuck
from core.ports import Clock, Store

SHOWN = 20
FIRST_LOOK = timedelta(days=1)
"""Before a person ever looked: what ended in the last day is news."""


class ActiveJobs(Protocol):
    """The part of the job service that notices need."""

    def active(self) -> tuple[JobView, ...]: ...


class NoticeService:
    """Only a person's own jobs; those of others are on the page of jobs."""

    def __init__(self, store: Store, jobs: ActiveJobs, clock: Clock) -> None:
        self._store = store
        self._jobs = jobs
        self._clock = clock

    def of(self, actor: Actor) -> Notices:
        """As of now."""
        now = self._clock.now()
        own = [view for view in self._jobs.active() if view.job.created_by == actor.name]
        stuck = tuple(view for view in own if is_stuck(view, now))
        ended = self._store.jobs.ended_since(self._looked_at(actor) or now - FIRST_LOOK, actor.name, SHOWN)
        return Notices(
            active=tuple(view for view in own if view.state.is_active and view not in stuck),
            stuck=stuck,
            ended=tuple(job for job in ended if job.outcome is not JobState.CANCELLED),
        )

    def seen(self, actor: Actor) -> None:
        """The person has looked: what ended until now is no news any more. Writes only where there is some."""
        if self.of(actor).ended:
            self._store.preferences.set(_key(actor), self._clock.now().isoformat())

    def _looked_at(self, actor: Actor) -> datetime | None:
        text = self._store.preferences.get(_key(actor))
        return datetime.fromisoformat(text) if text else None


def _key(actor: Actor) -> str:
    return f"notices_seen.{actor.name}"
