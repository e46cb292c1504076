"""Fetching datasets, one step each: what is told, and why one cannot be had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.evaluation_files import EvaluationFiles
from core.domain.dataset_job import DatasetJob, request_name
from core.domain.evaluation import DatasetChoice, Hub
from core.domain.job import JobKind, JobState, Reason
from core.errors import ToolFailed
from core.formats import records
from core.jobs.datasets import DatasetWork
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.tool_runner import FakeToolRunner
from tests.unit.jobs.test_evaluation import fresh_store

FOUND = {"event": "loaded", "samples": 1319, "subsets": 1, "question": "How many?", "gold": "18"}
UNREACHABLE = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='modelscope.cn'): Max retries exceeded"


class Site:
    """One job that fetches GSM8K and tries a folder. ``says``: the child's lines next time, or what it dies of."""

    def __init__(self, home: Path) -> None:
        settings = read_settings({"SEATRIAL_HOME": str(home)})
        settings.datasets.mkdir(parents=True)
        self.store, self.says = fresh_store(home), [FOUND]
        self.dies: str | None = None
        self.tasks: list[dict[str, Any]] = []
        self.tools = FakeToolRunner(lambda argv, env: self.child(argv))
        self.work = DatasetWork(self.store, EvaluationFiles(), self.tools, settings, FakeClock())
        choices = (DatasetChoice("gsm8k", ("main",), 4), DatasetChoice("mmlu_pro", local_path="/data/mmlu"))
        wanted = DatasetJob((*choices, DatasetChoice("nothing")), Hub.HUGGINGFACE)
        self.store.preferences.set(request_name("job-1"), records.dumps(DatasetJob, wanted))
        self.store.jobs.add(replace(samples.job(steps_total=3), kind=JobKind.DATASETS, run_id=None))

    def child(self, argv: Sequence[str]) -> Sequence[str]:
        self.tasks.append(json.loads(Path(argv[-1]).read_text()))
        if self.dies is not None:
            raise ToolFailed(tool="evalscope", exit_code=1, detail=self.dies)
        return [json.dumps(event) for event in self.says]

    def do(self, step: int) -> Reason | None:
        return asyncio.run(self.work.do("job-1", step))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_was_found_is_told_with_a_first_sample(site: Site) -> None:
    assert site.work.begin("job-1") == 3
    assert site.do(0) is None
    (task,) = site.tasks
    assert (task["datasets"], task["dataset_hub"], task["eval_type"]) == (["gsm8k"], "huggingface", "mock_llm")
    assert task["dataset_args"] == {"gsm8k": {"subset_list": ["main"], "few_shot_num": 4}}
    progress = site.store.jobs.progress(["job-1"])["job-1"]
    assert progress is not None and (progress.step, progress.label) == (1, "loaded")
    assert progress.detail == {"dataset": "gsm8k", "samples": 1319, "question": "How many?", "gold": "18"}
    site.work.end("job-1", JobState.DONE)
    assert site.store.jobs.get("job-1").outcome is JobState.DONE


@pytest.mark.parametrize(
    ("step", "dies", "code"),
    [
        (0, UNREACHABLE, "evaluation_hub_unreachable"),
        (0, "OSError: [Errno 28] No space left on device", "disk_full"),
        (0, "KeyError: 'question'", "evaluation_failed"),
        (1, "FileNotFoundError: no parquet files", "evaluation_folder_not_dataset"),
        (1, UNREACHABLE, "evaluation_folder_not_dataset"),
        (2, None, "evaluation_dataset_unknown"),
    ],
)
def test_why_a_dataset_cannot_be_had(site: Site, step: int, dies: str | None, code: str) -> None:
    site.dies = dies
    reason = site.do(step)
    assert reason is not None and reason.code == code


def test_a_dataset_without_samples_is_none(site: Site) -> None:
    site.says = [{**FOUND, "samples": 0}]
    reason = site.do(0)
    assert reason is not None and reason.code == "evaluation_no_samples"
