"""bench, check, run and deploy whose work happens: what a pipeline reads off them is the exit code and one document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cli import bench, check, deploy
from cli.main import main
from core.adapters.prompt_files import FolderPromptFiles
from core.bootstrap import App, compose
from core.domain.benchmark import Measurement, RequestCounts
from core.domain.deployment import DeploymentState
from core.domain.job import JobState, JobView, Reason
from core.jobs.outcomes import settle
from core.services.benchmarks import BenchmarkService
from core.services.endpoints import EndpointService
from core.services.jobs import JobService
from core.services.results import ResultService
from core.settings import read_settings
from tests.deployment_world import FOLDER
from tests.deployment_world import World as Containers
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.fresh_database import fresh_file
from tests.fakes.job_queue import FakeJobQueue

URL = "http://127.0.0.1:8000/v1"
BENCH = ["bench", "--url", URL, "--concurrency", "1,16", "--requests", "192", "--output-tokens", "128"]
Capture = pytest.CaptureFixture[str]


class World:
    """The command's own core with a server and a queue in memory. ``outcomes``: how the jobs end, one after another."""

    def __init__(self, app: App) -> None:
        clock = FakeClock()
        self.queue, self.client = FakeJobQueue(clock.now()), FakeEndpointClient(clock, {URL: FakeServer()})
        endpoints = EndpointService(app.store.endpoints, self.client, app.secrets, clock)
        jobs = JobService(app.store.jobs, self.queue, app.tools, app.settings, clock)
        benchmarks = BenchmarkService(
            *(app.store, self.queue, endpoints, clock),
            product_version="0.1.0",
            host=lambda: {"cpus": 2},
            prompts=FolderPromptFiles(app.settings.home / "prompts"),
        )
        results = ResultService(app.store, jobs)
        self.app = replace(app, endpoints=endpoints, jobs=jobs, benchmarks=benchmarks, results=results)
        self.counts = RequestCounts(192, 0, {})
        self.outcomes: list[JobState] = []
        self.reason: Reason | None = None

    def watch(self, app: App, job: JobView) -> JobView:
        """What a worker would do, at once."""
        outcome = self.outcomes.pop(0) if self.outcomes else JobState.DONE
        for index in range(job.job.steps_total if outcome is JobState.DONE else 1):
            self.app.store.runs.save_measurement(job.job.run_id or "", self.measured(index))
        settle(self.app.store, job.job.id, outcome, samples.NOW, self.reason)
        self.queue.engine[job.job.id] = outcome
        return self.app.jobs.view(job.job.id)

    def measured(self, index: int) -> Measurement:
        return samples.measurement(index, requests=self.counts, concurrency=(1, 16)[index])


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path))
    fresh_file(tmp_path)
    return compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))


@pytest.fixture
def world(app: App, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(app)
    for command in (bench, check):
        monkeypatch.setattr(command, "compose", lambda: world.app)
    monkeypatch.setattr(bench, "watch", world.watch)
    return world


def document(capsys: Capture) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_sweep_of_which_some_requests_failed_has_ended_all_the_same(world: World, capsys: Capture) -> None:
    world.counts = RequestCounts(150, 42, {"http_500": 40, "timeout": 2})
    assert main([*BENCH, "--input-tokens", "128", "--json"]) == 0
    told = document(capsys)
    assert [point["requests"]["failures"] for point in told["points"]] == [{"http_500": 40, "timeout": 2}] * 2
    assert (told["job"]["state"], told["points"][1]["concurrency"]) == ("done", 16)


def test_figures_on_a_terminal_are_named_with_tool_and_version(world: World, capsys: Capture) -> None:
    assert main([*BENCH, "--input-tokens", "128"]) == 0
    assert "128 in, 128 out · Completions · greedy · seatrial 0.1.0 · " in capsys.readouterr().out


def test_what_is_no_prompt_in_a_file_is_named_and_the_rest_is_used(
    world: World, capsys: Capture, tmp_path: Path
) -> None:
    file = tmp_path / "talks.jsonl"
    file.write_text('{"prompt": "hello"}\n{"odd": 1}\nno JSON\n')
    assert main([*BENCH, "--dataset", str(file), "--dry-run", "--json"]) == 0
    said = capsys.readouterr().err
    assert f"{file}: 2 entries left out, because no prompt was in there (line 2, 3)." in said


def test_one_that_could_not_end_keeps_its_points_and_says_why(world: World, capsys: Capture) -> None:
    world.outcomes, world.reason = [JobState.FAILED], Reason("endpoint_gone", {"url": URL})
    assert main([*BENCH, "--input-tokens", "128", "--json"]) == 1
    told = document(capsys)
    assert (len(told["points"]), told["job"]["reason"]) == (1, {"code": "endpoint_gone", "url": URL})


def test_a_grid_is_one_document_with_every_run_as_it_would_stand_alone(world: World, capsys: Capture) -> None:
    world.outcomes = [JobState.DONE, JobState.FAILED]
    assert main([*BENCH, "--input-tokens", "128,256", "--json"]) == 1, "the worst of them"
    told = document(capsys)
    assert list(told) == ["runs"]
    assert [run["run"]["workload"]["input_tokens"] for run in told["runs"]] == [128, 256]
    assert [run["job"]["state"] for run in told["runs"]] == ["done", "failed"]
    assert main(["run", told["runs"][0]["run_id"], "--json"]) == 0
    assert document(capsys)["points"] == told["runs"][0]["points"]


def test_one_interrupt_is_for_the_whole_grid(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.outcomes = [JobState.CANCELLED]
    cancelled: list[str] = []

    def watched(app: App, job: JobView) -> JobView:
        if world.outcomes:
            return world.watch(app, job)
        cancelled.append(job.job.id)
        assert world.queue.engine[job.job.id] is JobState.CANCELLED, "before anybody waits for it"
        return replace(job, state=JobState.CANCELLED)

    monkeypatch.setattr(bench, "watch", watched)
    assert main([*BENCH, "--input-tokens", "128,256,512"]) == 1
    assert len(cancelled) == 2


def test_check_of_what_is_usable_is_exit_0_with_what_was_found(world: World, capsys: Capture) -> None:
    assert main(["check", URL, "--json"]) == 0
    told = document(capsys)
    assert (told["usable"], told["max_model_len"], told["vocabulary_size"]) == (True, 4096, 4000)
    assert [model["id"] for model in told["served_models"]] == ["tiny"]


def test_a_run_that_nobody_knows(world: World, capsys: Capture) -> None:
    assert main(["run", "run-none", "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "not_found"
    assert "run-none" in err


# ---------------------------------------------------------------- deploy


@pytest.fixture
def containers(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Containers:
    """``seatrial deploy`` with an engine in memory, whose container serves."""
    world = Containers(app.store, tmp_path)
    monkeypatch.setattr(deploy, "compose", lambda: replace(app, deployments=world.service, endpoints=world.endpoints))
    return world


def starts(containers: Containers, serves: bool) -> Callable[[App, JobView], JobView]:
    """A worker's part."""

    def watch(app: App, job: JobView) -> JobView:
        deployment_id = job.job.deployment_id or ""
        containers.service.step_create(deployment_id)
        if serves:
            containers.serve(deployment_id)
            assert containers.service.step_wait_ready(deployment_id)
            containers.service.step_register_endpoint(deployment_id)
        reason = None if serves else Reason("container_failed", {"name": "vllm_service", "exit_code": 1, "detail": ""})
        outcome = JobState.DONE if serves else JobState.FAILED
        settle(containers.store, job.job.id, outcome, containers.clock.now(), reason)
        containers.queue.engine[job.job.id] = outcome
        return containers.jobs.view(job.job.id)

    return watch


DEPLOY = ["deploy", "--image", "vllm:test", "--weights", FOLDER, "--served-name", "tiny"]


def test_a_deployment_that_starts_says_where_it_serves(
    containers: Containers, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(deploy, "watch", starts(containers, serves=True))
    assert main([*DEPLOY, "--json"]) == 0
    told = document(capsys)
    assert (told["state"], told["base_url"], told["served_name"]) == (DeploymentState.READY.value, URL, "tiny")
    assert told["container_id"] == containers.container_id(told["deployment_id"])
    assert told["job"] == {"id": told["job"]["id"], "state": "done", "reason": None}


def test_one_that_does_not_is_exit_1_with_its_reason(
    containers: Containers, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(deploy, "watch", starts(containers, serves=False))
    assert main(DEPLOY) == 1
    out, err = capsys.readouterr()
    assert (out, "vllm_service" in err) == ("", True)
