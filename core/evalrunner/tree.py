"""EvalScope's output tree on disk, and its repair after a kill. Imports no EvalScope.

A first run writes its reviews to ``<name>.jsonl.rerun-<hex>`` and renames them at its end; a killed writer leaves half
a line, to which the next one would append. Both are put right before a tree is read or taken up again."""

from __future__ import annotations

import json
from pathlib import Path

from core.formats.evalscope import DEGRADED, USABLE

_RERUN = ".rerun-"
_CONFIGURATION = "configs/task_config.yaml"


def has_begun(work_dir: Path) -> bool:
    """Whether EvalScope can take it up: without its configuration it refuses."""
    return (work_dir / _CONFIGURATION).is_file()


def configuration(work_dir: Path) -> Path:
    """What EvalScope saved of its own settings."""
    return work_dir / _CONFIGURATION


def mend(work_dir: Path) -> None:
    """Reviews that were never renamed get their name; half lines go. Idempotent. Nobody may be writing."""
    for path in sorted((work_dir / "reviews").glob(f"*/*{_RERUN}*")):
        name = path.with_name(path.name.partition(_RERUN)[0])
        if name.exists():
            path.unlink()
        else:
            path.rename(name)
    for path in (*_lines(work_dir, "predictions"), *_lines(work_dir, "reviews")):
        _cut_half_line(path)


def forget_failed_reviews(work_dir: Path) -> None:
    """What a judge failed to score is scored anew: EvalScope would take its failure for a result."""
    for path in _lines(work_dir, "reviews"):
        with path.open(encoding="utf-8") as file:
            if all(map(_is_scored, file)):
                continue
        kept = path.with_suffix(".kept")
        with path.open(encoding="utf-8") as file, kept.open("w", encoding="utf-8") as new:
            new.writelines(filter(_is_scored, file))
        kept.replace(path)


def _is_scored(line: str) -> bool:
    return _status(line) in USABLE


def _status(line: str) -> str:
    return str(json.loads(line)["sample_score"]["score"].get("status") or "success")


def degraded(work_dir: Path) -> int:
    """Answers that a judge was to score and did not: EvalScope takes its rule's score for them into the same mean."""
    count = 0
    for path in _lines(work_dir, "reviews"):
        with path.open(encoding="utf-8") as file:
            count += sum(DEGRADED in line and _status(line) == DEGRADED for line in file)
    return count


def predictions(work_dir: Path) -> tuple[Path, ...]:
    """One file a subset."""
    return _lines(work_dir, "predictions")


def review_of(predictions_file: Path) -> Path:
    """The scores that belong to a file of predictions."""
    model = predictions_file.parent
    return model.parent.parent / "reviews" / model.name / predictions_file.name


def report(work_dir: Path, benchmark: str) -> Path | None:
    """The report, where EvalScope came to it."""
    return next(iter(sorted((work_dir / "reports").glob(f"*/{benchmark}.json"))), None)


def _lines(work_dir: Path, folder: str) -> tuple[Path, ...]:
    return tuple(sorted((work_dir / folder).glob("*/*.jsonl")))


def _cut_half_line(path: Path) -> None:
    with path.open("rb+") as file:
        end = file.seek(0, 2)
        if end == 0:
            return
        file.seek(end - 1)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        kept = file.read().rfind(b"\n") + 1
        file.truncate(kept)
