"""The engine goes at any moment: what is written stays true, and a start goes on when it is back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState
from core.domain.job import JobState
from core.errors import AppError, EngineError, EngineUnavailable, Rejected, StoreError
from tests.deployment_world import World

CREATE, WAIT, REGISTER = range(3)
CALLS = [
    (CREATE, "image_digest"), (CREATE, "pull"), (CREATE, "list"), (CREATE, "create_or_adopt"), (CREATE, "get"),
    (WAIT, "get"), (WAIT, "logs_tail"), (REGISTER, "info"),
]  # fmt: skip


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def step(world: World, number: int, deployment_id: str, is_cancelled: Callable[[], bool] = lambda: False) -> bool:
    steps = (world.service.step_create, world.service.step_wait_ready, world.service.step_register_endpoint)
    return steps[number](deployment_id, world.reports.append, is_cancelled)


def brought_to(world: World, number: int) -> str:
    """A start whose steps before ``number`` are done, and whose server answers by then."""
    deployment_id = world.start(image="vllm:other" if number == CREATE else "vllm:test")
    for earlier in range(number):
        step(world, earlier, deployment_id)
        world.serve(deployment_id)
    return deployment_id


@pytest.mark.parametrize(
    "fault", [EngineUnavailable(detail="gone"), EngineError(detail="HTTP 500")], ids=["away", "stumbles"]
)
@pytest.mark.parametrize(("number", "call"), CALLS, ids=[f"{number}-{call}" for number, call in CALLS])
def test_every_call_may_fail_once(world: World, number: int, call: str, fault: AppError) -> None:
    deployment_id = brought_to(world, number)
    world.engine.faults[call] = fault
    world.sleeps = [lambda: None]
    assert step(world, number, deployment_id)
    assert not world.engine.faults, "the call was made"
    assert world.engine.created == 1
    world.serve(deployment_id)
    for later in range(number + 1, 3):
        assert step(world, later, deployment_id)
    view = world.service.get(deployment_id)
    assert view.deployment.state is DeploymentState.READY
    assert view.endpoint is not None


@pytest.mark.parametrize("number", [CREATE, WAIT, REGISTER])
def test_an_engine_that_answers_with_nothing_else_is_told_at_last(world: World, number: int) -> None:
    deployment_id = brought_to(world, number)
    call = {CREATE: "create_or_adopt", WAIT: "get", REGISTER: "info"}[number]

    def again() -> None:
        world.engine.faults[call] = EngineError(detail="HTTP 500")

    again()
    world.sleeps = [again] * 4
    with pytest.raises(EngineError):
        step(world, number, deployment_id)
    found = world.store.deployments.get(deployment_id)
    assert (found.state, found.reason_code) == (DeploymentState.FAILED, "engine_error")
    assert dict(found.reason_params) == {"detail": "HTTP 500"}


def test_a_locked_database_does_not_end_a_start(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    deployment_id = brought_to(world, WAIT)
    real, locked = world.store.deployments.update, [StoreError("store_locked", detail="locked")]

    def update(deployment: object) -> None:
        if locked:
            raise locked.pop()
        real(deployment)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store.deployments, "update", update)
    world.sleeps = [lambda: None]
    assert step(world, WAIT, deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY


@pytest.mark.parametrize("number", [CREATE, WAIT, REGISTER])
def test_a_cancel_while_it_is_away_is_carried_out_when_it_is_back(world: World, number: int) -> None:
    deployment_id = brought_to(world, number)
    if number == CREATE:  # the container is made, and the engine goes before it can say so
        world.service.step_create(deployment_id)
        container_id = world.container_id(deployment_id)
        world.store.deployments.update(_without_container(world, deployment_id))
    else:
        container_id = world.container_id(deployment_id)
    world.engine.down = "restarting"
    told: list[bool] = []
    world.sleeps = [lambda: told.append(True)]
    assert not step(world, number, deployment_id, lambda: bool(told))
    world.store.jobs.finish(
        world.store.deployments.get(deployment_id).job_id or "", JobState.CANCELLED, world.clock.now()
    )
    found = world.service.get(deployment_id).deployment
    assert (found.state, found.reason_code) == (DeploymentState.STOPPED, "stop_pending")
    world.care.look()
    assert world.store.deployments.get(deployment_id).reason_code == "stop_pending", "nobody could be told yet"
    world.engine.down = None
    assert world.engine.get(container_id).state == "running"
    world.care.look()
    assert world.engine.get(container_id).state == "exited"
    found = world.service.get(deployment_id).deployment
    assert (found.state, found.reason_code) == (DeploymentState.STOPPED, None)


def _without_container(world: World, deployment_id: str):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(world.store.deployments.get(deployment_id), container_id=None, state=DeploymentState.STARTING)


def test_a_cancel_is_no_reason_to_leave_a_container_that_nobody_was_told_of(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    container_id = world.container_id(deployment_id)
    world.store.deployments.update(_without_container(world, deployment_id))
    assert not step(world, CREATE, deployment_id, lambda: True)
    assert world.engine.get(container_id).state == "exited"


def test_a_slow_first_stream_is_asked_for_again(world: World) -> None:
    deployment_id = brought_to(world, WAIT)
    world.client.servers["http://127.0.0.1:8000/v1"].slow_checks = 5
    world.sleeps = [lambda: None] * 5
    assert step(world, WAIT, deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY


def test_a_stream_that_breaks_is_no_slow_one(world: World) -> None:
    deployment_id = brought_to(world, WAIT)
    world.client.servers["http://127.0.0.1:8000/v1"].trial_fails = True
    world.sleeps = [lambda: None] * 2
    with pytest.raises(Rejected) as refused:
        step(world, WAIT, deployment_id)
    assert refused.value.code == "start_no_stream"


def test_the_page_can_stop_what_could_not_be_told(world: World) -> None:
    deployment_id = brought_to(world, WAIT)
    world.engine.down = "restarting"
    assert not step(world, WAIT, deployment_id, lambda: True)
    world.engine.down = None
    world.finish_job(deployment_id)
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"
    assert world.store.deployments.get(deployment_id).reason_code is None
