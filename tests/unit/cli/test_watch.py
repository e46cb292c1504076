"""Staying with a job whose worker comes and goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cli import watch as watching
from core.bootstrap import App, compose
from core.domain.job import JobState
from core.errors import StoreError, ToolFailed
from core.services.jobs import JobService
from core.settings import Settings, read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.fresh_database import fresh_file
from tests.fakes.job_queue import FakeJobQueue


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """With one queued job, which nobody has taken up. Fifty looks at it are enough for any test here."""
    looks = iter(range(50))
    monkeypatch.setattr("cli.watch.time.sleep", lambda _: next(looks))
    fresh_file(tmp_path)
    app = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    clock, queue = FakeClock(), FakeJobQueue()
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run())
    app.store.jobs.add(samples.job())
    queue.engine["job-1"] = JobState.QUEUED
    return replace(app, jobs=JobService(app.store.jobs, queue, app.tools, app.settings, clock))


def test_a_worker_that_was_killed_before_it_took_the_job_up_is_replaced(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def second_one_works(settings: Settings) -> bool:
        asked.append(settings)
        if len(asked) == 2:
            app.store.jobs.finish("job-1", JobState.DONE, samples.NOW)
        return True

    monkeypatch.setattr(watching, "ensure_worker", second_one_works)
    assert watching.watch(app, app.jobs.view("job-1")).state is JobState.DONE
    assert len(asked) == 2


def test_where_no_worker_stays_it_says_so_and_the_job_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [True, False, True]

    def gives_up(settings: Settings) -> bool:
        if not left:
            raise ToolFailed("worker_gave_up", count=3, exit_code=1, log="worker.log", detail="disk full")
        return left.pop()

    monkeypatch.setattr(watching, "ensure_worker", gives_up)
    with pytest.raises(ToolFailed, match="worker_gave_up"):
        watching.watch(app, app.jobs.view("job-1"))
    assert app.jobs.view("job-1").state is JobState.QUEUED


def test_a_worker_that_can_write_nothing_is_told_and_the_job_waits(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ensure_worker", lambda settings: False)
    monkeypatch.setattr("core.adapters.disk.LocalDisk.free", lambda self, folder: 4_096)
    with pytest.raises(StoreError) as caught:
        watching.watch(app, app.jobs.view("job-1"))
    assert (caught.value.code, caught.value.params["detail"]) == ("disk_full", str(app.settings.home))
    assert app.jobs.view("job-1").state is JobState.QUEUED
