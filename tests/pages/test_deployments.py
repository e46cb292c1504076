"""What became of a deployment: the list, and one in full."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.container import ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Task
from core.domain.job import JobState
from core.errors import ContainerFailed
from tests.fakes import samples
from tests.fakes.engine import FakeProgram
from tests.pages.conftest import Open
from tests.pages.deployment_world import REQUEST, World
from tests.pages.test_shell import sentences
from ui.act import act


@pytest.fixture
def world(app: App) -> World:
    return World(app)


def confirmed(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """From now on everybody says yes: AppTest cannot press a button in a dialog, which is drawn by its own run."""

    def confirm(title: str, text: str, yes: str, action: Callable[[], object], told: str | None = None) -> None:
        act(action)

    monkeypatch.setattr(f"ui.components.{module}.confirm", confirm)


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
    address = "http://gpu-7.example:8000/v1"
    assert any(block.value == address for block in at.code), "what others on the network use"
    at = open_page("deployment", locale=locale, id=found)
    assert any(block.value == address for block in at.code)
    assert not at.exception
    assert word in sentences(at)
    assert any("Application startup complete." in block.value for block in at.code)
    assert not any("sk-" in block.value for block in at.code), "the key is never shown"


def test_an_embedding_model_serves_and_is_not_measured(world: World, open_page: Open) -> None:
    found = world.serve(task=Task.EMBED)
    (endpoint,) = world.app.store.endpoints.list()
    for at in (open_page("deployments"), open_page("deployment", id=found), open_page("endpoints")):
        assert not at.exception
        written, keys = sentences(at), {button.key for button in at.button}
        assert "Gives embeddings" in written
        assert not {f"measure_{endpoint.id}", f"chat_{endpoint.id}"} & keys


def test_what_serves_no_longer_is_not_said_to_answer_nor_offered(world: World, open_page: Open) -> None:
    """Its last check is from when it did."""
    found = world.serve()
    (endpoint,) = world.app.store.endpoints.list()
    keys = {f"measure_{endpoint.id}", f"chat_{endpoint.id}", f"bench_{endpoint.id}"}
    for page, offered in (("overview", 1), ("endpoints", 2)):
        at = open_page(page)
        assert "Answering" in sentences(at)
        assert len(keys & {button.key for button in at.button}) == offered
    world.engine.exit(world.app.store.deployments.get(found).container_id or "", 1)
    for page in ("overview", "endpoints"):
        at = open_page(page)
        assert ("Answering" in sentences(at), "Failed" in sentences(at)) == (False, True)
        assert not keys & {button.key for button in at.button}


def test_removing_asks_first_and_names_what_would_be_cancelled(world: World, open_page: Open) -> None:
    found = world.start()
    at = open_page("deployments")
    at.button(key=f"remove_{found}").click().run()
    assert not at.exception
    written = sentences(at)
    assert "will be cancelled first" in written
    assert world.app.store.deployments.get(found).state is not DeploymentState.REMOVED
    assert at.button(key="confirm_yes").label == "Remove"


@pytest.mark.parametrize(
    ("verb", "is_busy", "state"),
    [("stop", False, DeploymentState.STOPPED), ("restart", True, DeploymentState.STARTING)],
)
def test_stopping_and_restarting_ask_first_and_then_do_it(
    world: World,
    open_page: Open,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    is_busy: bool,
    state: DeploymentState,
) -> None:
    found = world.serve()
    if is_busy:
        (endpoint,) = world.app.store.endpoints.list()
        world.app.store.jobs.add(samples.job(server_key=endpoint.server_key, run_id=None, title="tiny sweep"))
    at = open_page("deployments")
    at.button(key=f"{verb}_{found}").click().run()
    assert not at.exception
    written = sentences(at).replace("\\", "")
    assert ("“tiny sweep” is running on it and will be cancelled first." in written) is is_busy
    assert world.app.store.deployments.get(found).state is DeploymentState.READY, "nothing happens before the answer"
    confirmed(monkeypatch, "deployment")
    at.button(key=f"{verb}_{found}").click().run()
    assert not at.exception
    assert world.app.store.deployments.get(found).state is state
    assert not is_busy or world.app.store.jobs.get("job-1").outcome is JobState.CANCELLED


@pytest.mark.parametrize("now", ["serves", "removed"])
def test_an_earlier_one_is_brought_back_in_the_place_of_what_is_there(world: World, open_page: Open, now: str) -> None:
    first = world.serve()
    world.service.remove(LOCAL_OPERATOR, first)
    second = world.serve(serve_args=("--max-model-len", "2048"))
    if now == "removed":
        world.service.remove(LOCAL_OPERATOR, second)
    at = open_page("deployment", id=second)
    at.session_state["deployment_tab"] = "History"
    at.run()
    at.button(key=f"back_{first}").click().run()
    assert not at.exception
    at = open_page("deploy", **{name: at.query_params[name] for name in at.query_params})
    at.button(key="deploy_start").click().run()
    assert not at.exception
    newest = world.app.store.deployments.list()[0]
    assert newest.request is not None
    assert newest.id not in {first, second}
    assert (newest.request.replaces, newest.request.serve_args) == (second if now == "serves" else None, ())


def test_a_container_that_ended_says_why_and_can_be_restarted(world: World, open_page: Open) -> None:
    found = world.serve()
    world.engine.exit(world.app.store.deployments.get(found).container_id or "", 137)
    at = open_page("deployments")
    assert "exit code 137" in sentences(at).replace("\\", "")
    assert at.button(key=f"restart_{found}")
    assert f"stop_{found}" not in [button.key for button in at.button]
    alone = open_page("deployment", id=found)
    assert not alone.exception
    assert not [button for button in alone.button if str(button.key).startswith("chat_")], "nobody would answer"


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


def test_a_command_is_asked_about_run_and_written_down(
    world: World, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = world.serve()
    world.engine.programs[("nvidia-smi",)] = FakeProgram(("one GPU",), 3)
    (endpoint,) = world.app.store.endpoints.list()
    world.app.store.jobs.add(samples.job(server_key=endpoint.server_key, run_id=None, title="tiny sweep"))
    at = open_page("deployment", id=found)
    at.session_state["deployment_tab"] = "Run a command"
    at.run()
    at.text_input(key="exec_command").set_value("nvidia-smi -L")
    at.button(key="exec_yes").click().run()
    written = sentences(at).replace("\\", "")
    assert "“tiny sweep” is running on it" in written
    assert not world.app.store.deployments.commands(found), "nothing runs before the answer"
    confirmed(monkeypatch, "deployment_more")
    at.button(key="exec_yes").click().run()
    assert not at.exception
    assert any(block.value == "one GPU" for block in at.code)
    (kept,) = world.app.store.deployments.commands(found)
    assert (kept.words, kept.exit_code) == (("nvidia-smi", "-L"), 3)
    at = open_page("deployment", id=found, person=Role.VIEWER)
    at.session_state["deployment_tab"] = "Run a command"
    at.run()
    assert kept.by in sentences(at)
    assert "exec_yes" not in [button.key for button in at.button]


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
