"""Stopping, restarting, removing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentState
from core.domain.job import JobState
from core.errors import (
    EngineUnavailable,
    NotAllowed,
    NotFoundError,
    ServerBusy,
)
from core.formats.deployment import container_spec
from tests.deployment_world import REQUEST, VIEWER, World, codes


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


VERBS = ("stop", "restart", "remove")


@pytest.mark.parametrize("verb", VERBS)
def test_viewers_change_nothing(world: World, verb: str) -> None:
    deployment_id = world.ready()
    with pytest.raises(NotAllowed):
        getattr(world.service, verb)(VIEWER, deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY


@pytest.mark.parametrize("verb", VERBS)
def test_what_runs_on_a_server_is_named_and_not_disturbed(world: World, verb: str) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key)
    with pytest.raises(ServerBusy) as refused:
        getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id)
    assert refused.value.params == {"job_id": "job-bench", "title": "tiny sweep"}
    assert world.engine.get(world.container_id(deployment_id)).state == "running"


@pytest.mark.parametrize("verb", VERBS)
def test_what_runs_is_cancelled_first_when_asked(world: World, verb: str) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key, "job-1")
    world.benchmark(endpoint.server_key, "job-2")

    def ended(job_id: str) -> Callable[[], None]:
        return lambda: world.store.jobs.finish(job_id, JobState.CANCELLED, world.clock.now())

    world.sleeps = [ended("job-1"), ended("job-2")]
    getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id, cancel_jobs=True)
    assert {world.queue.engine["job-1"], world.queue.engine["job-2"]} == {JobState.CANCELLED}
    assert world.sleeps == []


def test_what_will_not_end_is_named_again(world: World) -> None:
    deployment_id = world.ready()
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key)
    world.sleeps = [lambda: None] * 1000
    with pytest.raises(ServerBusy):
        world.service.stop(LOCAL_OPERATOR, deployment_id, cancel_jobs=True)


def test_a_start_under_way_is_something_that_runs(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    with pytest.raises(ServerBusy) as refused:
        world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert refused.value.params["title"] == "vllm_service · tiny"


def test_stop(world: World) -> None:
    deployment_id = world.ready()
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"
    assert world.state(deployment_id) is DeploymentState.STOPPED


def test_a_stopped_one_keeps_its_name_and_gives_its_port(world: World) -> None:
    world.service.stop(LOCAL_OPERATOR, world.ready())
    assert codes(world) == [("name_taken", "container_name")]


def test_restart_waits_until_it_serves_again(world: World) -> None:
    deployment_id = world.ready()
    container_id = world.container_id(deployment_id)
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    view = world.service.restart(LOCAL_OPERATOR, deployment_id)
    assert (view.job.deployment_id, view.state) == (deployment_id, JobState.QUEUED)
    assert view.job.server_key == f"container:{world.engine.info().id}/{container_id}"
    assert world.engine.get(container_id).state == "running"
    assert world.service.step_create(deployment_id)
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    assert (world.engine.created, world.state(deployment_id)) == (1, DeploymentState.READY)


def test_restart_makes_a_lost_container_again(world: World) -> None:
    deployment_id = world.ready()
    world.engine.lose(world.container_id(deployment_id))
    view = world.service.restart(LOCAL_OPERATOR, deployment_id)
    assert view.job.server_key == f"deployment:{deployment_id}"
    assert world.service.step_create(deployment_id)
    assert world.engine.created == 2
    assert world.service.step_wait_ready(deployment_id)
    world.service.step_register_endpoint(deployment_id)
    endpoint = world.service.get(deployment_id).endpoint
    assert endpoint is not None
    assert endpoint.server_key.endswith(world.container_id(deployment_id))


def test_remove_tidies_up_and_keeps_the_history(world: World) -> None:
    deployment_id = world.ready()
    world.service.remove(LOCAL_OPERATOR, deployment_id)
    assert world.engine.list() == ()
    assert world.state(deployment_id) is DeploymentState.REMOVED
    assert world.endpoints.list() == ()
    assert f"deployment/{deployment_id}" not in world.secrets.values
    assert codes(world) == []
    with pytest.raises(NotFoundError):
        world.service.restart(LOCAL_OPERATOR, deployment_id)
    with pytest.raises(NotFoundError):
        world.service.step_create(deployment_id)


def test_removing_an_old_one_leaves_the_endpoint_of_the_new(world: World) -> None:
    old = world.ready()
    world.service.stop(LOCAL_OPERATOR, old)
    world.client.servers.clear()
    new = world.ready(container_name="vllm_next")
    world.service.remove(LOCAL_OPERATOR, old)
    (endpoint,) = world.endpoints.list()
    assert endpoint.deployment_id == new
    assert world.service.get(old).endpoint is None


@pytest.mark.parametrize("verb", VERBS)
def test_without_an_engine_nothing_is_claimed(world: World, verb: str) -> None:
    deployment_id = world.ready()
    world.engine.down = "stopped"
    with pytest.raises(EngineUnavailable):
        getattr(world.service, verb)(LOCAL_OPERATOR, deployment_id)
    assert world.store.deployments.get(deployment_id).state is DeploymentState.READY


def test_a_container_that_is_gone_can_still_be_removed_and_stopped(world: World) -> None:
    deployment_id = world.ready()
    world.engine.lose(world.container_id(deployment_id))
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.LOST
    world.service.remove(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.REMOVED


def test_where_the_server_is_reached() -> None:
    from core.services.deployment_steps import base_url, reach

    def at(**changes: Any) -> str:
        spec: ContainerSpec = container_spec(replace(REQUEST, **changes), "dep-1")
        return base_url(spec)

    def outward(name: str | None = "gpu-7", *, is_simulated: bool = False, **changes: Any) -> tuple[str, bool]:
        found = reach(container_spec(replace(REQUEST, **changes), "dep-1"), name, is_simulated=is_simulated)
        assert found is not None
        return found.url, found.is_local

    assert outward() == ("http://gpu-7:8000/v1", False)
    assert outward(host_ip="0.0.0.0", host_port=9000) == ("http://gpu-7:9000/v1", False)
    assert outward(host_ip="10.0.0.5") == ("http://10.0.0.5:8000/v1", False)
    assert outward(host_ip="127.0.0.1") == ("http://127.0.0.1:8000/v1", True)
    assert outward(host_ip="::1") == ("http://[::1]:8000/v1", True)
    assert outward(None) == ("http://127.0.0.1:8000/v1", True)
    assert outward(is_simulated=True) == ("http://127.0.0.1:8000/v1", True)
    assert at() == "http://127.0.0.1:8000/v1"
    assert at(host_ip="0.0.0.0", host_port=9000) == "http://127.0.0.1:9000/v1"
    assert at(host_ip="10.0.0.5") == "http://10.0.0.5:8000/v1"
    assert at(host_ip="::1") == "http://[::1]:8000/v1"
