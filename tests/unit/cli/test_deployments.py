"""What the shell does with a container: deploy to the end, list, logs, stop, remove; download to the end."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from core.bootstrap import App, compose
from core.domain.deployment import DeploymentState
from core.domain.job import JobState, Reason
from core.domain.weights import RemoteFile
from core.errors import AppError
from core.settings import read_settings
from tests.deployment_world import FOLDER, World
from tests.fakes.engine import FakeProgram
from tests.fakes.fresh_database import fresh_file

Read = Callable[[], dict[str, Any]]
DEPLOY = ["deploy", "--image", "vllm:test", "--weights", FOLDER, "--served-name", "tiny"]


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """A whole core over a store of its own."""
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'no-docker.sock'}")
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    fresh_file(tmp_path / "data")
    whole = compose(read_settings())
    interrupt = signal.getsignal(signal.SIGINT)
    yield whole
    signal.signal(signal.SIGINT, interrupt)
    whole.store.close()


@pytest.fixture
def world(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The shell's core, with an engine and servers that are fakes."""
    world = World(app.store, tmp_path / "data")
    mine = replace(app, deployments=world.service, jobs=world.jobs)
    for module in ("deploy", "deployments"):
        monkeypatch.setattr(f"cli.{module}.compose", lambda: mine)
    return world


@pytest.fixture
def worker(world: World, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[str], None]]:
    """Does the deployment's steps when the shell sees to it that one runs; what is put in happens after the first."""
    between: list[Callable[[str], None]] = []

    def work(settings: object) -> None:
        found = world.store.deployments.list()[0]
        world.service.step_create(found.id)
        for happening in between:
            happening(found.id)
        if not between:
            world.serve(found.id)
        try:
            world.service.step_wait_ready(found.id)
            world.service.step_register_endpoint(found.id)
        except AppError as error:
            reason = Reason(error.code, error.params)
            world.store.jobs.finish(found.job_id or "", JobState.FAILED, world.clock.now(), reason)
        else:
            world.finish_job(found.id)

    monkeypatch.setattr("cli.watch.ensure_worker", work)
    return between


@pytest.fixture
def read(capsys: pytest.CaptureFixture[str]) -> Read:
    def document() -> dict[str, Any]:
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return document


def test_deploy_ends_with_the_address(world: World, worker: list[object], read: Read) -> None:
    assert main([*DEPLOY, "--json"]) == 0
    told = read()
    assert (told["state"], told["job"]["state"], told["base_url"]) == ("ready", "done", "http://127.0.0.1:8000/v1")
    assert (told["url"], told["this_machine_only"]) == ("http://127.0.0.1:8000/v1", True)
    assert world.store.deployments.list()[0].state is DeploymentState.READY


def test_deploy_says_where_it_answers(world: World, worker: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    world.service._outward = lambda: "gpu-7"
    assert main(DEPLOY) == 0
    assert capsys.readouterr().out == "tiny answers at http://gpu-7:8000/v1\n"


def test_deploy_that_fails_ends_with_1_and_the_cause(
    world: World, worker: list[Callable[[str], None]], capsys: pytest.CaptureFixture[str]
) -> None:
    worker.append(lambda found: world.engine.exit(world.container_id(found), 0))
    assert main(DEPLOY) == 1
    assert "ended" in capsys.readouterr().err
    assert world.store.deployments.list()[0].state is DeploymentState.FAILED


def test_a_second_one_of_the_name_is_refused(world: World, worker: list[object], read: Read) -> None:
    assert main([*DEPLOY, "--json"]) == 0
    read()
    assert main([*DEPLOY, "--json"]) == 2
    assert {finding["code"] for finding in read()["error"]["findings"]} >= {"name_taken", "port_taken"}


def test_list_logs_stop_remove(world: World, read: Read, capsys: pytest.CaptureFixture[str]) -> None:
    world.engine.programs[("vllm",)] = FakeProgram(("Loading weights", "GET /health 200", "ready to serve"))
    found = world.ready()
    assert main(["deployments", "list", "--json"]) == 0
    (told,) = read()["deployments"]
    assert (told["id"], told["name"], told["state"]) == (found, "vllm_service", "ready")
    assert (told["url"], told["this_machine_only"]) == ("http://127.0.0.1:8000/v1", True)
    assert main(["deployments", "list"]) == 0
    assert "vllm_service" in capsys.readouterr().out
    assert main(["deployments", "logs", "vllm_service", "--lines", "2"]) == 0
    assert capsys.readouterr().out == "GET /health 200\nready to serve\n"
    assert main(["deployments", "logs", found, "--search", "HEALTH"]) == 0
    assert capsys.readouterr().out == "GET /health 200\n"
    assert main(["deployments", "logs", found, "--lines", "0"]) == 2
    assert main(["deployments", "stop", "vllm_service"]) == 0
    assert world.state(found) is DeploymentState.STOPPED
    assert main(["deployments", "remove", found]) == 0
    assert world.state(found) is DeploymentState.REMOVED
    assert "vllm_service is removed." in capsys.readouterr().out
    assert main(["deployments", "list", "--json"]) == 0
    assert read()["deployments"] == []
    assert main(["deployments", "list", "--json", "--all"]) == 0
    assert [one["state"] for one in read()["deployments"]] == ["removed"]


def test_stop_names_what_runs_and_does_nothing(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = world.ready()
    (endpoint,) = world.endpoints.list()
    world.benchmark(endpoint.server_key)
    assert main(["deployments", "stop", "vllm_service"]) == 2
    assert "tiny sweep" in capsys.readouterr().err
    assert world.state(found) is DeploymentState.READY
    world.sleeps = [lambda: world.store.jobs.finish("job-bench", JobState.CANCELLED, world.clock.now())]
    assert main(["deployments", "stop", "vllm_service", "--cancel-jobs"]) == 0
    assert world.state(found) is DeploymentState.STOPPED


@pytest.mark.parametrize(("outcome", "code"), [(JobState.DONE, 0), (JobState.FAILED, 1)])
def test_download_to_its_end(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], outcome: JobState, code: int
) -> None:
    def work(settings: object) -> None:
        (folder,) = app.store.weights.list()
        if outcome is JobState.DONE:
            app.store.weights.set_files(folder.id, [RemoteFile("config.json", 700)], "abc")
            app.store.weights.set_verified(folder.id, app.clock.now())
        reason = None if outcome is JobState.DONE else Reason("hub_denied", {"repo": "Qwen/Qwen3-8B"})
        app.store.jobs.finish(folder.job_id or "", outcome, app.clock.now(), reason)

    monkeypatch.setattr("cli.download.compose", lambda: app)
    monkeypatch.setattr("cli.watch.ensure_worker", work)
    assert main(["download", "Qwen/Qwen3-8B", "--json"]) == code
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["job"]["state"] == outcome.value
    if outcome is JobState.DONE:
        assert (told["commit"], told["files"], told["size_bytes"]) == ("abc", 1, 700)
        assert told["verified_at"]
    else:
        assert told["job"]["reason"]["code"] == "hub_denied"
        assert "Qwen/Qwen3-8B" in err


def test_a_file_of_the_teams_that_is_not_understood_ends_lint_with_1(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = app.settings.catalog / "models"
    folder.mkdir(parents=True)
    (folder / "ours.yaml").write_text("family: Ours\nmodels:\n- name: ours-1\n  kind: poet\n")
    assert main(["catalog", "lint"]) == 1
    told = capsys.readouterr().err
    assert "ours.yaml" in told
    assert "kind" in told
    assert main(["catalog", "list"]) == 0, "the others are still there"
