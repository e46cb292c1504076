"""From a request to a queued evaluation, and what it remembers; datasets and questions of one's own."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.dataset_folders import LocalDatasetFolders
from core.adapters.evaluation_files import EvaluationFiles
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import RunKind, RunState
from core.domain.dataset_job import DatasetJob, request_name
from core.domain.evaluation import DatasetChoice, DatasetOrigin, EvaluationRequest, Hub, Limit
from core.domain.finding import Severity, blocking
from core.domain.job import JobKind, JobState
from core.domain.limits import ServingLimits
from core.errors import BadInput, NotAllowed, NotFoundError, PlanBlocked, StalePlan
from core.formats import records
from core.services.datasets import DatasetFilter, DatasetService
from core.services.endpoints import EndpointService
from core.services.evaluations import EvaluationService
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets

URL = "http://127.0.0.1:8000/v1"
SUMS = b"question,answer\n2+2?,4\n3+3?,6\n"
VIEWER = Actor("vera", Role.VIEWER)


class World:
    """The services over a real database, with one attached server."""

    def __init__(self, store: DatabaseStore, home: Path) -> None:
        self.store, self.home = store, home
        self.clock, self.queue = FakeClock(), FakeJobQueue()
        client = FakeEndpointClient(self.clock, {URL: FakeServer()})
        endpoints = EndpointService(store.endpoints, client, FakeSecrets(), self.clock)
        self.endpoint = endpoints.attach(LOCAL_OPERATOR, URL, version_label="W8A8")
        self.engine = FakeEngine()
        self.limits = ServingLimits(max_model_len=8192, max_concurrency=3)
        files = EvaluationFiles()
        self.datasets = DatasetService(files, store, self.queue, LocalDatasetFolders(home / "cache"), self.clock)
        self.service = EvaluationService(
            store,
            self.queue,
            endpoints,
            self.datasets,
            files,
            self.engine,
            self.clock,
            limits=lambda endpoint: self.limits,
            evalscope_version="1.14.1",
        )

    def request(self, *keys: str, **changes: Any) -> EvaluationRequest:
        choices = tuple(DatasetChoice(key) for key in keys or ("arithmetic",))
        return replace(EvaluationRequest(self.endpoint.id, choices, max_tokens=512, batch_size=2), **changes)


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def codes(world: World, request: EvaluationRequest) -> set[str]:
    return {one.code for one in world.service.plan(request).findings}


def test_a_plan_tells_amounts_and_three_spellings_and_changes_nothing(world: World) -> None:
    version = world.store.data_version()
    plan = world.service.plan(world.request("arithmetic", "logic", limit=Limit(count=10), repeats=2))
    assert (plan.questions, plan.requests, plan.output_tokens) == (40, 80, 80 * 512)
    assert plan.command[:6] == ("seatrial", "eval", "--url", URL, "--model", "tiny")
    assert plan.python_call.count("run_task(") == 1 and len(plan.cli_calls) == 1
    assert "datasets=['gsm8k', 'general_mcq']" in plan.python_call
    assert not blocking(plan.findings) and plan.estimate_s is None
    assert world.store.data_version() == version


def test_the_shown_call_finds_its_questions_in_the_file_that_is_handed_over(world: World) -> None:
    request = world.request("arithmetic", "logic")
    call = world.service.plan(request).python_call
    with zipfile.ZipFile(io.BytesIO(world.datasets.question_zip(request.datasets))) as archive:
        folders = {name.rpartition("/")[0] for name in archive.namelist()}
        assert b'"question"' in archive.read("questions/arithmetic/en.jsonl")
    assert folders == {"questions/arithmetic", "questions/logic"}
    assert all(f"'local_path': '{folder}'" in call for folder in folders)


def test_what_was_benchmarked_bounds_the_time_of_a_first_evaluation(world: World) -> None:
    asked = world.request("arithmetic", limit=Limit(count=10))
    assert world.service.plan(asked).most_s is None
    world.store.runs.add(samples.run(endpoint_id=world.endpoint.id))
    world.store.runs.save_measurement("run-1", samples.measurement())
    bound = world.service.plan(asked).most_s
    doubled = world.service.plan(replace(asked, max_tokens=2 * asked.max_tokens)).most_s
    assert bound is not None and doubled is not None and doubled > bound


def test_a_start_records_run_request_and_job(world: World) -> None:
    plan = world.service.plan(world.request("arithmetic", "logic", note=" first "))
    view = world.service.start(LOCAL_OPERATOR, plan)
    job = view.job
    assert (view.state, job.kind, job.steps_total, job.server_key) == (
        *(JobState.QUEUED, JobKind.EVALUATION, 2),
        world.endpoint.server_key,
    )
    run = world.store.runs.head(job.run_id or "")
    assert (run.kind, run.state, run.engine, run.workload_label) == (
        *(RunKind.EVALUATION, RunState.PENDING, "evalscope"),
        "arithmetic, logic",
    )
    assert (run.parts_total, run.note, run.seed, run.command) == (2, "first", 42, plan.command)
    assert run.provenance["tool_version"] == "1.14.1"
    assert world.store.evaluations.request(run.id).datasets == plan.request.datasets
    assert world.queue.begun_with[job.id] == (JobKind.EVALUATION, job.server_key, {})
    assert [row.id for row in world.service.recent(0, 10).rows] == [run.id]


def test_all_parts_by_their_names_are_the_whole(world: World) -> None:
    request = replace(
        world.request(), datasets=(DatasetChoice("arithmetic", ("zh", "en")), DatasetChoice("logic", ("en",)))
    )
    run_id = world.service.start(LOCAL_OPERATOR, world.service.plan(request)).job.run_id or ""
    assert [choice.subsets for choice in world.store.evaluations.request(run_id).datasets] == [(), ("en",)]
    whole = replace(request, datasets=(DatasetChoice("arithmetic"), DatasetChoice("logic", ("en",))))
    other = world.service.start(LOCAL_OPERATOR, world.service.plan(whole)).job.run_id or ""
    heads = [world.store.runs.head(one) for one in (run_id, other)]
    assert heads[0].workload_key == heads[1].workload_key


def test_a_viewer_starts_nothing(world: World) -> None:
    plan = world.service.plan(world.request())
    with pytest.raises(NotAllowed):
        world.service.start(VIEWER, plan)
    with pytest.raises(NotAllowed):
        world.datasets.keep(VIEWER, "Sums", SUMS, "x.csv")
    with pytest.raises(NotAllowed):
        world.datasets.fetch(VIEWER, (DatasetChoice("gsm8k"),))


def test_what_is_blocked_is_not_started(world: World) -> None:
    with pytest.raises(PlanBlocked) as refused:
        world.service.start(LOCAL_OPERATOR, world.service.plan(world.request("no-such-set")))
    assert [one.code for one in refused.value.findings] == ["eval_dataset_strange"]
    assert world.service.recent(0, 10).total == 0


def test_the_deployments_limits_count(world: World) -> None:
    assert "eval_batch_over" in codes(world, world.request(batch_size=4))
    assert "eval_over_context" in codes(world, world.request(max_tokens=8192))


def test_code_sets_ask_for_a_sandbox_and_the_sandbox_for_an_engine(world: World) -> None:
    assert "eval_needs_sandbox" in codes(world, world.request("humaneval"))
    asked = world.request("humaneval", sandbox=True)
    assert not {"eval_needs_sandbox", "eval_sandbox_no_engine"} & codes(world, asked)
    world.engine.down = "no socket"
    assert "eval_sandbox_no_engine" in codes(world, asked)
    assert "eval_sandbox_no_engine" not in codes(world, world.request(sandbox=True))


def test_a_judge_is_another_endpoint(world: World) -> None:
    assert "eval_needs_judge" in codes(world, world.request("simple_qa"))
    judged = world.request("simple_qa", judge_endpoint_id=world.endpoint.id)
    assert "eval_judge_itself" in codes(world, judged)
    assert "--judge-url" in world.service.plan(judged).command


def test_defaults_are_the_presets_within_the_limits(world: World) -> None:
    found = world.service.defaults(world.endpoint.id, "guide")
    assert [choice.key for choice in found.datasets][:2] == ["mmlu_pro", "ifeval"]
    assert found.limit == Limit(share=0.1)
    assert 1 <= found.max_tokens < 8192 and found.batch_size == 3
    assert found.sampling.preset == "greedy"
    assert world.service.defaults(world.endpoint.id, None, "deepseek-r1").sampling.temperature == 0.6
    with pytest.raises(BadInput) as refused:
        world.service.defaults(world.endpoint.id, None, "no-such-preset")
    assert refused.value.code == "sampling_unknown"


def test_every_preset_can_be_planned(world: World) -> None:
    """Their datasets and subsets exist; what stops one is only what this installation lacks."""
    world.limits = ServingLimits(max_model_len=131_072)
    for preset in world.service.presets():
        plan = world.service.plan(world.service.defaults(world.endpoint.id, preset.key))
        lacking = {one.code for one in blocking(plan.findings)}
        assert lacking <= {"eval_needs_sandbox", "eval_extra_missing"}, preset.key
        assert plan.questions is not None, preset.key


def test_every_dataset_of_the_list_can_be_planned(world: World) -> None:
    """The whole list against the rules: nothing but what it says it needs stops any of them."""
    world.limits = ServingLimits()
    allowed = {"eval_needs_sandbox", "eval_needs_judge", "eval_extra_missing", "eval_agent"}
    known = world.datasets.known()
    assert len(known) > 270
    plan = world.service.plan(world.request(*known))
    assert {one.code for one in blocking(plan.findings)} <= allowed


# ---------------------------------------------------------------- datasets


def test_the_list_has_what_is_here_on_top_and_can_be_searched(world: World) -> None:
    rows = world.datasets.list()
    assert [row.dataset.key for row in rows[:2]] == ["arithmetic", "logic"]
    assert sum(row.is_here for row in rows) == 2
    (found,) = world.datasets.list(DatasetFilter(text="grade school GSM8K", category="llm"))[:1]
    assert (found.dataset.key, found.dataset.samples, found.dataset.few_shot) == ("gsm8k", 1319, 4)
    assert {row.dataset.key for row in world.datasets.list(DatasetFilter(offline_only=True))} == {"arithmetic", "logic"}


def test_what_evalscope_has_loaded_before_is_here(world: World) -> None:
    cache = world.home / "cache" / "datasets"
    (cache / "cais_mmlu-3d4e5f").mkdir(parents=True)  # begun, never whole
    (cache / "cais_mmlu-3d4e5f.lock").touch()
    (cache / "AI-ModelScope_gsm8k-0a1b2c").mkdir()
    (cache / "AI-ModelScope_gsm8k-0a1b2c" / "state.json").touch()
    assert "gsm8k" in world.datasets.here(world.datasets.known().values())
    assert "eval_from_hub" not in codes(world, world.request("gsm8k"))
    assert "eval_from_hub" in codes(world, world.request("mmlu"))


def test_own_questions_have_versions_and_an_evaluation_keeps_its_own(world: World) -> None:
    first = world.datasets.keep(LOCAL_OPERATOR, "Team Sums!", SUMS, "sums.csv", "for us")
    assert (first.key, first.version, first.count) == ("own-team-sums", 1, 2)
    assert world.datasets.keep(LOCAL_OPERATOR, "team sums", SUMS, "sums.csv").version == 1
    started = world.service.start(LOCAL_OPERATOR, world.service.plan(world.request("own-team-sums")))
    second = world.datasets.keep(LOCAL_OPERATOR, "Team Sums", SUMS + b"4+4?,8\n", "sums.csv")
    assert (second.version, second.count) == (2, 3)
    (choice,) = world.store.evaluations.request(started.job.run_id or "").datasets
    assert choice.version == 1
    assert world.datasets.question_set("own-team-sums", choice.version).count == 2
    listed = world.datasets.known()["own-team-sums"]
    assert (listed.origin, listed.version, listed.samples) == (DatasetOrigin.OWN, 2, 3)
    assert [one.version for one in world.datasets.versions("own-team-sums")] == [2, 1]
    assert [one.answer for one in world.datasets.preview("own-team-sums")] == ["4", "6", "8"]


def test_a_plan_made_before_a_new_version_is_stale(world: World) -> None:
    world.datasets.keep(LOCAL_OPERATOR, "Sums", SUMS, "x.csv")
    plan = world.service.plan(world.request("own-sums"))
    world.datasets.keep(LOCAL_OPERATOR, "Sums", SUMS + b"4+4?,8\n", "x.csv")
    with pytest.raises(StalePlan):
        world.service.start(LOCAL_OPERATOR, plan)


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [("  !!", SUMS, "upload_name_bad"), ("Sums", b"question,answer\nx,y\n", "upload_not_sound")],
)
def test_an_upload_that_cannot_be_kept_is_refused_whole(world: World, name: str, data: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        world.datasets.keep(LOCAL_OPERATOR, name, data, "x.csv")
    assert refused.value.code == code
    assert world.store.questions.list() == ()


def test_a_set_that_is_not_there(world: World) -> None:
    with pytest.raises(NotFoundError):
        world.datasets.question_set("own-nothing")
    assert world.datasets.preview("mmlu") == ()


def test_fetching_is_a_job_that_knows_what_to_fetch(world: World) -> None:
    choices = (DatasetChoice("gsm8k"), DatasetChoice("mmlu"))
    job = world.datasets.fetch(LOCAL_OPERATOR, choices, Hub.HUGGINGFACE).job
    assert (job.kind, job.steps_total, job.title) == (JobKind.DATASETS, 2, "gsm8k, mmlu")
    told = world.store.preferences.get(request_name(job.id))
    assert told is not None and records.loads(DatasetJob, told) == DatasetJob(choices, Hub.HUGGINGFACE)
    assert json.loads(told)["hub"] == "huggingface"


@pytest.mark.parametrize(
    ("choices", "code"),
    [
        ((), "eval_no_datasets"),
        ((DatasetChoice("arithmetic"),), "eval_dataset_strange"),  # shipped: there is nothing to fetch
        ((DatasetChoice("gsm8k", local_path="relative"),), "eval_folder_relative"),
        ((DatasetChoice("gsm8k", local_path="/no/such/folder"),), "eval_folder_missing"),
    ],
)
def test_what_cannot_be_fetched_is_said_at_once(world: World, choices: tuple[DatasetChoice, ...], code: str) -> None:
    with pytest.raises(PlanBlocked) as refused:
        world.datasets.fetch(LOCAL_OPERATOR, choices)
    assert [one.code for one in refused.value.findings] == [code]
    assert all(one.severity is Severity.BLOCK for one in refused.value.findings)


def test_a_folder_needs_data_in_it(world: World, tmp_path: Path) -> None:
    assert world.datasets.folder_problem(str(tmp_path)) == "eval_folder_empty"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "test.parquet").touch()
    assert world.datasets.folder_problem(str(tmp_path)) is None
