"""What became of a deployment: the list, and one in full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.container import ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentState
from core.errors import ContainerFailed
from tests.fakes.engine import FakeProgram
from tests.pages.conftest import Open
from tests.pages.deployment_world import REQUEST, World
from tests.pages.test_shell import sentences


@pytest.fixture
def world(app: App) -> World:
    return World(app)


def test_without_containers_one_sentence_and_the_way_to_the_first(world: World, open_page: Open) -> None:
    at = open_page("deployments")
    assert not at.exception
    assert "No container yet" in sentences(at)
    assert at.button(key="empty_deploy_Deploy a model")


@pytest.mark.parametrize(("locale", "word"), [("en-US", "Ready"), ("zh-CN", "就绪")])
def test_a_ready_container_shows_what_it_serves_and_its_log(
    world: World, open_page: Open, locale: str, word: str
) -> None:
    found = world.serve()
    world.engine.emit(world.app.store.deployments.get(found).container_id or "", "Application startup complete.")
    at = open_page("deployments", locale=locale)
    assert not at.exception
    assert word in sentences(at)
    assert any(block.value == "http://127.0.0.1:8000/v1" for block in at.code)
    at = open_page("deployment", locale=locale, id=found)
    assert not at.exception
    assert word in sentences(at)
    assert any("Application startup complete." in block.value for block in at.code)
    assert not any("sk-" in block.value for block in at.code), "the key is never shown"


def test_removing_asks_first_and_names_what_would_be_cancelled(world: World, open_page: Open) -> None:
    found = world.start()
    at = open_page("deployments")
    at.button(key=f"remove_{found}").click().run()
    assert not at.exception
    written = sentences(at)
    assert "will be cancelled first" in written
    assert world.app.store.deployments.get(found).state is not DeploymentState.REMOVED
    assert at.button(key="confirm_yes").label == "Remove"


def test_a_container_that_ended_says_why_and_can_be_restarted(world: World, open_page: Open) -> None:
    found = world.serve()
    world.engine.exit(world.app.store.deployments.get(found).container_id or "", 137)
    at = open_page("deployments")
    assert "exit code 137" in sentences(at).replace("\\", "")
    assert at.button(key=f"restart_{found}")
    assert f"stop_{found}" not in [button.key for button in at.button]


@pytest.mark.parametrize("page", ["benchmark", "chat"])
def test_an_endpoint_whose_deployment_is_stopped_is_not_offered_and_the_reason_is_said(
    world: World, open_page: Open, page: str
) -> None:
    found = world.serve()
    world.service.stop(LOCAL_OPERATOR, found)
    (endpoint,) = world.app.store.endpoints.list()
    at = open_page(page, endpoint=endpoint.id)
    assert not at.exception
    assert any("Its deployment is stopped" in str(box.value) for box in at.info)
    assert not [one for one in (*at.selectbox, *at.multiselect) if endpoint.name in str(one.options)]


def test_a_removed_one_is_shown_on_demand_and_a_viewer_changes_nothing(world: World, open_page: Open) -> None:
    found = world.serve()
    at = open_page("deployments", person=Role.VIEWER)
    assert not at.exception
    assert not [button for button in at.button if found in (button.key or "")]
    world.service.remove(LOCAL_OPERATOR, found)
    assert "No container yet" in sentences(open_page("deployments"))
    at = open_page("deployments", removed="true")
    assert "Removed" in sentences(at)
    assert not [button for button in at.button if found in (button.key or "")]


def test_a_failed_start_says_where_and_why_and_is_repaired_by_one_click(world: World, open_page: Open) -> None:
    log = (Path(__file__).parents[1] / "data" / "vllm_fails" / "context-too-long.log").read_text()
    world.engine.programs[("vllm",)] = FakeProgram(tuple(log.splitlines()), 1)
    request = replace(REQUEST, serve_args=("--max-model-len", "131072"))
    found = world.service.start(LOCAL_OPERATOR, world.service.plan(request)).job.deployment_id or ""
    world.service.step_create(found)
    with pytest.raises(ContainerFailed):
        world.service.step_wait_ready(found)
    world.finish(found)
    at = open_page("deployment", id=found)
    assert not at.exception
    assert any("131,072 tokens" in str(box.value) for box in at.error)
    assert "Engine" in sentences(at)
    at.button(key="fix").click().run()
    assert not at.exception
    newest = world.app.store.deployments.list()[0]
    assert newest.id != found
    assert "--max-model-len 8192" in " ".join(newest.spec.command)


def test_the_tabs_of_one_deployment(world: World, open_page: Open) -> None:
    found = world.serve()
    container = world.app.store.deployments.get(found).container_id or ""
    world.engine.actual[container] = replace(world.engine.describe(container), restart="always")
    world.engine.programs[("nvidia-smi",)] = FakeProgram(("one GPU",), 0)
    for tab, told in (("Command", "docker run"), ("Plan and container", "differs from its plan in 1 place")):
        at = open_page("deployment", id=found)
        at.session_state["deployment_tab"] = tab
        at.run()
        assert not at.exception
        assert told in sentences(at) + " ".join(block.value for block in at.code)
    at.session_state["deployment_tab"] = "Run a command"
    at.run()
    at.text_input(key="exec_command").set_value("nvidia-smi")
    at.button(key="exec_yes").click().run()
    assert not at.exception
    assert any(block.value == "one GPU" for block in at.code)


def test_another_ones_container_is_adopted(world: World, open_page: Open) -> None:
    spec = ContainerSpec(
        name="by_hand",
        image="vllm:test",
        command=("vllm", "serve", "/models/tiny", "--served-model-name", "tiny"),
        ports=(PublishedPort(9000, 8000),),
        labels={"seatrial.deployment": "x"},
    )
    view = world.engine.create_or_adopt(spec, {})
    container = world.engine._containers[view.id]
    container.view, container.spec = replace(view, labels={}), replace(spec, labels={})
    at = open_page("deployments")
    at.session_state["adopt"] = True
    at.run()
    assert not at.exception
    at.button(key=f"adopt_{view.id[:12]}").click().run()
    assert not at.exception
    (adopted,) = world.app.store.deployments.list()
    assert (adopted.name, adopted.adopted) == ("by_hand", True)
