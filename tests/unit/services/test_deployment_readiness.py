"""When a container serves, and why it does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Origin
from core.errors import (
    ContainerFailed,
    EndpointError,
    Rejected,
)
from tests.deployment_world import DATA, URL, World


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_it_serves_when_health_and_a_completion_answer(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    container_id = world.container_id(deployment_id)
    shards = "Loading safetensors checkpoint shards:  12% Completed | 20/163 [00:09<01:05]"
    world.sleeps = [
        lambda: world.engine.emit(container_id, shards),
        lambda: world.engine.emit(container_id, "INFO GPU KV cache size: 1,048,576 tokens"),
        lambda: world.serve(deployment_id),
    ]
    assert world.service.step_wait_ready(deployment_id, world.reports.append)
    assert [told.label for told in world.reports] == [
        "start_boot",
        "start_weights",
        "start_kv_cache",
        "start_kv_cache",
        "start_check",
    ]
    assert (world.reports[1].done, world.reports[1].total, world.reports[1].unit) == (20, 163, "shards")
    assert world.state(deployment_id) is DeploymentState.READY


@pytest.mark.parametrize(
    ("log", "exit_code", "oom", "code"),
    [
        ("context-too-long", 1, False, "start_context_too_long"),
        ("no-weights", 1, False, "start_weights_missing"),
        ("unknown-flag", 2, False, "start_unknown_flag"),
        ("cgroup-oom", 137, True, "start_oom_killed"),
        (None, 0, False, "start_ended"),
    ],
)
def test_a_container_that_ended_is_explained(
    world: World, log: str | None, exit_code: int, oom: bool, code: str
) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    container_id = world.container_id(deployment_id)
    for line in (DATA / "vllm_fails" / f"{log}.log").read_text().splitlines() if log else ():
        world.engine.emit(container_id, line)
    world.engine.exit(container_id, exit_code, oom_killed=oom)
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == code
    deployment = world.service.get(deployment_id).deployment
    assert (deployment.state, deployment.reason_code) == (DeploymentState.FAILED, code)


def test_a_container_that_starts_again_and_again_is_stopped(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.emit(world.container_id(deployment_id), "vllm: error: unrecognized arguments: --no-such-flag")
    world.change_container(deployment_id, restart_count=1)
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "start_unknown_flag"
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"


def test_a_container_that_somebody_removed_is_lost(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.lose(world.container_id(deployment_id))
    with pytest.raises(ContainerFailed) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "container_gone"
    assert world.state(deployment_id) is DeploymentState.LOST


def test_an_engine_that_goes_while_it_loads_changes_nothing(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.engine.down = "restarting"
    world.sleeps = [lambda: setattr(world.engine, "down", None), lambda: world.serve(deployment_id)]
    assert world.service.step_wait_ready(deployment_id, world.reports.append)
    assert world.reports[0].label == "start_away"


def test_a_server_that_cannot_work_is_no_ready_one(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id, served_name="another")
    world.sleeps = [lambda: None, lambda: None]
    with pytest.raises(Rejected) as refused:
        world.service.step_wait_ready(deployment_id)
    assert (refused.value.code, refused.value.params["status"]) == ("start_completion_failed", 404)
    assert world.state(deployment_id) is DeploymentState.FAILED


def test_a_cancelled_start_stops_its_container(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    told: list[bool] = []
    world.sleeps = [lambda: told.append(True)]
    assert not world.service.step_wait_ready(deployment_id, is_cancelled=lambda: bool(told))
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_a_cancelled_pull_makes_no_container(world: World) -> None:
    deployment_id = world.start(image="vllm:other")
    pulling, over = threading.Event(), threading.Event()

    def pull(image: str) -> Iterator[tuple[int, int | None]]:
        pulling.set()
        over.wait(30)
        yield 1, None

    world.engine.pull = pull  # type: ignore[method-assign]
    try:
        assert not world.service.step_create(deployment_id, is_cancelled=pulling.is_set)
    finally:
        over.set()
    assert (world.engine.created, world.state(deployment_id)) == (0, DeploymentState.STOPPED)


def test_a_completion_that_never_comes_does_not_hold_up_a_cancel(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id)
    asked, over = threading.Event(), threading.Event()

    def hang(*_: object) -> str:
        asked.set()
        over.wait(30)
        return ""

    world.client.complete_once = hang  # type: ignore[method-assign]
    try:
        assert not world.service.step_wait_ready(deployment_id, is_cancelled=asked.is_set)
    finally:
        over.set()
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_another_worker_goes_on_where_the_first_died(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    assert world.service.step_create(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    assert (world.engine.created, len(world.endpoints.list())) == (1, 1)


def test_the_endpoint_of_a_deployment(world: World) -> None:
    deployment_id = world.ready(version_label="W8A8")
    view = world.service.get(deployment_id)
    endpoint = view.endpoint
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.served_name, endpoint.origin) == (URL, "tiny", Origin.DEPLOYED)
    assert endpoint.server_key == f"container:{world.engine.info().id}/{world.container_id(deployment_id)}"
    assert (endpoint.version_label, endpoint.version_verified) == ("W8A8", True)
    assert world.endpoints.key_of(endpoint) == world.secrets.get(f"deployment/{deployment_id}")
    assert view.busy is None


def test_an_endpoint_that_does_not_answer_fails_the_step(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    with pytest.raises(EndpointError) as refused:
        world.service.step_register_endpoint(deployment_id)
    assert refused.value.code == "endpoint_refused"
    assert world.state(deployment_id) is DeploymentState.FAILED
