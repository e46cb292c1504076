"""Jobs that a crash left between two states are mended; those that only look so for an instant are left alone."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.domain.benchmark import RunState
from core.domain.job import JobState
from core.errors import StoreError
from core.jobs.upkeep import PickUp, Reconciler, Sweeper, Upkeep
from core.jobs.workflows import Active
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.fresh_database import fresh_store
from tests.fakes.job_queue import FakeJobQueue


class Client:
    """The engine's client: what it lists, and what it was told."""

    def __init__(self, executor_id: str = "worker-1") -> None:
        self.executor_id = executor_id
        self.told: list[tuple[str, Any]] = []
        self.old = ["a", "b"]

    def list_workflows(self, **question: Any) -> list[Any]:
        if "completed_before" in question:
            return [SimpleNamespace(workflow_id=name) for name in self.old]
        return [SimpleNamespace(executor_id=self.executor_id)]

    def resume_workflow(self, job_id: str, *, queue_name: str) -> None:
        self.told.append((job_id, queue_name))

    def cancel_workflow(self, job_id: str) -> None:
        self.told.append((job_id, "cancel"))

    def delete_workflows(self, job_ids: list[str]) -> None:
        self.told.append(("delete", tuple(job_ids)))
        self.old = []


class World:
    def __init__(self, home: Path) -> None:
        self.store = fresh_store(home)
        self.queue, self.clock = FakeJobQueue(), FakeClock()
        self.active: set[str] = set()
        self.picked_up: list[str] = []
        self.goes_on = True
        self.store.endpoints.add(samples.endpoint())
        self.store.runs.add(samples.run())
        self.store.jobs.add(samples.job())
        self.reconciler = Reconciler(
            self.store,
            self.queue,
            self.clock,
            lambda: frozenset(self.active),
            self.pick_up,  # type: ignore[arg-type]
        )

    def pick_up(self, job_id: str) -> bool:
        self.picked_up.append(job_id)
        return self.goes_on

    def looks(self, times: int = 2) -> None:
        for _ in range(times):
            self.reconciler.look()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_job_that_never_reached_the_queue_is_queued(world: World) -> None:
    world.looks(1)
    assert world.queue.engine == {}, "it may be on its way"
    world.looks(1)
    assert world.queue.engine == {"job-1": JobState.QUEUED}


def test_a_begun_job_that_nobody_runs_is_taken_up_but_not_one_that_runs_here(world: World) -> None:
    world.queue.engine["job-1"] = JobState.RUNNING
    world.active.add("job-1")
    world.looks(3)
    assert world.picked_up == []
    world.active.clear()
    world.looks(1)
    assert world.picked_up == []
    world.looks(1)
    assert world.picked_up == ["job-1"]


def test_a_cancelled_job_whose_workflow_is_over_gets_its_outcome_and_its_run_too(world: World) -> None:
    world.queue.engine["job-1"] = JobState.CANCELLED
    world.looks(1)
    assert world.store.jobs.get("job-1").outcome is None
    world.looks(1)
    assert world.store.jobs.get("job-1").outcome is JobState.CANCELLED
    assert world.store.runs.get("run-1").state is RunState.PARTIAL


def test_a_job_that_is_resumed_right_now_is_left_alone(world: World) -> None:
    world.queue.engine["job-1"] = JobState.CANCELLED
    world.looks(1)
    world.queue.engine["job-1"] = JobState.QUEUED
    world.looks(3)
    assert world.store.jobs.get("job-1").outcome is None


def test_what_the_engine_gave_up_has_failed_with_a_reason(world: World) -> None:
    world.queue.engine["job-1"] = JobState.FAILED
    world.looks()
    job = world.store.jobs.get("job-1")
    assert (job.outcome, job.reason.code if job.reason else None) == (JobState.FAILED, "job_gave_up")


def test_a_begun_job_that_will_not_go_on_has_failed(world: World) -> None:
    world.queue.engine["job-1"], world.goes_on = JobState.RUNNING, False
    world.looks()
    job = world.store.jobs.get("job-1")
    assert (job.outcome, job.reason.code if job.reason else None) == (JobState.FAILED, "job_gave_up")


def test_a_job_is_taken_up_in_its_servers_queue_and_not_for_ever() -> None:
    client = Client()
    pick_up = PickUp(client, "worker-1", alone=False)  # type: ignore[arg-type]
    assert [pick_up("job-1") for _ in range(4)] == [True, True, True, False]
    assert client.told == [("job-1", "servers")] * 3 + [("job-1", "cancel")]


@pytest.mark.parametrize(("alone", "told"), [(False, []), (True, [("job-1", "servers")])])
def test_another_workers_job_is_left_to_it_unless_nobody_else_can_be_there(
    alone: bool, told: list[tuple[str, str]]
) -> None:
    client = Client(executor_id="worker-2")
    PickUp(client, "worker-1", alone=alone)("job-1")  # type: ignore[arg-type]
    assert client.told == told


def test_the_sweep_forgets_what_is_old_and_keeps_what_is_not(world: World, tmp_path: Path) -> None:
    settings = replace(read_settings({"SEATRIAL_HOME": str(tmp_path)}), retention_days=30)
    now = world.clock.now()
    ages = {"logs/old.log": 31, "logs/young.log": 29, "work/old": 8, "work/young": 6}
    for name, days in ages.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.mkdir() if name.startswith("work") else path.write_text("")
        stamp = (now - timedelta(days=days)).timestamp()
        os.utime(path, (stamp, stamp))
    client = Client()
    Sweeper(world.store, client, settings, world.clock).sweep()  # type: ignore[arg-type]
    assert client.told == [("delete", ("a", "b"))]
    assert sorted(name for name in ages if (tmp_path / name).exists()) == ["logs/young.log", "work/young"]


def test_without_retention_logs_stay_for_ever(world: World, tmp_path: Path) -> None:
    settings = read_settings({"SEATRIAL_HOME": str(tmp_path)})
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "old.log").write_text("")
    os.utime(tmp_path / "logs" / "old.log", (0, 0))
    Sweeper(world.store, Client(), settings, world.clock).sweep()  # type: ignore[arg-type]
    assert (tmp_path / "logs" / "old.log").exists()


@pytest.mark.parametrize("error", [StoreError("store_locked", detail=""), KeyError("a fault of our own")])
def test_a_duty_that_fails_does_not_end_the_others(error: Exception) -> None:
    beats, looked = [], threading.Event()

    def failing() -> None:
        looked.set()
        raise error

    upkeep = Upkeep([(failing, 60.0), (lambda: beats.append(1), 60.0)])
    upkeep.start()
    assert looked.wait(5)
    deadline = time.monotonic() + 5
    while not beats and time.monotonic() < deadline:
        time.sleep(0.01)
    upkeep.stop()
    assert beats == [1]


def test_a_job_is_active_from_its_first_to_its_last_workflow() -> None:
    active = Active()
    with active.entered("job-1"):
        with active.entered("job-1"):
            assert active.ids() == {"job-1"}
        assert active.ids() == {"job-1"}
    assert active.ids() == frozenset()
