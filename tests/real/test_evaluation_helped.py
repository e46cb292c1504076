"""Evaluations that need a second pair of hands: a judge, or a container for code. And a model that says nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import RunState
from core.domain.evaluation import DatasetChoice
from core.domain.evaluation_reading import SampleFilter
from core.domain.job import Job, JobState
from tests.live import evaluating
from tests.live.job_site import Site, job_site
from tests.simulated import simulated

pytestmark = pytest.mark.real

SANDBOX_IMAGE, LAB_IMAGE = "python:3.11-slim", "seatrial-lab/python:3.11"
QUICK = ("--ttft-ms", "5", "--itl-ms", "1")
CAPITALS = {"France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Peru": "Lima", "Egypt": "Cairo", "Japan": "Tokyo"}
KNOWN = ("France", "Italy", "Spain", "Peru")


def snapshot(folder: Path, part: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """As a dataset's repository: its rows, and a card that names its part."""
    folder.mkdir()
    (folder / "test.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {part}\n  data_files:\n  - split: test\n    path: test.jsonl\n---\n"
    )
    return str(folder)


def answers(path: Path, pairs: Mapping[str, str]) -> tuple[str, str]:
    path.write_text("\n".join(json.dumps({"asked": asked, "said": said}) for asked, said in pairs.items()))
    return "--answers", str(path)


def judged(site: Site, url: str, judge_url: str, folder: str) -> Job:
    judge = site.app.endpoints.attach(LOCAL_OPERATOR, judge_url)
    choice = DatasetChoice("simple_qa", local_path=folder)
    return evaluating.start(site, url, choice, judge_endpoint_id=judge.id)


@pytest.fixture
def quiz(tmp_path: Path) -> tuple[str, tuple[str, str]]:
    """A folder of six questions, and a model that knows four of the answers."""
    rows = [
        {"problem": f"What is the capital of {land}?", "answer": town, "metadata": "{}"}
        for land, town in CAPITALS.items()
    ]
    said = {f"capital of {land}?": f"It is {CAPITALS[land] if land in KNOWN else 'Atlantis'}." for land in CAPITALS}
    return snapshot(tmp_path / "simple_qa", "default", rows), answers(tmp_path / "said.jsonl", said)


def test_a_judge_scores_free_answers_and_is_named_as_the_one_who_did(
    tmp_path: Path, quiz: tuple[str, tuple[str, str]]
) -> None:
    folder, told = quiz
    verdicts = {f"Predicted answer: It is {CAPITALS[land]}": '{"reasoning": "", "verdict": "A"}' for land in KNOWN}
    verdicts["Predicted answer: It is Atlantis"] = '{"reasoning": "", "verdict": "B"}'
    umpire = ("--model", "umpire", *answers(tmp_path / "verdicts.jsonl", verdicts))
    with job_site(tmp_path / "home") as site, simulated(*QUICK, *told) as server, simulated(*QUICK, *umpire) as judge:
        job = judged(site, server.base_url, judge.base_url, folder)
        site.start_worker("core.worker")
        site.reaches(job.id, JobState.DONE, 60)
        (found,) = site.app.store.evaluations.datasets(job.run_id or "")
        assert (found.lead.metric, found.lead.n, found.is_partial) == ("is_correct", 6, False)
        assert found.lead.score == pytest.approx(4 / 6, abs=1e-4)
        assert found.conditions.judge == "umpire"


def test_a_judge_that_makes_no_sense_leaves_no_score(tmp_path: Path, quiz: tuple[str, tuple[str, str]]) -> None:
    folder, told = quiz
    with job_site(tmp_path / "home") as site, simulated(*QUICK, *told) as server, simulated(*QUICK) as judge:
        job = judged(site, server.base_url, judge.base_url, folder)
        site.start_worker("core.worker")
        view = site.reaches(job.id, JobState.FAILED, 120)
        assert view.job.reason is not None and view.job.reason.code == "evaluation_not_judged"
        assert [row.score for row in site.app.store.evaluations.scores(job.run_id or "")] == [None]


def test_a_model_that_says_nothing_gets_no_score(tmp_path: Path) -> None:
    with job_site(tmp_path) as site, simulated(*QUICK, "--fault", "known-empty:1.0") as server:
        job = evaluating.start(site, server.base_url, DatasetChoice("logic", ("en",)))
        site.start_worker("core.worker")
        site.reaches(job.id, JobState.DONE, 60)
        row = evaluating.scores(site, job.run_id or "")["logic", None]
        assert (row.score, row.ci95, row.no_answer, row.errored) == (None, None, 60, 0)


# ---------------------------------------------------------------- code in a container


@pytest.fixture
def sandbox_image(engine: DockerEngine) -> Iterator[str]:
    """The image that EvalScope runs Python in, by its name; here it is the laboratory's."""
    client = docker.from_env()
    try:
        was_there = engine.image_digest(SANDBOX_IMAGE) is not None
        if not was_there:
            recipe = f'FROM {LAB_IMAGE}\nRUN ln -sf python3 /usr/bin/python\nCMD ["python3"]\n'
            client.images.build(fileobj=io.BytesIO(recipe.encode()), tag=SANDBOX_IMAGE, rm=True)
        yield SANDBOX_IMAGE
        if not was_there:
            client.images.remove(SANDBOX_IMAGE, force=True)
    finally:
        client.close()


def problem(name: str, sign: str, body: str) -> dict[str, str]:
    return {
        "task_id": f"Test/{name}",
        "prompt": f'def {name}(a, b):\n    """Return a {sign} b."""\n',
        "entry_point": name,
        "canonical_solution": body,
        "test": f"def check(candidate):\n    assert candidate(5, 3) == 5 {sign} 3\n",
    }


def test_code_that_a_model_wrote_runs_in_a_container_and_nowhere_else(tmp_path: Path, sandbox_image: str) -> None:
    rows = [problem("add", "+", "    return a + b\n"), problem("take", "-", "    return a - b\n")]
    folder = snapshot(tmp_path / "humaneval", "openai_humaneval", rows)
    marker = tmp_path / "written-here"
    said = {
        "def add(a, b)": "```python\n    return a + b\n```",
        "def take(a, b)": f"```python\n    open({str(marker)!r}, 'w')\n    return a - b\n```",
    }
    told = answers(tmp_path / "said.jsonl", said)
    before = {one.id for one in docker.from_env().containers.list(all=True)}
    with job_site(tmp_path / "home") as site, simulated(*QUICK, *told) as server:
        choice = DatasetChoice("humaneval", local_path=folder)
        job = evaluating.start(site, server.base_url, choice, sandbox=True, batch_size=1)
        site.start_worker("core.worker")
        site.reaches(job.id, JobState.DONE, 60)
        assert site.app.store.runs.head(job.run_id or "").state is RunState.COMPLETE
        kept = site.app.store.evaluations.samples(job.run_id or "", SampleFilter(), 0, 10)
        assert {row.question.split("def ")[1][:3]: row.score for row in kept.rows} == {"add": 1.0, "tak": 0.0}
    assert not marker.exists(), "the folder is not there inside, and nothing was written outside"
    assert {one.id for one in docker.from_env().containers.list(all=True)} <= before
