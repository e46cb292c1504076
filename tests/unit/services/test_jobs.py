"""Jobs as a person sees them, over a real store, a queue in memory and nobody's processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.job import JobKind, JobState
from core.errors import NotAllowed, NotFoundError, RefusedError
from core.services.jobs import STALE_AFTER, JobService
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.tool_runner import FakeToolRunner

SERVER = samples.job().server_key


class World:
    """One store with a few jobs, and the service before it."""

    def __init__(self, database: DatabaseStore, home: Path) -> None:
        self.store = database
        self.clock = FakeClock()
        self.queue = FakeJobQueue(worker_at=self.clock.now())
        self.tools = FakeToolRunner()
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.logs = settings.logs
        self.jobs = JobService(database.jobs, self.queue, self.tools, settings, self.clock)
        database.endpoints.add(samples.endpoint())
        database.runs.add(samples.run())

    def add(self, job_id: str, engine: JobState | None = JobState.QUEUED, **changes: object) -> None:
        self.clock.advance(1)
        self.queue.worker_at = self.clock.now()
        self.store.jobs.add(samples.job(**{"id": job_id, "created_at": self.clock.now(), **changes}))
        if engine is not None:
            self.queue.engine[job_id] = engine

    def state(self, job_id: str) -> JobState:
        return self.jobs.view(job_id).state


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_place_in_the_queue_is_counted_per_server(world: World) -> None:
    world.add("running", JobState.RUNNING, started_at=world.clock.now())
    world.add("first")
    world.add("elsewhere", server_key="address:127.0.0.1:9")
    world.add("second")
    world.add("not-queued-yet", engine=None)
    places = {view.job.id: view.queue_position for view in world.jobs.active()}
    assert places == {"running": None, "first": 1, "elsewhere": 1, "second": 2, "not-queued-yet": 3}
    assert world.jobs.view("second").queue_position == 2


def test_the_one_that_runs_is_named_before_the_ones_that_wait(world: World) -> None:
    assert world.jobs.on_server(SERVER) is None
    world.add("waits")
    assert world.jobs.on_server(SERVER) == world.jobs.view("waits")
    world.add("runs", JobState.RUNNING)
    found = world.jobs.on_server(SERVER)
    assert found is not None
    assert found.job.id == "runs"
    assert world.jobs.on_server("address:127.0.0.1:9") is None


def test_a_stale_heartbeat_interrupts_what_has_begun_and_nothing_else(world: World) -> None:
    world.add("begun", JobState.RUNNING, started_at=world.clock.now())
    world.add("waits")
    assert world.jobs.worker_alive()
    world.clock.advance(STALE_AFTER.total_seconds())
    assert not world.jobs.worker_alive()
    assert (world.state("begun"), world.state("waits")) == (JobState.INTERRUPTED, JobState.QUEUED)
    world.queue.worker_at = None
    assert world.state("begun") is JobState.INTERRUPTED


def test_progress_tells_the_steps_that_are_done(world: World) -> None:
    world.add("runs", JobState.RUNNING)
    assert world.jobs.view("runs").steps_done == 0
    world.store.jobs.save_progress("runs", samples.progress(step=1))
    assert world.jobs.view("runs").steps_done == 1
    assert world.jobs.view("runs").progress == samples.progress(step=1)
    world.store.jobs.finish("runs", JobState.DONE, world.clock.now())
    assert world.jobs.view("runs").steps_done == 2


def test_ended_jobs_are_listed_without_asking_the_engine(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.add("old", engine=None, outcome=JobState.DONE)
    asked: list[object] = []
    monkeypatch.setattr(world.queue, "states", lambda ids: asked.extend(ids) or {})
    page = world.jobs.page(0, 10)
    assert [(view.job.id, view.state) for view in page.rows] == [("old", JobState.DONE)]
    assert asked == []


def test_cancelling_lasts_while_its_own_processes_hold_the_server(world: World) -> None:
    world.add("job-9", JobState.RUNNING, started_at=world.clock.now())
    world.tools.holders[SERVER] = "job-9"
    world.jobs.cancel(LOCAL_OPERATOR, "job-9")
    assert world.state("job-9") is JobState.CANCELLING
    world.store.jobs.finish("job-9", JobState.CANCELLED, world.clock.now())
    assert world.state("job-9") is JobState.CANCELLING
    world.tools.holders[SERVER] = "the next one"
    assert world.state("job-9") is JobState.CANCELLED


def test_a_job_that_was_never_queued_can_be_cancelled(world: World) -> None:
    world.add("lost", engine=None)
    world.jobs.cancel(LOCAL_OPERATOR, "lost")
    assert world.state("lost") is JobState.CANCELLED


def test_cancel_leaves_an_ended_job_alone(world: World) -> None:
    world.add("old", engine=JobState.RUNNING, outcome=JobState.DONE)
    world.jobs.cancel(LOCAL_OPERATOR, "old")
    assert world.queue.engine["old"] is JobState.RUNNING
    assert world.state("old") is JobState.DONE


@pytest.mark.parametrize("outcome", [JobState.CANCELLED, JobState.FAILED])
def test_resume_opens_an_ended_job_again(world: World, outcome: JobState) -> None:
    world.add("job-9", outcome, outcome=outcome)
    world.jobs.resume(LOCAL_OPERATOR, "job-9")
    assert world.state("job-9") is JobState.QUEUED
    assert world.store.jobs.get("job-9").outcome is None


def test_resume_queues_what_the_engine_has_forgotten(world: World) -> None:
    world.add("job-9", engine=None, outcome=JobState.CANCELLED)
    world.jobs.resume(LOCAL_OPERATOR, "job-9")
    assert world.queue.begun_with["job-9"] == (JobKind.BENCHMARK, SERVER, {})


@pytest.mark.parametrize("engine", [JobState.QUEUED, JobState.RUNNING, JobState.CANCELLED])
def test_what_goes_on_or_ends_right_now_is_not_resumed(world: World, engine: JobState) -> None:
    world.add("job-9", engine)
    with pytest.raises(RefusedError) as refused:
        world.jobs.resume(LOCAL_OPERATOR, "job-9")
    assert refused.value.code == "job_not_resumable"
    assert world.queue.engine["job-9"] is engine


def test_a_viewer_reads_and_changes_nothing(world: World) -> None:
    viewer = Actor("li", Role.VIEWER)
    world.add("job-9", JobState.RUNNING)
    for act in (world.jobs.cancel, world.jobs.resume):
        with pytest.raises(NotAllowed):
            act(viewer, "job-9")
    assert world.state("job-9") is JobState.RUNNING


def test_a_log_is_read_by_offset_in_whole_characters(world: World) -> None:
    world.logs.mkdir(parents=True)
    (world.logs / "job-9.log").write_text("a二三b\n", encoding="utf-8")
    assert world.jobs.log_tail("job-9", 0, 3) == ("a", 1), "a character cut in two waits for its other half"
    assert world.jobs.log_tail("job-9", 1, 5) == ("二", 4)
    assert world.jobs.log_tail("job-9", 4) == ("三b\n", 9)
    assert world.jobs.log_tail("job-9", 99) == ("", 9)
    assert world.jobs.log_tail("job-9", -2) == ("b\n", 9)
    assert world.jobs.log_tail("job-9", -4) == ("b\n", 9)
    assert world.jobs.log_tail("job-9", -5) == ("三b\n", 9)


def test_no_log_yet_is_empty_and_no_id_leads_out_of_the_folder(world: World) -> None:
    assert world.jobs.log_tail("job-9") == ("", 0)
    with pytest.raises(NotFoundError):
        world.jobs.log_tail("../worker")


def test_unknown_jobs_are_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.jobs.view("nobody")
