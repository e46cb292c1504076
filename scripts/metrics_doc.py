"""Writes docs/METRICS.md from core/domain/metrics.py. ``--check``: only says whether it is current (exit 1 if not)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.domain.method import METHOD  # noqa: E402
from core.domain.metrics import FAILURE_KINDS, SECTIONS, WARNINGS, Metric  # noqa: E402

DOCUMENT = ROOT / "docs" / "METRICS.md"
_HEAD = """# Metrics

Generated from `core/domain/metrics.py` and `core/domain/method.py` by `scripts/metrics_doc.py`; edit it there.

Times are of one monotonic clock, shared by all measuring processes, taken when bytes are written or read; the bytes are
interpreted after the point is over. Percentiles interpolate linearly between the closest ranks. What is absent is null,
never 0. `vllm bench serve` as an engine fills the same keys by its own hand."""


def document() -> str:
    """The whole text."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    for heading, metrics in SECTIONS.items():
        yield f"\n## {heading}\n"
        yield "| key | unit | better | definition | source |"
        yield "|---|---|---|---|---|"
        yield from (_row(metric) for metric in metrics)
        notes = [f"- `{metric.key}`: {metric.note}" for metric in metrics if metric.note]
        yield from ["", *notes] if notes else []
    yield "\n## Failures by kind\n"
    yield from _table("kind", FAILURE_KINDS)
    yield "\n## Warnings\n"
    yield from _table("warning", WARNINGS)
    yield "\n## Comparisons\n"
    yield "How two runs are compared (core/domain/comparing.py and statistics/). Shown to hold in BENCHMARKS.md."
    for rule in METHOD:
        yield f"\n**{rule.name}.** {rule.text}  \n*{rule.source}.*"


def _row(metric: Metric) -> str:
    unit = f"{metric.unit}, summary" if metric.distributed else metric.unit
    better = "–" if metric.better == "neither" else metric.better
    return f"| `{metric.key}` | {unit} | {better} | {metric.formula} | {metric.source} |"


def _table(name: str, meanings: Mapping[str, str]) -> Iterator[str]:
    yield f"| {name} | meaning |"
    yield "|---|---|"
    yield from (f"| `{key}` | {meaning} |" for key, meaning in meanings.items())


def main(arguments: list[str]) -> int:
    """Writes or checks."""
    if "--check" in arguments:
        return int(not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document())
    DOCUMENT.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
