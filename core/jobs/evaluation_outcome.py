"""A step's folder, and what EvalScope left in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from core.adapters.database.failures import translated
from core.domain.evaluation import (
    BenchmarkSettings,
    DatasetOrigin,
    DatasetOutcome,
    DatasetReport,
    EvaluationRequest,
    Need,
    PlannedDataset,
    Sample,
)
from core.evalrunner import tree
from core.formats import evalscope
from core.formats.evalscope_task import benchmark_of

_LOG_BYTES = 2_000_000


@dataclass(frozen=True)
class StepFolder:
    """``root`` stays until the job is done: EvalScope refuses to go on with a task whose paths have changed."""

    root: Path

    @property
    def task(self) -> Path:
        """The child's task file."""
        return self.root / "task.json"

    @property
    def questions(self) -> Path:
        """Shipped or own questions, as EvalScope loads them."""
        return self.root / "questions"

    @property
    def errors(self) -> Path:
        """Requests that failed, a line each."""
        return self.root / "errors.jsonl"

    @property
    def reason(self) -> Path:
        """Why this dataset alone could not be evaluated."""
        return self.root / "reason.json"

    @property
    def work_dir(self) -> Path:
        """EvalScope's own tree."""
        return self.root / "evalscope"

    @property
    def configuration(self) -> Path:
        """What EvalScope saved of its settings."""
        return tree.configuration(self.work_dir)

    def report(self, benchmark: str) -> Path | None:
        """The report, where EvalScope came to it."""
        return tree.report(self.work_dir, benchmark)

    def has_predictions(self) -> bool:
        """Whether anything was answered."""
        return any(path.stat().st_size for path in tree.predictions(self.work_dir))

    def forget_scores(self) -> None:
        """They were worth nothing; the next go scores the same answers anew."""
        for name in ("reviews", "reports"):
            shutil.rmtree(self.work_dir / name, ignore_errors=True)

    def mend(self) -> None:
        """After a kill; nobody may be writing."""
        with translated():
            tree.mend(self.work_dir)

    def add_spent(self, seconds: float) -> None:
        """Time in children, over every go."""
        with translated():
            (self.root / "spent.json").write_text(json.dumps(seconds + (self.spent_s() or 0.0)))

    def spent_s(self) -> float | None:
        """None where no child has ended yet."""
        try:
            return float(json.loads((self.root / "spent.json").read_text()))
        except (OSError, ValueError):
            return None


def outcome_of(folder: StepFolder, planned: PlannedDataset, request: EvaluationRequest) -> DatasetOutcome:
    """Report and circumstances. Partial where there is no report, where EvalScope says that some samples are missing,
    and where the judge failed for some: EvalScope leaves those out, or scores them by its rule, without a word. Where
    the judge failed for all of them there is no score."""
    report = _report(folder, planned)
    unjudged = tree.degraded(folder.work_dir) if report and _is_judged(request) else 0
    if report and unjudged and unjudged >= (report.succeeded or 0):
        report = replace(report, scores=())
    expected = report.requested if report and report.requested is not None else planned.requests
    return DatasetOutcome(
        key=planned.choice.key,
        choice=planned.choice,
        report=report,
        is_partial=report is None
        or report.incomplete is True
        or unjudged > 0
        or (_is_judged(request) and _unscored(report) > 0),
        expected=expected,
        duration_s=folder.spent_s(),
        settings=_settings(folder, planned) if report is None else None,
    )


def _is_judged(request: EvaluationRequest) -> bool:
    return request.judge_endpoint_id is not None


def _unscored(report: DatasetReport) -> int:
    """Answers without a score."""
    scored = max((one.n for one in report.scores if one.is_primary and one.subset is None), default=0)
    return max(0, (report.succeeded or 0) - scored)


def _report(folder: StepFolder, planned: PlannedDataset) -> DatasetReport | None:
    """With our own names: the questions' revision where they are ours. Raises OutputNotUnderstood."""
    benchmark = benchmark_of(planned)
    path = folder.report(benchmark)
    if path is None:
        return None
    report = evalscope.read_report(path.read_text(encoding="utf-8"), planned.choice.key)
    settings = _settings(folder, planned)
    if settings is not None:
        report = evalscope.with_settings(report, settings)
    if planned.dataset.origin is not DatasetOrigin.EVALSCOPE:
        report = replace(report, pretty_name=planned.dataset.name, revision=planned.dataset.revision)
    return report


def _settings(folder: StepFolder, planned: PlannedDataset) -> BenchmarkSettings | None:
    """None where EvalScope did not come to saving them. A judge is asked about free answers alone."""
    if not folder.configuration.is_file():
        return None
    text = folder.configuration.read_text(encoding="utf-8")
    settings = evalscope.read_settings(text, benchmark_of(planned))
    if Need.JUDGE not in planned.dataset.needs:
        settings = replace(settings, judge=None)
    is_ours = planned.dataset.origin is not DatasetOrigin.EVALSCOPE
    return replace(settings, revision=planned.dataset.revision) if is_ours else settings


def samples_of(folder: StepFolder, planned: PlannedDataset, request: EvaluationRequest) -> Iterator[Sample]:
    """Every sample that was answered or failed, subset by subset, a line at a time."""
    key, benchmark = planned.choice.key, benchmark_of(planned)
    answered: set[tuple[str, int]] = set()
    for path in tree.predictions(folder.work_dir):
        subset = evalscope.subset_of(path.name, benchmark)
        if subset is None:
            continue
        reviews = tree.review_of(path)
        with path.open(encoding="utf-8") as predictions:
            for sample in evalscope.read_samples(key, subset, predictions, _lines(reviews), repeats=request.repeats):
                answered.add((subset, sample.index))
                yield sample
    yield from _failed(folder, key, request.repeats, answered)


def _failed(folder: StepFolder, key: str, repeats: int, answered: set[tuple[str, int]]) -> Iterator[Sample]:
    """Those that never came to an answer; the last word of each counts."""
    last: dict[tuple[str, int], Sample] = {}
    for sample in evalscope.read_errors(key, _lines(folder.errors), repeats=repeats):
        last[sample.subset, sample.index] = sample
    for name, sample in last.items():
        if name not in answered:
            yield sample


def _lines(path: Path) -> Iterable[str]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8") as file:
        yield from file


def read_log(folder: StepFolder) -> str:
    """The end of EvalScope's own log."""
    try:
        with (folder.work_dir / "logs" / "eval_log.log").open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
