"""What a person is told of their jobs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import Actor, Role
from core.domain.job import JobState, JobView
from core.domain.notices import STUCK_AFTER
from core.services.notices import FIRST_LOOK, NoticeService
from tests.fakes import samples
from tests.fakes.clock import FakeClock

LI, HAN = Actor("li", Role.OPERATOR), Actor("han", Role.OPERATOR)


class Active:
    """Whatever a test says is at work."""

    def __init__(self) -> None:
        self.views: list[JobView] = []

    def active(self) -> tuple[JobView, ...]:
        return tuple(self.views)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def active() -> Active:
    return Active()


@pytest.fixture
def notices(database: DatabaseStore, active: Active, clock: FakeClock) -> NoticeService:
    database.endpoints.add(samples.endpoint())
    database.runs.add(samples.run())
    return NoticeService(database, active, clock)


def end(database: DatabaseStore, job_id: str, outcome: JobState, clock: FakeClock, person: str = "li") -> None:
    database.jobs.add(samples.job(id=job_id, created_by=person))
    database.jobs.finish(job_id, outcome, clock.now())


def view(state: JobState, person: str = "li", **job: object) -> JobView:
    return JobView(samples.job(id=f"job-{state}-{person}", created_by=person, **job), state, 0, None)


def test_ends_are_news_until_they_are_seen(notices: NoticeService, database: DatabaseStore, clock: FakeClock) -> None:
    end(database, "job-1", JobState.DONE, clock)
    end(database, "job-2", JobState.CANCELLED, clock)
    end(database, "job-3", JobState.DONE, clock, person="han")
    clock.advance(60)
    end(database, "job-4", JobState.FAILED, clock)
    found = notices.of(LI)
    assert [job.id for job in found.ended] == ["job-4", "job-1"]
    assert [job.id for job in found.failed] == ["job-4"]
    notices.seen(LI)
    assert notices.of(LI).ended == ()
    assert [job.id for job in notices.of(HAN).ended] == ["job-3"]
    clock.advance(60)
    end(database, "job-5", JobState.DONE, clock)
    assert [job.id for job in notices.of(LI).ended] == ["job-5"]


def test_looking_where_nothing_is_new_writes_nothing(notices: NoticeService, database: DatabaseStore) -> None:
    before = database.data_version()
    notices.seen(LI)
    assert database.data_version() == before


def test_what_ended_long_ago_is_no_news(notices: NoticeService, database: DatabaseStore, clock: FakeClock) -> None:
    end(database, "job-1", JobState.DONE, clock)
    clock.advance(FIRST_LOOK.total_seconds() + 1)
    assert notices.of(LI).ended == ()


def test_jobs_at_work_are_ones_own(notices: NoticeService, active: Active) -> None:
    active.views = [view(JobState.RUNNING), view(JobState.QUEUED), view(JobState.RUNNING, "han")]
    assert {found.job.id for found in notices.of(LI).active} == {"job-running-li", "job-queued-li"}


def test_interrupted_and_silent_jobs_are_stuck(notices: NoticeService, active: Active, clock: FakeClock) -> None:
    silent = clock.now() - STUCK_AFTER - timedelta(seconds=1)
    heard = JobView(samples.job(id="job-heard", created_by="li"), JobState.RUNNING, 0, samples.progress())
    active.views = [view(JobState.INTERRUPTED), view(JobState.RUNNING, started_at=silent), heard]
    found = notices.of(LI)
    assert {one.job.id for one in found.stuck} == {"job-interrupted-li", "job-running-li"}
    assert [one.job.id for one in found.active] == ["job-heard"]
