"""Deploy, and what became of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.deployment import DeploymentRequest, DeploymentState
from core.domain.job import JobState
from core.services.deployments import DeploymentService
from core.services.endpoints import EndpointService
from core.services.jobs import JobService
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import WHOLE, FakeHostProbe
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session

FOLDER = "/srv/models/tiny"
REQUEST = DeploymentRequest(image="vllm:test", weights=FOLDER, served_name="tiny")
WEIGHTS = {f"{FOLDER}/config.json": {}, f"{FOLDER}/tokenizer.json": {}, f"{FOLDER}/model.safetensors": WHOLE}


class World:
    """The page's core over a real store; engine, host, queue and network are fakes."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.engine = FakeEngine()
        self.probe = FakeHostProbe(WEIGHTS)
        self.queue = FakeJobQueue(app.clock.now())
        self.client = FakeEndpointClient(app.clock)
        endpoints = EndpointService(app.store.endpoints, self.client, app.secrets, app.clock)
        jobs = JobService(app.store.jobs, self.queue, app.tools, app.settings, app.clock)
        self.service = DeploymentService(
            store=app.store,
            queue=self.queue,
            engine=self.engine,
            endpoints=endpoints,
            jobs=jobs,
            client=self.client,
            secrets=app.secrets,
            clock=app.clock,
            probe=self.probe,
        )
        session.install(replace(app, endpoints=endpoints, jobs=jobs, deployments=self.service))

    def start(self) -> str:
        """A recorded deployment's id."""
        view = self.service.start(LOCAL_OPERATOR, self.service.plan(REQUEST))
        return view.job.deployment_id or ""

    def serve(self) -> str:
        """A deployment whose service answers."""
        found = self.start()
        self.service.step_create(found)
        ref = self.app.store.deployments.get(found).spec.secret_env["VLLM_API_KEY"]
        self.client.servers["http://127.0.0.1:8000/v1"] = FakeServer(key=self.app.secrets.get(ref))
        self.service.step_wait_ready(found)
        self.service.step_register_endpoint(found)
        job_id = self.app.store.deployments.get(found).job_id or ""
        self.app.store.jobs.finish(job_id, JobState.DONE, self.app.clock.now())
        return found


@pytest.fixture
def world(app: App) -> World:
    return World(app)


def fill(at: AppTest, **fields: str) -> AppTest:
    """Types into the form."""
    for name, text in fields.items():
        key = f"deploy_{name}"
        area = name in {"env", "serve_args"}
        (at.text_area(key=key) if area else at.text_input(key=key)).set_value(text)
    return at.run()


def test_an_empty_form_names_what_is_needed_and_blames_nobody(world: World, open_page: Open) -> None:
    at = open_page("deploy")
    assert not at.exception
    assert at.button(key="deploy_start").disabled
    assert "Still needed: Image, Weights folder." in sentences(at)
    assert "Blocked" not in sentences(at)


def test_the_exact_command_is_shown_and_started(world: World, open_page: Open) -> None:
    at = fill(open_page("deploy"), image="vllm:test", weights=FOLDER, serve_args="--max-model-len 4096", env="A=1")
    assert not at.exception
    command = at.code[0].value
    assert "docker run" in command
    assert "--served-model-name tiny" in command, "the folder's name, where none is given"
    assert "--max-model-len 4096" in command
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


@pytest.mark.parametrize(("locale", "told"), [("en-US", "No container engine answers"), ("zh-CN", "没有容器引擎应答")])
def test_without_an_engine_both_pages_say_what_to_do(world: World, open_page: Open, locale: str, told: str) -> None:
    world.engine.down = "no socket"
    at = fill(open_page("deploy", locale=locale), image="vllm:test", weights=FOLDER)
    assert not at.exception
    assert told in sentences(at)
    at = open_page("deployments", locale=locale)
    assert not at.exception
    assert any(told in str(box.value) for box in at.warning)


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
    at = open_page("deployments", locale=locale, id=found)
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
