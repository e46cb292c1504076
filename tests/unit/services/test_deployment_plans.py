"""What a plan shows and what it is held to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.finding import blocking
from core.domain.job import Reason
from core.ports import EngineInfo
from tests.deployment_world import FOLDER, REQUEST, World, codes


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def test_a_plan_shows_what_will_run_and_changes_nothing(world: World) -> None:
    version = world.store.data_version()
    plan = world.service.plan(REQUEST)
    assert plan.findings == ()
    assert "vllm serve /weights/tiny" in plan.docker_run
    assert "-e VLLM_API_KEY" in plan.added
    assert plan.compose.startswith("services:")
    assert plan.fingerprint == world.service.plan(REQUEST).fingerprint
    assert (world.store.data_version(), world.engine.created, world.secrets.values) == (version, 0, {})


def test_blanks_of_copied_text_are_forgiven(world: World) -> None:
    pasted = replace(
        REQUEST, image=" vllm:test\n", weights=f" {FOLDER}/ ", served_name=" tiny ", shm_size="", host_ip=" "
    )
    assert world.service.plan(pasted).spec == world.service.plan(REQUEST).spec


@pytest.mark.parametrize("typed", [{"serve_args": ("--api-key", "sk-own")}, {"env": (("VLLM_API_KEY", "sk-own"),)}])
def test_a_key_that_is_typed_stands_in_no_command(world: World, typed: dict[str, Any]) -> None:
    plan = world.service.plan(replace(REQUEST, **typed))
    assert [found.code[:6] for found in blocking(plan.findings)] == ["key_in"]
    assert "sk-own" not in f"{plan.docker_run}{plan.compose}{plan.spec}{plan.findings}"


def test_a_port_taken_by_a_container_names_it(world: World) -> None:
    world.foreign("web", 8000)
    (finding,) = world.service.plan(REQUEST).findings
    assert (finding.code, finding.field, finding.params) == (
        "port_taken",
        "host_port",
        {"port": 8000, "owner": "web"},
    )


def test_a_stopped_container_leaves_its_port(world: World) -> None:
    world.foreign("web", 8000)
    world.engine.exit(world.engine.list()[0].id, 0)
    assert codes(world) == []


@pytest.mark.parametrize(("owner", "code"), [("python3 (17)", "port_taken"), ("", "port_in_use")])
def test_a_port_taken_by_a_process(world: World, owner: str, code: str) -> None:
    world.probe.ports[8000] = owner
    assert codes(world) == [(code, "host_port")]
    world.probe.sees_host = False
    assert (code, "host_port") not in codes(world)


def test_a_taken_name(world: World) -> None:
    world.foreign("vllm_service", 9000)
    assert codes(world) == [("name_taken", "container_name")]


def test_an_image_that_is_not_here_is_pulled_and_said_to_be(world: World) -> None:
    assert codes(world, image="vllm:other") == [("image_will_be_pulled", "image")]


def test_without_an_engine_the_rest_is_still_judged(world: World) -> None:
    world.engine.down = "no socket"
    assert codes(world, served_name="") == [("served_name_empty", "served_name"), ("engine_unavailable", None)]
    state = world.service.engine_state()
    assert isinstance(state, Reason)
    assert (state.code, state.params["detail"]) == ("engine_unavailable", "no socket")
    world.engine.down = None
    assert isinstance(world.service.engine_state(), EngineInfo)


def test_a_page_asks_the_engine_once_for_its_plan_and_its_line(world: World) -> None:
    world.service.plan(REQUEST, fresh=False)
    world.engine.down = "gone a moment ago"
    assert isinstance(world.service.engine_state(fresh=False), EngineInfo)
    assert isinstance(world.service.engine_state(), Reason)


def test_weights_that_are_not_there(world: World) -> None:
    assert codes(world, weights="/srv/models/none") == [("weights_missing", "weights")]


def test_a_new_one_is_offered_a_free_place(world: World) -> None:
    assert world.service.in_free_place(REQUEST) == REQUEST
    world.foreign("vllm_service", 8000)
    world.start(container_name="vllm_service_2", host_port=8001)
    world.service._planner._words.clear()
    offered = world.service.in_free_place(REQUEST)
    assert (offered.container_name, offered.host_port) == ("vllm_service_3", 8002)
    assert blocking(world.service.plan(offered).findings) == ()
