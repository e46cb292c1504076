"""What is there: our word and the engine's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState, StartFacts
from core.errors import ContainerFailed, NotFoundError
from tests.deployment_world import World


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("running", DeploymentState.READY),
        ("restarting", DeploymentState.LOADING),
        ("exited", DeploymentState.FAILED),
    ],
)
def test_the_engines_word_goes_before_ours(world: World, state: str, expected: DeploymentState) -> None:
    deployment_id = world.ready()
    world.change_container(deployment_id, state=state, exit_code=3)
    assert world.state(deployment_id) is expected
    assert world.store.deployments.get(deployment_id).state is DeploymentState.READY


def test_a_container_started_by_hand_is_loading(world: World) -> None:
    deployment_id = world.ready()
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert world.state(deployment_id) is DeploymentState.STOPPED
    world.engine.start(world.container_id(deployment_id))
    assert world.state(deployment_id) is DeploymentState.LOADING


def crash(world: World, deployment_id: str) -> None:
    """The server dies, and the engine's restart policy starts its container again."""
    container_id = world.container_id(deployment_id)
    world.client.servers.clear()
    world.engine.exit(container_id, 1)
    world.engine.start(container_id)
    world.change_container(deployment_id, restart_count=1)


def look_twice(world: World) -> list[str]:
    """The ids of the jobs that were queued for it."""
    before = set(world.queue.begun_with)
    world.care.look()
    assert set(world.queue.begun_with) == before, "what is seen once may be a restart that is not written yet"
    world.care.look()
    return sorted(set(world.queue.begun_with) - before)


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_came_back_without_us_is_waited_for_until_it_serves(world: World, by_hand: bool) -> None:
    deployment_id = world.ready()
    assert look_twice(world) == [], "nothing happened to it"
    if by_hand:
        world.service.stop(LOCAL_OPERATOR, deployment_id)
        world.client.servers.clear()
        world.engine.start(world.container_id(deployment_id))
    else:
        crash(world, deployment_id)
    assert world.state(deployment_id) is DeploymentState.LOADING
    (job_id,) = look_twice(world)
    assert world.store.deployments.get(deployment_id).job_id == job_id
    assert look_twice(world) == [], "it is waited for already"
    assert world.service.step_create(deployment_id)
    world.sleeps = [lambda: world.serve(deployment_id)]
    assert world.service.step_wait_ready(deployment_id)
    assert world.service.step_register_endpoint(deployment_id)
    world.finish_job(deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY
    assert (world.engine.created, look_twice(world)) == (1, [])


def test_what_comes_back_only_to_end_again_is_stopped(world: World) -> None:
    deployment_id = world.ready()
    crash(world, deployment_id)
    look_twice(world)
    world.service.step_create(deployment_id)
    world.change_container(deployment_id, restart_count=2)
    with pytest.raises(ContainerFailed):
        world.service.step_wait_ready(deployment_id)
    assert world.state(deployment_id) is DeploymentState.FAILED
    assert world.engine.get(world.container_id(deployment_id)).state == "exited"


def test_what_served_before_this_was_written_down_is_believed(world: World) -> None:
    deployment_id = world.ready()
    found = world.store.deployments.get(deployment_id)
    world.store.deployments.update(replace(found, facts=StartFacts()))
    assert world.state(deployment_id) is DeploymentState.READY


def test_a_list_without_an_engine_tells_the_last_word(world: World) -> None:
    deployment_id = world.ready()
    world.engine.down = "stopped"
    (view,) = world.service.list()
    assert (view.deployment.state, view.container, view.engine_known) == (DeploymentState.READY, None, False)
    world.engine.down = None
    world.engine.lose(world.container_id(deployment_id))
    (view,) = world.service.list()
    assert (view.deployment.state, view.engine_known) == (DeploymentState.LOST, True)
    assert world.service.list(include_ended=False) == ()
    assert world.service.logs(deployment_id) == ""


def test_the_log(world: World) -> None:
    deployment_id = world.start()
    assert world.service.logs(deployment_id) == ""
    world.service.step_create(deployment_id)
    world.engine.emit(world.container_id(deployment_id), "hello")
    assert world.service.logs(deployment_id, 1) == "hello\n"
    with pytest.raises(NotFoundError):
        world.service.logs("dep-none")
