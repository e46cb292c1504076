"""EvalScope's output on disk, made elsewhere: read, never written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from core.domain.evaluation import DatasetChoice, DatasetOutcome, DatasetReport, Sample
from core.domain.evaluation_import import FoundEvaluation
from core.errors import BadInput, OutputNotUnderstood
from core.formats import evalscope, evalscope_legacy
from core.formats.evalscope_config import read_config, read_request

_PARTS = ("reports", "predictions", "reviews")


class EvalScopeFolders:
    """The EvaluationFolders port."""

    def find(self, folder: Path) -> tuple[FoundEvaluation, ...]:
        """Every evaluation in a folder and below, the oldest first. Raises BadInput (folder_missing,
        folder_not_evalscope: value), OutputNotUnderstood."""
        if not folder.is_dir():
            raise BadInput("folder_missing", field="folder", value=str(folder))
        found = [one for tree in _trees(folder) for one in _evaluations(tree)]
        if not found:
            raise BadInput("folder_not_evalscope", field="folder", value=str(folder))
        return tuple(sorted(found, key=lambda one: one.measured_at))

    def samples(self, found: FoundEvaluation, dataset: str) -> Iterator[Sample]:
        """One dataset's, subset after subset, a line at a time."""
        tree, names = Path(found.folder), [outcome.key for outcome in found.outcomes]
        folders = [tree / part / found.model for part in ("predictions", "reviews")]
        for name in sorted({path.name for folder in folders for path in folder.glob("*.jsonl")}):
            if _benchmark_of(name, names) == dataset:
                subset = evalscope.subset_of(name, dataset) or ""
                predictions, reviews = (folder / name for folder in folders)
                if evalscope_legacy.is_legacy(_first(reviews)):
                    yield from evalscope_legacy.read_samples(dataset, subset, _lines(reviews))
                else:
                    yield from evalscope.read_samples(
                        dataset, subset, _lines(predictions), _lines(reviews), repeats=found.request.repeats
                    )


def _trees(folder: Path) -> list[Path]:
    """Folders that hold reports or predictions of models."""
    inside = chain([folder], (path for path in folder.rglob("*") if path.is_dir()))
    return [path for path in inside if path.name not in _PARTS and any((path / part).is_dir() for part in _PARTS[:2])]


def _evaluations(tree: Path) -> Iterator[FoundEvaluation]:
    config_text = _config_text(tree)
    models = {path.name for part in _PARTS[:2] for path in (tree / part).glob("*") if path.is_dir()}
    for model in sorted(models):
        reports = sorted((tree / "reports" / model).glob("*.json"))
        outcomes = _in_order(tuple(_outcomes(tree, model, reports, config_text)), config_text)
        if outcomes:
            yield _evaluation(tree, model, reports, config_text, outcomes)


def _evaluation(
    tree: Path, model: str, reports: list[Path], config_text: str, outcomes: tuple[DatasetOutcome, ...]
) -> FoundEvaluation:
    config = read_config(config_text) if config_text else {}
    files = reports or sorted((tree / "predictions" / model).glob("*.jsonl"))
    content = b"".join(path.read_bytes() for path in reports) or str(tree.resolve()).encode()
    measured_at = datetime.fromtimestamp(max(path.stat().st_mtime for path in files), UTC)
    return FoundEvaluation(
        folder=str(tree),
        digest=hashlib.sha256(model.encode() + config_text.encode() + content).hexdigest()[:12],
        model=model,
        base_url=config.get("api_url"),
        evalscope_version=config.get("evalscope_version"),
        measured_at=measured_at,
        request=read_request(config, tuple(outcome.key for outcome in outcomes)),
        outcomes=outcomes,
    )


def _outcomes(tree: Path, model: str, reports: list[Path], config_text: str) -> Iterator[DatasetOutcome]:
    """Of every report, then of every dataset that only came to predictions."""
    config = read_config(config_text) if config_text else {}
    arguments = read_request(config, tuple(config.get("datasets") or ()))
    choices = {choice.key: choice for choice in arguments.datasets}
    reported = set()
    for path in reports:
        report = _report(path, config_text)
        if report is not None:
            reported.add(report.dataset)
            choice = choices.get(report.dataset, DatasetChoice(report.dataset))
            partial = bool(report.incomplete or report.errored)
            yield DatasetOutcome(report.dataset, choice, report, partial, report.requested, None)
    files = [path.name for path in (tree / "predictions" / model).glob("*.jsonl")]
    known = [*reported, *choices]
    for name in choices:
        if name not in reported and any(_benchmark_of(file, known) == name for file in files):
            settings = evalscope.read_settings(config_text, name)
            yield DatasetOutcome(name, choices[name], None, True, None, None, settings)


def _in_order(outcomes: tuple[DatasetOutcome, ...], config_text: str) -> tuple[DatasetOutcome, ...]:
    """As they were asked, where that is told."""
    asked = list((read_config(config_text) if config_text else {}).get("datasets") or ())
    return tuple(sorted(outcomes, key=lambda one: asked.index(one.key) if one.key in asked else len(asked)))


def _report(path: Path, config_text: str) -> DatasetReport | None:
    """None for a file that is no report; there are others in that folder."""
    try:
        report = evalscope.read_report(path.read_text(encoding="utf-8"))
    except OutputNotUnderstood:
        return None
    if not config_text:
        return report
    return evalscope.with_settings(report, evalscope.read_settings(config_text, report.dataset))


def _benchmark_of(file_name: str, names: list[str]) -> str | None:
    """mmlu_pro_math.jsonl belongs to mmlu_pro, not to mmlu."""
    fitting = [name for name in names if evalscope.subset_of(file_name, name) is not None]
    return max(fitting, key=len, default=None)


def _config_text(tree: Path) -> str:
    """The newest; before 1.14 the file's name bore a hash."""
    files = sorted((tree / "configs").glob("task_config*.yaml"), key=lambda path: path.stat().st_mtime)
    return files[-1].read_text(encoding="utf-8") if files else ""


def _lines(path: Path) -> Iterator[str]:
    """None of a file that is not there. What is no UTF-8 was cut off in the middle of a character."""
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file


def _first(path: Path) -> str:
    return next(_lines(path), "")
