"""What is there: our word and the engine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState
from core.errors import (
    NotFoundError,
)
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
