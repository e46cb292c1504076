"""An evaluation that is killed twice, and comes to what an uninterrupted one comes to."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.evaluation_files import EvaluationFiles
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import RunState
from core.domain.endpoint import Endpoint
from core.domain.evaluation import DatasetChoice, DatasetKind, Limit
from core.domain.evaluation_scores import Ending
from core.domain.job import Job, JobState
from core.formats.questions import folder_files
from tests.live import evaluating
from tests.live.job_site import Site, job_site, until
from tests.real.house import House
from tests.simulated import simulated

pytestmark = pytest.mark.real

BOTH = (DatasetChoice("arithmetic"), DatasetChoice("logic"))
SLOW = ("--ttft-ms", "200", "--itl-ms", "40")
IN_FLIGHT, TRIAL = 8, 1
"""Attaching an endpoint tries one completion."""


def answered(site: Site, job: Job) -> int:
    progress = site.view(job.id).progress
    return progress.done if progress and progress.label == "dataset" else 0


def requests_seen(base_url: str) -> int:
    text = urllib.request.urlopen(f"{base_url.removesuffix('/v1')}/metrics", timeout=5).read().decode()
    return round(
        sum(float(value) for value in re.findall(r"^vllm:request_success_total\S* (\S+)$", text, re.MULTILINE))
    )


def figures(site: Site, job: Job) -> dict[tuple[str, str | None], tuple[float | None, int]]:
    found = evaluating.scores(site, job.run_id or "")
    return {name: (row.score, row.n) for name, row in found.items()}


def verdicts(site: Site, job: Job) -> dict[tuple[str, str, str, int], tuple[Ending, float | None, str | None]]:
    """What became of every question."""
    read = site.app.store.evaluations.whole_samples
    return {
        (name, sample.subset, sample.question, sample.repeat): (ending, sample.score, sample.extracted)
        for name in ("arithmetic", "logic")
        for _, ending, sample in read(job.run_id or "", name)
    }


def test_killed_twice_and_resumed_it_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    with job_site(tmp_path) as site, simulated(*SLOW) as server:
        job = evaluating.start(site, server.base_url, *BOTH)
        _kill_at(site, job, 20)
        _kill_at(site, job, 60)
        site.start_worker("core.worker")
        site.reaches(job.id, JobState.DONE, 300)
        assert site.app.store.runs.head(job.run_id or "").state is RunState.COMPLETE
        asked = requests_seen(server.base_url)
        assert 240 + TRIAL <= asked <= 240 + TRIAL + 2 * IN_FLIGHT
        whole = evaluating.start(site, server.base_url, *BOTH)
        site.reaches(whole.id, JobState.DONE, 300)
        assert requests_seen(server.base_url) == asked + 240 + TRIAL
        assert figures(site, job) == figures(site, whole)
        assert verdicts(site, job) == verdicts(site, whole)
        assert figures(site, whole)["arithmetic", None] == (0.75, 120)


def _kill_at(site: Site, job: Job, answers: int) -> None:
    site.start_worker("core.worker")
    until(lambda: answered(site, job) >= answers, 120, f"{answers} answers")
    site.kill_worker()


def test_a_cancelled_one_keeps_its_answers_and_asks_only_for_the_rest(tmp_path: Path) -> None:
    with job_site(tmp_path) as site, simulated(*SLOW) as server:
        job = evaluating.start(site, server.base_url, DatasetChoice("arithmetic", ("en",)))
        site.start_worker("core.worker")
        until(lambda: answered(site, job) >= 20, 120, "answers")
        site.cancel(job.id)
        site.reaches(job.id, JobState.CANCELLED, 10)
        row = evaluating.scores(site, job.run_id or "")["arithmetic", None]
        assert row.is_partial and 20 <= row.n < 60
        assert site.app.store.runs.head(job.run_id or "").state is RunState.PARTIAL
        before = requests_seen(server.base_url)
        site.resume(job.id)
        site.reaches(job.id, JobState.DONE, 120)
        assert requests_seen(server.base_url) - before <= 60 - row.n
        assert evaluating.scores(site, job.run_id or "")["arithmetic", None].score == 0.75


def test_a_server_that_dies_ends_it_within_a_minute_and_keeps_the_answers(tmp_path: Path) -> None:
    with job_site(tmp_path) as site, simulated(*SLOW) as server:
        job = evaluating.start(site, server.base_url, *BOTH)
        site.start_worker("core.worker")
        until(lambda: answered(site, job) >= 20, 120, "answers")
        server.process.kill()
        view = site.reaches(job.id, JobState.FAILED, 90)
        assert view.job.reason is not None and view.job.reason.code == "endpoint_gone"
        row = evaluating.scores(site, job.run_id or "")["arithmetic", None]
        assert row.is_partial and row.n >= 20


def test_a_hub_that_cannot_be_reached_is_said_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with job_site(tmp_path) as site, simulated() as server:
        job = evaluating.start(site, server.base_url, DatasetChoice("gsm8k"), DatasetChoice("logic", ("zh",)))
        site.start_worker("core.worker")
        view = site.reaches(job.id, JobState.FAILED, 120)
        assert view.job.reason is not None
        assert (view.job.reason.code, view.job.reason.params["dataset"]) == ("evaluation_hub_unreachable", "gsm8k")
        assert evaluating.scores(site, job.run_id or "")["logic", None].n == 60


def test_a_folder_is_tried_by_loading_a_sample_out_of_it(tmp_path: Path) -> None:
    """As a snapshot of GSM8K's repository: named parts, without which ``datasets`` refuses it."""
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    questions = EvaluationFiles().shipped()[0].subsets["en"]
    for name, text in folder_files(DatasetKind.NUMERIC, {"main": questions}).items():
        (folder / name).write_text(text)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "main_test.jsonl").write_text((folder / "main.jsonl").read_text())
    with job_site(tmp_path / "home") as site:
        site.start_worker("core.worker")
        good, bad = (
            site.app.datasets.fetch(LOCAL_OPERATOR, (DatasetChoice("gsm8k", few_shot=0, local_path=str(one)),)).job
            for one in (folder, bare)
        )
        progress = site.reaches(good.id, JobState.DONE, 120).progress
        assert progress is not None and progress.detail["samples"] == 60
        assert questions[0].text in str(progress.detail["question"])
        view = site.reaches(bad.id, JobState.FAILED, 120)
        assert view.job.reason is not None and view.job.reason.code == "evaluation_folder_not_dataset"


def test_a_real_vllm_is_scored_as_evalscope_reports_it(house: House, deployed: Endpoint) -> None:
    """A model of random weights knows nothing; every sample is scored, errored or unscored all the same."""
    app = house.app
    request = replace(app.evaluations.defaults(deployed.id, "quick"), limit=Limit(count=5), max_tokens=48, batch_size=2)
    job = app.evaluations.start(LOCAL_OPERATOR, app.evaluations.plan(request)).job
    house.reaches(job.id, JobState.DONE)
    run_id = job.run_id or ""
    for row in app.store.evaluations.scores(run_id):
        assert row.n + row.errored + row.unscored == row.requested > 0
    for name in ("arithmetic", "logic"):
        (artifact,) = (one for one in app.store.artifacts.list(run_id) if one.name == f"{name}-report.json")
        report = json.loads(b"".join(app.store.artifacts.read(artifact.id)))
        (metric,) = report["metrics"]
        whole = next(row for row in app.store.evaluations.scores(run_id) if (row.dataset, row.subset) == (name, None))
        assert (whole.n, report["execution_summary"]["requested"]) == (metric["num"], 10)
        kept = [sample for _, _, sample in app.store.evaluations.whole_samples(run_id, name)]
        mean = sum(sample.score or 0.0 for sample in kept) / len(kept)
        assert mean == pytest.approx(metric["score"], abs=0.0001), "our samples are those that EvalScope scored"
        is_answered = whole.truncated + whole.overflow + whole.no_answer < whole.n or mean > 0
        assert whole.score == (pytest.approx(metric["score"], abs=0.0001) if is_answered else None)
