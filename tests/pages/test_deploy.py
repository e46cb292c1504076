"""The deploy page: a model, a pasted command or an own image; the plan beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.bootstrap import App
from core.domain.job import JobState
from core.formats import docker_cli
from tests.fakes.engine import FakeProgram
from tests.guide import LONG_CONTEXT, shell_words
from tests.pages.conftest import Open
from tests.pages.deployment_world import FOLDER, World, fill
from tests.pages.test_shell import sentences
from tests.waiting import wait_for


@pytest.fixture
def world(app: App) -> World:
    return World(app)


def test_an_empty_form_names_what_is_needed_and_blames_nobody(world: World, open_page: Open) -> None:
    bad = world.app.settings.catalog / "models" / "ours.yaml"
    bad.parent.mkdir(parents=True)
    bad.write_text("models: [{name: 7}]")
    at = open_page("deploy")
    assert not at.exception
    assert "Input should be a valid string" in sentences(at), "the team hears which of its files was skipped, and why"
    assert at.button(key="deploy_start").disabled
    assert "Still needed: Weights folder, Image." in sentences(at)
    assert "Blocked" not in sentences(at)


def test_the_exact_command_is_shown_and_started(world: World, open_page: Open) -> None:
    arguments = {"serve_args": "--max-num-seqs 4", "env": "A=1\nMY_TOKEN=x"}
    at = fill(open_page("deploy"), image="vllm:test", weights=FOLDER, **arguments)
    assert not at.exception
    assert "accepted with it stands at: Parameters › Environment" in sentences(at)
    command = at.code[0].value
    assert "docker run" in command
    assert "--served-model-name tiny" in command, "the folder's name, where none is given"
    assert "--max-num-seqs 4" in command
    assert "A=1" in command
    at.button(key="deploy_start").click().run()
    assert not at.exception
    (stored,) = world.app.store.deployments.list()
    assert stored.served_name == "tiny"
    assert world.queue.engine[stored.job_id or ""] is JobState.QUEUED


def test_what_stands_against_it_is_told_beside_its_field(world: World, open_page: Open) -> None:
    world.probe.ports[8000] = "nginx"
    at = fill(open_page("deploy"), image="vllm:test", weights="/srv/nowhere", env="LONELY", serve_args="--x 'open")
    written = sentences(at).replace("\\", "")
    assert "Port 8000 is taken by nginx" in written
    assert "There is no folder /srv/nowhere" in written
    assert "“LONELY” is no variable" in written
    assert "A quote in the arguments is never closed" in written
    assert at.button(key="deploy_start").disabled
    assert at.text_input(key="deploy_weights").value == "/srv/nowhere"


def test_a_model_fills_everything_and_its_limits_hold(world: World, open_page: Open) -> None:
    at = fill(open_page("deploy"), weights=FOLDER)
    at.selectbox(key="deploy_model").set_value("deepseek-r1-0528").run()
    assert at.selectbox(key="deploy_platform_of_deepseek-r1-0528").value == "vastai-va16"
    assert at.text_input(key="deploy_tp").value == "32"
    assert at.text_input(key="deploy_weights").value == FOLDER, "what was typed stays"
    assert "-v /srv/models:/weights/" in at.code[0].value
    at.text_input(key="deploy_max_model_len").set_value("65537").run()
    assert "over the tested limit of 65,536" in sentences(at)
    assert "deploy: Parameters › Context length, " in sentences(at), "the field may stand in a tab that is not open"
    assert at.button(key="deploy_start").disabled
    assert not at.exception


def test_a_derived_block_is_set_aside_by_an_explicit_act(world: World, open_page: Open) -> None:
    at = fill(open_page("deploy", locale="zh-CN", profile="deepseek-r1.tp32"), weights=FOLDER)
    assert "deploy_override_devices_none" in [box.key for box in at.checkbox]
    assert at.button(key="deploy_start").disabled
    at.checkbox(key="deploy_override_devices_none").check().run()
    assert not at.exception
    assert at.session_state["deploy_overrides"] == ("devices_none",)
    assert "已搁置" in sentences(at), "what is set aside does not read as blocked any more"


def test_a_pasted_command_fills_the_form_and_what_is_left_is_shown(world: World, open_page: Open) -> None:
    at = open_page("deploy")
    at.button(key="deploy_paste").click().run()
    assert at.text_area(key="deploy_pasted").value == ""
    text = LONG_CONTEXT.replace("--ipc=host", "--ipc=host --memory 800g")
    at.session_state["deploy_incoming"] = world.app.catalog.paste(text)  # what the dialog's own button leaves
    at.run()
    assert not at.exception
    assert at.selectbox(key="deploy_model").value == "deepseek-r1-0528"
    assert any(block.value == "--memory 800g" for block in at.code)
    shown = next(block.value for block in at.code if block.value.startswith("docker run \\"))
    assert docker_cli.parse(shown).spec == docker_cli.parse(LONG_CONTEXT).spec
    assert shell_words(shown) == shell_words(LONG_CONTEXT)


def test_a_profile_is_saved_for_the_team_and_chosen_again(world: World, open_page: Open, tmp_path: Path) -> None:
    at = fill(open_page("deploy"), image="vllm:test", weights=FOLDER, profile_name="Tiny, long")
    at.button(key="deploy_save_yes").click().run()
    assert not at.exception
    assert (tmp_path / "catalog" / "saved" / "tiny-long.yaml").is_file()
    at = open_page("deploy")
    at.button(key="saved_tiny-long").click().run()
    assert at.text_input(key="deploy_image").value == "vllm:test"


def test_a_past_deployment_is_where_to_begin(world: World, open_page: Open) -> None:
    found = world.serve()
    at = open_page("deploy", like=found, replaces=found)
    assert not at.exception
    assert at.text_input(key="deploy_weights").value == FOLDER
    assert "then this one starts in its place" in sentences(at)
    at.button(key="deploy_start").click().run()
    assert not at.exception
    newest = world.app.store.deployments.list()[0]
    assert newest.request is not None
    assert newest.request.replaces == found


def test_the_image_is_asked_what_it_knows(world: World, open_page: Open) -> None:
    words = " ".join(f"--flag-{number}" for number in range(30))
    world.engine.programs[("vllm", "serve", "--help=all")] = FakeProgram((words,), 0)
    at = fill(open_page("deploy"), image="vllm:test", weights=FOLDER, serve_args="--max-num-seqs 4")
    wait_for(lambda: world.app.store.deployments.image_flags(world.engine.images["vllm:test"]))
    at.run()
    assert not at.exception
    assert not [button for button in at.button if button.key == "deploy_ask_image"]
    assert "This image's vLLM does not know --max-num-seqs" in sentences(at).replace("\\", "")


@pytest.mark.parametrize(("locale", "told"), [("en-US", "No container engine answers"), ("zh-CN", "没有容器引擎应答")])
def test_without_an_engine_both_pages_say_what_to_do(world: World, open_page: Open, locale: str, told: str) -> None:
    world.engine.down = "no socket"
    at = fill(open_page("deploy", locale=locale), image="vllm:test", weights=FOLDER)
    assert not at.exception
    assert told in sentences(at)
    at = open_page("deployments", locale=locale)
    assert not at.exception
    assert any(told in str(box.value) for box in at.warning)
