"""Models that write no text: ready when they do what they are for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Task
from core.errors import Rejected
from core.formats.serve_settings import promised_tasks
from tests.deployment_world import CATALOG, World


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def started(world: World, profile: str | None, *serve_args: str) -> str:
    """A container is made; the request names a profile of the catalog afterwards, past the form's own rules."""
    deployment_id = world.start(serve_args=serve_args)
    found = world.store.deployments.get(deployment_id)
    assert found.request is not None
    world.store.deployments.update(replace(found, request=replace(found.request, profile=profile)))
    world.service.step_create(deployment_id)
    return deployment_id


@pytest.mark.parametrize(
    ("profile", "task"),
    [("bge-m3.tp1", Task.EMBED), ("bge-reranker-v2-m3.tp1", Task.SCORE), (None, Task.EMBED), (None, Task.SCORE)],
)
def test_it_is_ready_and_its_endpoint_says_what_it_gives(world: World, profile: str | None, task: Task) -> None:
    assert profile is None or CATALOG.entry(profile), "the catalog has it"
    deployment_id = started(world, profile)
    world.serve(deployment_id, task=task)
    assert world.service.step_wait_ready(deployment_id)
    assert world.service.step_register_endpoint(deployment_id)
    assert world.state(deployment_id) is DeploymentState.READY
    (endpoint,) = world.endpoints.list()
    assert endpoint.check is not None
    assert (endpoint.check.task, endpoint.check.serves, endpoint.check.usable) == (task, True, False)


@pytest.mark.parametrize(
    ("profile", "args", "code"),
    [
        ("bge-m3.tp1", (), "start_no_embeddings"),
        (None, ("--task", "score"), "start_no_scores"),
        (None, ("--convert", "embed"), "start_no_embeddings"),
    ],
)
def test_a_model_that_does_something_else_is_not_ready(
    world: World, profile: str | None, args: tuple[str, ...], code: str
) -> None:
    deployment_id = started(world, profile, *args)
    world.serve(deployment_id)
    world.sleeps = [lambda: None, lambda: None]
    with pytest.raises(Rejected) as refused:
        world.service.step_wait_ready(deployment_id)
    assert refused.value.code == code
    assert world.state(deployment_id) is DeploymentState.FAILED


def test_what_arguments_promise() -> None:
    assert promised_tasks(("--runner", "pooling", "--convert=embed")) == (Task.EMBED,)
    assert promised_tasks(("--task", "embedding")) == (Task.EMBED,)
    assert promised_tasks(("--runner", "generate")) == (Task.GENERATE,)
    assert promised_tasks(("--runner", "pooling", "--max-model-len", "512")) == ()


def test_every_model_of_the_catalog_that_writes_nothing_is_known() -> None:
    from core.services.deployment_readiness import _TASKS_OF_KIND

    kinds = [model.kind for model in CATALOG.models.values()]
    assert sum(kind in _TASKS_OF_KIND for kind in kinds) == 16
    assert set(kinds) - set(_TASKS_OF_KIND) == {"llm", "vlm", "alm"} & set(kinds)
