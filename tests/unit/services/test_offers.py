"""Which endpoints are offered: those that serve, and write text."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Task
from tests.deployment_world import World
from tests.fakes.endpoint_client import FakeServer

ATTACHED = "http://10.0.0.5:8000/v1"


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def offered(world: World) -> list[str]:
    return [endpoint.base_url for endpoint in world.service.offers().endpoints]


def why_not(world: World) -> list[str]:
    return [one.reason.code for one in world.service.offers().withheld]


def attach(world: World, task: Task = Task.GENERATE) -> None:
    world.client.servers[ATTACHED] = FakeServer(task=task)
    world.endpoints.attach(LOCAL_OPERATOR, ATTACHED)


def test_a_deployment_is_offered_while_it_serves(world: World) -> None:
    deployment_id = world.ready()
    attach(world)
    assert len(offered(world)) == 2
    assert world.service.offers().down == {}
    world.service.stop(LOCAL_OPERATOR, deployment_id)
    assert list(world.service.offers().down.values()) == [DeploymentState.STOPPED]
    assert (offered(world), why_not(world)) == ([ATTACHED], ["withheld_stopped"])
    assert len(world.endpoints.list()) == 2, "its history stays readable"
    world.engine.start(world.container_id(deployment_id))
    assert why_not(world) == ["withheld_loading"]
    world.engine.exit(world.container_id(deployment_id), 1)
    world.service.restart(LOCAL_OPERATOR, deployment_id)
    assert why_not(world) == ["withheld_starting"]
    world.engine.lose(world.container_id(deployment_id))
    assert why_not(world) == ["withheld_lost"]


def test_a_failed_one_is_not(world: World) -> None:
    deployment_id = world.ready()
    world.engine.exit(world.container_id(deployment_id), 1)
    assert (offered(world), why_not(world)) == ([], ["withheld_failed"])
    (endpoint,) = world.endpoints.list()
    assert world.service.offers(keep=[endpoint.id]).endpoints == (endpoint,), "what is in use stays chosen"


def test_without_an_engine_the_last_word_counts(world: World) -> None:
    world.ready()
    world.engine.down = "stopped"
    assert (len(offered(world)), why_not(world)) == (1, [])


@pytest.mark.parametrize("task", [Task.EMBED, Task.SCORE])
def test_what_writes_no_text_is_not(world: World, task: Task) -> None:
    attach(world, task)
    assert (offered(world), why_not(world)) == ([], [f"withheld_{task}"])
    (endpoint,) = world.endpoints.list()
    assert endpoint.check is not None
    assert endpoint.check.serves
