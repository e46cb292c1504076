"""An evaluation's steps without an engine: a real store, a scripted EvalScope, a client in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.evaluation_files import EvaluationFiles
from core.domain.benchmark import RunHead, RunKind, RunState
from core.domain.endpoint import EndpointCheck, KeyState
from core.domain.evaluation import DatasetChoice, DatasetOrigin, EvaluationRequest, Sampling, ScoreRow
from core.domain.job import JobKind, JobState, Reason
from core.domain.questions import QuestionSet
from core.errors import ToolFailed
from core.formats.questions import read_upload
from core.jobs.evaluation import EvaluationWork
from core.jobs.evaluation_runner import EvalscopeRunner
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine
from tests.fakes.evalscope_tree import Answers, write_tree
from tests.fakes.fresh_database import fresh_store
from tests.fakes.secrets import FakeSecrets
from tests.fakes.tool_runner import FakeToolRunner

Task = dict[str, Any]
Play = Callable[[Task], Sequence[str]]
HALVES = {"en": Answers(60, right=45), "zh": Answers(60, right=45)}


class Client:
    """Only what an evaluation asks."""

    def __init__(self) -> None:
        self.gone = False

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool:
        return not self.gone

    def check(self, base_url: str, key: str | None, served_name: str | None = None) -> EndpointCheck:
        return EndpointCheck(samples.NOW, reachable=not self.gone, key_state=KeyState.OPEN)


def event(kind: str, **values: Any) -> str:
    counts = {"done": 0, "failed": 0, "output_tokens": 0, "truncated": 0, "overflow": 0, "scored": 0, "score": None}
    return json.dumps({"event": kind, **counts, **values})


class Site:
    """One evaluation of the two shipped sets. ``plays``: what EvalScope does with each benchmark, next time."""

    def __init__(self, home: Path) -> None:
        self.settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.store = fresh_store(home)
        self.client, self.secrets = Client(), FakeSecrets()
        self.tools, self.engine = FakeToolRunner(self.child), FakeEngine()
        self.tasks: list[Task] = []
        self.env: list[Mapping[str, str]] = []
        self.plays: dict[str, Play] = {"gsm8k": self.whole, "general_mcq": self.whole}
        self.work = EvaluationWork(
            self.store,
            self.client,  # type: ignore[arg-type]
            EvaluationFiles(),
            EvalscopeRunner(self.tools, self.secrets, self.settings),
            self.engine,
            self.settings,
            FakeClock(),
        )
        self.request = EvaluationRequest(
            "ep-1", (DatasetChoice("arithmetic"), DatasetChoice("logic")), sampling=Sampling(0.0)
        )
        self.store.endpoints.add(samples.endpoint(key_ref="endpoint/ep-1"))
        self.secrets.put("endpoint/ep-1", "sk-secret")
        self.store.runs.add(head())
        self.store.evaluations.add("run-1", self.request)
        self.store.jobs.add(replace(samples.job(steps_total=2), kind=JobKind.EVALUATION))

    # ------------------------------------------------------------ what EvalScope does

    def child(self, argv: Sequence[str], env: Mapping[str, str]) -> Sequence[str]:
        task = json.loads(Path(argv[-1]).read_text())
        self.tasks.append(task)
        self.env.append(env)
        return self.plays[task["config"]["datasets"][0]](task)

    def whole(self, task: Task) -> Sequence[str]:
        return self.leave(task, HALVES)

    def leave(self, task: Task, subsets: Mapping[str, Answers]) -> Sequence[str]:
        config = task["config"]
        write_tree(Path(config["work_dir"]), config["model_id"], {config["datasets"][0]: subsets})
        total = sum(answers.count for answers in subsets.values())
        return [event("started", total=total), event("progress", done=total, score=0.75, output_tokens=900)]

    # ------------------------------------------------------------ what is looked at

    def run_all(self) -> None:
        for step in range(self.work.begin("job-1")):
            reason = self.do(step)
            if reason is not None:
                self.work.end("job-1", JobState.FAILED, reason)
                return
        self.work.end("job-1", JobState.DONE)

    def do(self, step: int) -> Reason | None:
        return asyncio.run(self.work.do("job-1", step))

    def whole_scores(self) -> dict[str, ScoreRow]:
        rows = self.store.evaluations.scores("run-1")
        return {row.dataset: row for row in rows if row.subset is None and row.is_primary}

    def state(self) -> tuple[JobState | None, str | None, RunState]:
        job = self.store.jobs.get("job-1")
        return job.outcome, job.reason.code if job.reason else None, self.store.runs.head("run-1").state


def head() -> RunHead:
    return RunHead(
        id="run-1",
        endpoint_id="ep-1",
        model="tiny",
        version_label="W8A8",
        origin="attached",
        engine="evalscope",
        state=RunState.PENDING,
        seed=42,
        created_at=samples.NOW,
        created_by="local",
        command=("seatrial", "eval"),
        job_id="job-1",
        kind=RunKind.EVALUATION,
        parts_total=2,
        workload_label="arithmetic, logic",
        workload_key="",
    )


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_each_dataset_is_a_child_with_its_own_folder_and_the_key_in_its_environment(site: Site) -> None:
    site.run_all()
    first, second = site.tasks
    assert (first["config"]["datasets"], second["config"]["datasets"]) == (["gsm8k"], ["general_mcq"])
    assert first["config"]["work_dir"] != second["config"]["work_dir"]
    assert "sk-secret" not in json.dumps(site.tasks)
    assert site.env[0]["SEATRIAL_ENDPOINT_KEY"] == "sk-secret"
    assert site.env[0]["HF_HUB_OFFLINE"] == "1"  # these questions are here: no hub is asked
    assert "127.0.0.1" in site.env[0]["NO_PROXY"]


def test_scores_are_kept_under_our_names_and_the_work_folder_goes(site: Site) -> None:
    site.run_all()
    assert site.state() == (JobState.DONE, None, RunState.COMPLETE)
    scores = site.whole_scores()
    assert {key: (row.score, row.n, row.is_partial) for key, row in scores.items()} == {
        "arithmetic": (0.75, 120, False),
        "logic": (0.75, 120, False),
    }
    (row,) = site.store.runs.rows(["run-1"])
    assert (row.points_done, row.score) == (2, 0.75)
    revisions = {found.conditions.revision for found in site.store.evaluations.datasets("run-1")}
    assert revisions == {one.revision for one in EvaluationFiles().shipped()}
    names = {artifact.name for artifact in site.store.artifacts.list("run-1")}
    assert {"arithmetic-report.json", "arithmetic-task_config.yaml", "logic-report.json"} <= names
    assert not (site.settings.work / "job-1").exists()


def test_progress_tells_the_running_score_and_what_was_cached_is_no_speed(site: Site) -> None:
    def cached(task: Task) -> Sequence[str]:
        site.leave(task, HALVES)
        return [
            event("started", done=92, total=120),
            event("progress", done=120, scored=120, score=0.75, output_tokens=280, failed=0),
        ]

    site.plays["gsm8k"] = cached
    seen = []
    site.store.jobs.save_progress = lambda job_id, progress: seen.append(progress)  # type: ignore[method-assign]
    site.work.begin("job-1")
    assert site.do(0) is None
    last = next(one for one in reversed(seen) if one.label == "dataset")
    assert (last.done, last.total, last.unit, last.detail["score"]) == (120, 120, "samples", 0.75)
    assert last.rate_per_s is not None and last.eta_s == 0
    assert last.rate_per_s * last.detail["elapsed_s"] == pytest.approx(28)
    assert (seen[0].label, seen[-1].step) == ("preparing", 1)


def test_a_dataset_that_is_complete_is_not_asked_again(site: Site) -> None:
    site.work.begin("job-1")
    assert site.do(0) is None
    assert site.do(0) is None
    assert len(site.tasks) == 1


def test_one_that_cannot_be_had_does_not_stop_the_others(site: Site) -> None:
    def broken(task: Task) -> Sequence[str]:
        raise ToolFailed(tool="core.evalrunner", exit_code=1, detail="ValueError: Unknown benchmark\nbye")

    site.plays["gsm8k"] = broken
    site.run_all()
    assert site.state() == (JobState.FAILED, "evaluation_failed", RunState.PARTIAL)
    reason = site.store.jobs.get("job-1").reason
    assert reason is not None
    assert reason.params == {"dataset": "arithmetic", "detail": "ValueError: Unknown benchmark"}
    assert set(site.whole_scores()) == {"logic"}
    site.plays["gsm8k"] = site.whole  # resumed, only what is missing is asked
    site.tasks.clear()
    site.store.jobs.reopen("job-1")
    site.run_all()
    assert site.state() == (JobState.DONE, None, RunState.COMPLETE)
    assert [task["config"]["datasets"] for task in site.tasks] == [["gsm8k"]]


def test_all_requests_failing_is_no_score_though_evalscope_ends_well(site: Site) -> None:
    def failing(task: Task) -> Sequence[str]:
        lines = [{"index": index, "subset": "en", "question": "?", "gold": "1", "error": "500"} for index in range(60)]
        Path(task["errors"]).write_text("".join(json.dumps(line) + "\n" for line in lines))
        log = Path(task["config"]["work_dir"]) / "logs" / "eval_log.log"
        log.parent.mkdir(parents=True)
        log.write_text("ERROR: Processing item in subset='en' failed: Error code: 500 - EngineCore dead\n")
        return site.leave(task, {"en": Answers(60, right=0, errored=60)})

    site.plays["gsm8k"] = failing
    site.run_all()
    outcome, code, state = site.state()
    assert (outcome, code, state) == (JobState.FAILED, "evaluation_all_failed", RunState.PARTIAL)
    reason = site.store.jobs.get("job-1").reason
    assert reason is not None and "EngineCore dead" in str(reason.params["detail"])
    row = site.whole_scores()["arithmetic"]
    assert (row.score, row.n, row.errored) == (None, 0, 60)


def test_answers_that_nobody_could_judge_are_no_score(site: Site) -> None:
    def unjudged(task: Task) -> Sequence[str]:
        said = site.leave(task, {"en": Answers(12, right=12)})
        (path,) = (Path(task["config"]["work_dir"]) / "reports").rglob("*.json")
        path.write_text(json.dumps({**json.loads(path.read_text()), "metrics": [], "primary_metric_identity": None}))
        for reviews in (Path(task["config"]["work_dir"]) / "reviews").rglob("*.jsonl"):
            reviews.write_text("")
        return said

    asked = replace(site.request, judge_endpoint_id="ep-1")
    site.store.evaluations.request = lambda run_id: asked  # type: ignore[method-assign]
    site.plays["gsm8k"] = unjudged
    site.run_all()
    assert site.state() == (JobState.FAILED, "evaluation_not_judged", RunState.PARTIAL)
    row = site.whole_scores().get("arithmetic") or site.store.evaluations.scores("run-1")[0]
    assert (row.score, row.unscored, row.is_partial) == (None, 12, True)


@pytest.mark.parametrize(
    ("failed", "ended", "score"),
    [
        (12, (JobState.FAILED, "evaluation_not_judged", RunState.PARTIAL), None),
        (3, (JobState.DONE, None, RunState.PARTIAL), 0.75),
    ],
)
def test_a_rules_score_in_place_of_a_judges_is_not_taken_for_one(
    site: Site, failed: int, ended: tuple[JobState, str | None, RunState], score: float | None
) -> None:
    """EvalScope marks such a review as degraded and takes it into the mean."""

    def degraded(task: Task) -> Sequence[str]:
        said = site.leave(task, {"en": Answers(12, right=9)})
        (path,) = (Path(task["config"]["work_dir"]) / "reviews").rglob("*.jsonl")
        reviews = [json.loads(line) for line in path.read_text().splitlines()]
        for review in reviews[:failed]:
            review["sample_score"]["score"]["status"] = "degraded"
            review["sample_score"]["score"]["metadata"] = {"judge_unavailable": True}
        path.write_text("".join(json.dumps(review) + "\n" for review in reviews))
        return said

    asked = replace(site.request, judge_endpoint_id="ep-1", datasets=site.request.datasets[:1])
    site.store.evaluations.request = lambda run_id: asked  # type: ignore[method-assign]
    site.plays["gsm8k"] = degraded
    site.run_all()
    assert site.state() == ended
    row = site.whole_scores().get("arithmetic") or site.store.evaluations.scores("run-1")[0]
    assert (row.score, row.is_partial) == (score, True)


def test_code_that_no_container_ran_is_no_wrong_answer(site: Site) -> None:
    """EvalScope scores it 0. What its sandboxes have left goes with the job."""

    def unboxed(task: Task) -> Sequence[str]:
        log = site.settings.logs / "job-1.log"
        with log.open("a") as file:
            file.write("[INFO:ms_enclave] Added sandbox o4qx93mb to pool\n")
            file.write("evalscope - ERROR: Code execution in sandbox failed: ValueError('Sandbox pool is empty')\n")
        return site.whole(task)

    asked = replace(site.request, sandbox=True, datasets=(DatasetChoice("arithmetic"),))
    site.store.evaluations.request = lambda run_id: asked  # type: ignore[method-assign]
    removed: list[str] = []
    site.engine.remove = lambda name, force=False: removed.append(name)  # type: ignore[method-assign]
    site.plays["gsm8k"] = unboxed
    site.run_all()
    assert site.state()[:2] == (JobState.FAILED, "evaluation_sandbox_failed")
    assert removed == ["sandbox-o4qx93mb"]
    row = site.whole_scores().get("arithmetic")
    assert row is None or row.score is None
    site.plays["gsm8k"] = site.whole  # the image is there now
    site.store.jobs.reopen("job-1")
    site.run_all()
    assert site.state() == (JobState.DONE, None, RunState.COMPLETE)


def test_a_server_that_is_gone_ends_the_job_after_a_few_failures(site: Site) -> None:
    def dying(task: Task) -> Sequence[str]:
        site.client.gone = True
        return [event("started", total=120), *(event("progress", failed=count) for count in range(1, 121))]

    site.plays["gsm8k"] = dying
    site.run_all()
    assert site.state()[:2] == (JobState.FAILED, "endpoint_gone")
    assert site.tools.closed_early == 1 and len(site.tasks) == 1


def test_failures_between_answers_do_not_end_it(site: Site) -> None:
    def flaky(task: Task) -> Sequence[str]:
        site.client.gone = True  # it would be found gone, if it were asked
        last = site.leave(task, HALVES)
        steps = [event("progress", done=count, failed=count) for count in range(1, 60)]
        site.client.gone = False
        return [last[0], *steps, last[1]]

    site.plays["gsm8k"] = flaky
    site.run_all()
    assert site.state()[0] is JobState.DONE


def test_a_cancelled_one_keeps_what_was_answered_marked_as_partial(site: Site) -> None:
    def killed(task: Task) -> Sequence[str]:
        site.leave(task, {"en": Answers(32, right=24)})
        root = Path(task["config"]["work_dir"])
        for path in (root / "reports").rglob("*.json"):
            path.unlink()
        for path in (root / "reviews").rglob("*.jsonl"):  # never renamed: the first go was killed
            path.rename(path.with_name(f"{path.name}.rerun-9f2c"))
        with next((root / "predictions").rglob("*.jsonl")).open("a") as file:
            file.write('{"index": 32, "mod')
        raise ToolFailed(tool="core.evalrunner", exit_code=143, detail="")

    site.plays["gsm8k"] = killed
    site.work.begin("job-1")
    site.do(0)
    site.work.end("job-1", JobState.CANCELLED)
    assert site.state() == (JobState.CANCELLED, None, RunState.PARTIAL)
    row = site.whole_scores()["arithmetic"]
    assert (row.n, row.score, row.is_partial) == (32, 0.75, True)
    assert (site.settings.work / "job-1").exists()  # a resume goes on from there


def test_cancelling_ends_the_child(site: Site) -> None:
    async def endless(argv: Sequence[str], **_: object) -> AsyncGenerator[str, None]:
        try:
            yield event("started", total=120)
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    ended: list[bool] = []
    site.tools.run = endless  # type: ignore[method-assign, assignment]
    site.work.begin("job-1")

    async def cancelled() -> None:
        doing = asyncio.create_task(site.work.do("job-1", 0))
        while not site.store.jobs.progress(["job-1"]):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        doing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doing

    asyncio.run(cancelled())
    assert ended == [True]


@pytest.mark.parametrize(
    ("log", "choice", "code"),
    [
        ("OSError: [Errno 28] No space left on device", "arithmetic", "disk_full"),
        ("_DownloadDeadlineError [E1001]", "gsm8k", "evaluation_hub_unreachable"),
        ("ConnectionError: Couldn't reach it", "arithmetic", "evaluation_failed"),  # no hub was in it
    ],
)
def test_why_there_is_no_report_is_read_from_the_log(site: Site, log: str, choice: str, code: str) -> None:
    def failing(task: Task) -> Sequence[str]:
        path = Path(task["config"]["work_dir"]) / "logs" / "eval_log.log"
        path.parent.mkdir(parents=True)
        path.write_text(log)
        raise ToolFailed(tool="core.evalrunner", exit_code=1, detail="")

    asked = replace(site.request, datasets=(DatasetChoice(choice), DatasetChoice("logic")))
    site.store.evaluations.request = lambda run_id: asked  # type: ignore[method-assign]
    site.plays["gsm8k"] = failing
    site.run_all()
    assert site.state()[:2] == (JobState.FAILED, code)
    assert len(site.tasks) == (1 if code == "disk_full" else 2)


def test_own_questions_are_asked_in_the_version_that_was_chosen(site: Site) -> None:
    found = read_upload(b"question,answer\n2+2?,4\n", "x.csv")
    assert found.kind is not None
    base = QuestionSet("own-sums", "Sums", found.kind, {"all": found.questions}, DatasetOrigin.OWN, 1, samples.NOW)
    site.store.questions.add(base)
    more = read_upload(b"question,answer\n2+2?,4\n3+3?,6\n", "x.csv").questions
    site.store.questions.add(replace(base, subsets={"all": more}))
    asked = replace(site.request, datasets=(DatasetChoice("own-sums", version=1),))
    site.store.evaluations.request = lambda run_id: asked  # type: ignore[method-assign]

    def look(task: Task) -> Sequence[str]:
        folder = Path(task["config"]["dataset_args"]["gsm8k"]["local_path"])
        assert len((folder / "all.jsonl").read_text().splitlines()) == 1
        return site.leave(task, {"all": Answers(1, right=1)})

    site.plays["gsm8k"] = look
    site.run_all()
    assert site.state() == (JobState.DONE, None, RunState.COMPLETE)
