"""From a request to a queued job, and what the run remembers."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from core.adapters.catalog_files import load_catalog
from core.adapters.database.store import DatabaseStore
from core.adapters.prompt_files import FolderPromptFiles
from core.adapters.workload_files import load_presets
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import BenchmarkRequest, Engine, RunState
from core.domain.deployment import DeploymentRequest
from core.domain.finding import Severity, blocking
from core.domain.job import JobKind, JobState
from core.domain.limits import ServingLimits
from core.domain.seeds import point_seed
from core.domain.workload import LengthGrid
from core.domain.workload_rules import workload_findings
from core.errors import NotAllowed, NotFoundError, PlanBlocked, StalePlan, StoreError
from core.services.benchmarks import BenchmarkService
from core.services.endpoints import EndpointService
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets

URL = "http://127.0.0.1:8000/v1"


class World:
    """The service over a real database, with one attached server."""

    def __init__(self, store: DatabaseStore, key: str | None = None, **more: Any) -> None:
        self.store = store
        self.clock = FakeClock()
        self.queue = FakeJobQueue()
        self.client = FakeEndpointClient(self.clock, {URL: FakeServer(key=key)})
        self.endpoints = EndpointService(store.endpoints, self.client, FakeSecrets(), self.clock)
        self.endpoint = self.endpoints.attach(LOCAL_OPERATOR, URL, key=key, version_label="W8A8")
        self.service = BenchmarkService(
            store,
            self.queue,
            self.endpoints,
            self.clock,
            product_version="0.1.0",
            host=lambda: {"name": "bench-host", "cpus": 2},
            **more,
        )

    def request(self, **changes: object) -> BenchmarkRequest:
        base = BenchmarkRequest(self.endpoint.id, samples.workload())
        return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture
def world(database: DatabaseStore) -> World:
    return World(database)


def test_a_plan_shows_commands_and_changes_nothing(world: World) -> None:
    version = world.store.data_version()
    plan = world.service.plan(world.request(workload=samples.workload(repeats=2)))
    assert plan.command[:6] == ("seatrial", "bench", "--url", URL, "--model", "tiny")
    assert len(plan.tool_commands) == 4
    assert plan.findings == ()
    assert plan.estimate_s is None
    assert world.store.data_version() == version


def test_a_plan_for_the_other_tool_shows_its_commands(world: World) -> None:
    serve = ("vllm", "serve", "/weights/tiny", "--port", "8001")
    deployment = samples.deployment()
    world.store.deployments.add(replace(deployment, spec=replace(deployment.spec, command=serve)))
    world.store.endpoints.update(replace(world.endpoint, deployment_id=deployment.id))
    plan = world.service.plan(world.request(engine=Engine.VLLM_BENCH, seed=7))
    assert [command[:3] for command in plan.tool_commands] == [("vllm", "bench", "serve")] * 2
    assert {"/weights/tiny", "8001", "tiny", str(point_seed(7, 0, 0))} <= set(plan.tool_commands[0])
    fresh = world.service.plan(world.request(engine=Engine.VLLM_BENCH)).tool_commands[0]
    assert fresh[fresh.index("--seed") + 1] == "FRESH"


def test_the_other_tool_needs_a_container(world: World) -> None:
    plan = world.service.plan(world.request(engine=Engine.VLLM_BENCH))
    assert plan.tool_commands == ()
    assert [finding.code for finding in blocking(plan.findings)] == ["bench_engine_needs_container"]


def test_an_unknown_endpoint(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.service.plan(BenchmarkRequest("nowhere", samples.workload()))


def test_starting_records_run_and_job_and_queues_them(world: World) -> None:
    plan = world.service.plan(world.request(note=" first look "))
    view = world.service.start(Actor("han", Role.OPERATOR), plan)
    assert (view.state, view.steps_done, view.job.steps_total) == (JobState.QUEUED, 0, 2)
    assert world.queue.begun_with == {view.job.id: (JobKind.BENCHMARK, "address:127.0.0.1:8000", {})}
    assert world.store.jobs.get(view.job.id) == view.job
    run = world.store.runs.get(view.job.run_id or "")
    assert (run.state, run.created_by, run.note, run.job_id) == (RunState.PENDING, "han", "first look", view.job.id)
    assert run.command == plan.command
    assert view.job.title == "tiny · 128/128 · 1, 16"


def test_a_run_remembers_what_was_measured_with_what(database: DatabaseStore) -> None:
    world = World(database, key="sk-secret")
    view = world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    world.endpoints.rename(LOCAL_OPERATOR, world.endpoint.id, "renamed", "other version")
    run = world.store.runs.get(view.job.run_id or "")
    assert run.version_label == "W8A8"
    assert run.provenance["endpoint"]["name"] == "tiny"
    assert run.provenance["endpoint"]["has_key"] is True
    assert run.provenance["check"]["max_model_len"] == 4096
    assert run.provenance["server_version"] == "0.32.0"
    assert (run.provenance["tool"], run.provenance["product_version"]) == ("seatrial-loadgen", "0.1.0")
    assert run.provenance["host"] == {"name": "bench-host", "cpus": 2}
    assert "sk-secret" not in str(run)


def test_a_deployed_endpoint_brings_its_container(world: World) -> None:
    world.store.deployments.add(samples.deployment(container_id="c0ffee", image_digest="sha256:1"))
    world.store.endpoints.update(replace(world.endpoint, deployment_id="d-1"))
    view = world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    provenance = world.store.runs.get(view.job.run_id or "").provenance
    assert provenance["image_digest"] == "sha256:1"
    assert provenance["container_spec"]["image"] == "vllm/vllm-openai:v0.32.0"


def test_every_run_draws_its_own_seed_unless_one_is_asked_for(world: World) -> None:
    def seed(asked: int | None = None) -> int:
        view = world.service.start(LOCAL_OPERATOR, world.service.plan(world.request(seed=asked)))
        return world.store.runs.get(view.job.run_id or "").seed

    assert len({seed() for _ in range(8)}) == 8
    assert seed(5) == 5
    assert 0 <= seed() < 2**31


def test_a_viewer_does_not_measure(world: World) -> None:
    with pytest.raises(NotAllowed):
        world.service.start(Actor("vera", Role.VIEWER), world.service.plan(world.request()))
    assert world.store.jobs.page(0, 1).total == 0


def test_a_blocked_plan_does_not_start(world: World) -> None:
    plan = world.service.plan(world.request(workload=samples.workload(input_tokens=9000)))
    with pytest.raises(PlanBlocked) as caught:
        world.service.start(LOCAL_OPERATOR, plan)
    assert [finding.code for finding in caught.value.findings] == ["bench_over_context"]
    assert world.queue.engine == {}


def test_a_plan_goes_stale_with_its_endpoint_and_not_with_time(world: World) -> None:
    plan = world.service.plan(world.request())
    world.clock.advance(3600)
    world.endpoints.refresh(world.endpoint.id)
    assert world.service.plan(world.request()).fingerprint == plan.fingerprint
    world.client.servers[URL].max_model_len = 256
    world.endpoints.refresh(world.endpoint.id)
    with pytest.raises(StalePlan):
        world.service.start(LOCAL_OPERATOR, plan)


def test_a_busy_server_is_said_and_does_not_stop_the_start(world: World) -> None:
    world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    plan = world.service.plan(world.request())
    assert plan.findings[-1].code == "bench_will_queue"
    assert {one.severity for one in plan.findings} == {Severity.NOTE}
    world.service.start(LOCAL_OPERATOR, plan)
    assert len(world.queue.engine) == 2


def test_the_estimate_comes_from_what_the_endpoint_did(world: World) -> None:
    view = world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    world.store.runs.save_measurement(view.job.run_id or "", samples.measurement())
    world.store.jobs.finish(view.job.id, JobState.DONE, samples.NOW)
    estimate = world.service.plan(world.request()).estimate_s
    assert estimate == pytest.approx((192 + 1) * 2.74 + (12 + 1) * 2.74 + 2)


def test_a_first_run_is_foreseen_by_what_the_same_model_did_elsewhere(world: World) -> None:
    assert world.service.plan(world.request()).estimate_s is None
    world.store.endpoints.add(samples.endpoint(id="ep-elsewhere", base_url="http://h2:8000/v1"))
    world.store.runs.add(samples.run(id="run-far", endpoint_id="ep-elsewhere", model=world.endpoint.served_name))
    world.store.runs.save_measurement("run-far", samples.measurement())
    assert world.service.plan(world.request()).estimate_s == pytest.approx((192 + 1) * 2.74 + (12 + 1) * 2.74 + 2)


def test_what_could_not_be_queued_stays_recorded_for_the_worker(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise StoreError("store_locked", detail="jobs.db")

    with monkeypatch.context() as broken, pytest.raises(StoreError):
        broken.setattr(world.queue, "enqueue", dies)
        world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    assert world.queue.engine == {}
    job = world.store.jobs.unfinished()[0]
    assert world.store.runs.get(job.run_id or "").job_id == job.id


def test_a_start_that_cannot_be_recorded_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("disk_full", detail="full")

    monkeypatch.setattr(world.store.jobs, "add", full)
    with pytest.raises(StoreError):
        world.service.start(LOCAL_OPERATOR, world.service.plan(world.request()))
    assert world.store.runs.page(0, 1).total == 0
    assert world.queue.engine == {}


def test_presets_can_run_and_say_where_they_come_from() -> None:
    presets = load_presets()
    assert len({preset.key for preset in presets}) == len(presets) >= 5
    for preset in presets:
        assert preset.source
        blocks = [one for one in workload_findings(preset.workload) if one.severity is Severity.BLOCK]
        assert blocks == []
    controlled = next(preset.workload for preset in presets if preset.key == "controlled")
    assert (controlled.temperature, controlled.ignore_eos, controlled.input_spread) == (0, True, None)
    assert controlled.repeats >= 3, "the repeat is the unit"
    guide = presets[0].workload
    assert (guide.input_tokens, guide.output_tokens, guide.points[0].requests) == (128, 1024, 3)


def test_a_deployments_limits_come_from_its_profile_its_arguments_and_its_check(database: DatabaseStore) -> None:
    world = World(database, catalog=load_catalog)
    assert world.service.limits(world.endpoint) == ServingLimits(max_model_len=4096)
    entry = next(one for one in load_catalog().entries() if one.profile.max_input_len)
    serve = ("vllm", "serve", "/weights/m", "--max-model-len", "65536", "--speculative-config", "{}")
    deployment = samples.deployment()
    asked = DeploymentRequest("i", "/w/m", "m", profile=entry.key, platform="vastai-va16")
    spec = replace(deployment.spec, command=serve)
    world.store.deployments.add(replace(deployment, spec=spec, request=asked))
    world.store.endpoints.update(replace(world.endpoint, deployment_id=deployment.id))
    found = world.service.limits(world.store.endpoints.get(world.endpoint.id))
    assert (found.max_input, found.max_concurrency) == (entry.profile.max_input_len, entry.profile.max_concurrency)
    assert (found.refused_sampling, found.platform) == (("min_p",), "Vastai VA16")
    assert (found.has_mtp, found.name, bool(found.source), found.max_sequences) == (True, entry.key, True, None)
    elsewhere = replace(asked, platform="nvidia-cuda")
    world.store.deployments.update(replace(deployment, spec=spec, request=elsewhere))
    assert world.service.limits(world.store.endpoints.get(world.endpoint.id)).max_input is None
    many = replace(spec, command=(*serve, "--max-num-seqs", "8", "-dp", "2"))
    world.store.deployments.update(replace(deployment, spec=many, request=asked))
    assert world.service.limits(world.store.endpoints.get(world.endpoint.id)).max_sequences == 16
    plan = world.service.plan(world.request(workload=samples.workload((1, 64))))
    assert "bench_over_concurrency" in {one.code for one in plan.findings}
    run = world.store.runs.get(world.service.start(LOCAL_OPERATOR, plan).job.run_id or "")
    assert [one["code"] for one in run.provenance["accepted"]] == ["bench_over_concurrency"]
    assert (run.provenance["profile"], run.provenance["platform"]) == (entry.key, "vastai-va16")


def test_a_grid_is_one_run_for_each_pair_that_fits(world: World) -> None:
    grid = LengthGrid((128, 1024, 8192), (64,))
    plan = world.service.plan_grid(world.request(), grid)
    assert [one.request.workload.input_tokens for one in plan.plans] == [128, 1024]
    assert {one.input_tokens for one in plan.left_out} == {8192}
    assert plan.requests == 4 * 192
    views = world.service.start_grid(LOCAL_OPERATOR, plan)
    assert len({view.job.run_id for view in views}) == len(world.queue.engine) == 2


def test_prompts_are_kept_and_named_by_what_is_in_them(database: DatabaseStore, tmp_path: Path) -> None:
    world = World(database, prompts=FolderPromptFiles(tmp_path))
    content = b'{"prompt": "hello"}\n{"odd": 1}\n'
    dataset, found = world.service.add_prompts(LOCAL_OPERATOR, "talks.jsonl", BytesIO(content))
    assert (dataset.name, dataset.samples, dataset.kind, [one.line for one in found.bad]) == (
        "talks.jsonl",
        1,
        "jsonl",
        [2],
    )
    assert json.loads((tmp_path / f"{dataset.digest}.jsonl").read_text())["prompt"] == "hello"
    with pytest.raises(NotAllowed):
        world.service.add_prompts(Actor("vera", Role.VIEWER), "talks.jsonl", BytesIO(content))
