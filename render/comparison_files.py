"""A comparison as lines: CSV and Parquet, a line per candidate, figure and load."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from core.domain.benchmark import tool_words
from core.domain.comparison import Cell, Comparison, Pair
from render.comparisons import names
from render.documents import cell as plain_cell
from render.texts import Texts


def comparison_csv(comparison: Comparison, t: Texts) -> str:
    """Plain numbers, absent values empty. Changes are shares (0.05 is 5 % more), the interval's ends too; ``load`` all
    stands for all loads together."""
    text = io.StringIO()
    rows = list(_rows(comparison, t))
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({name: plain_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def comparison_parquet(comparison: Comparison, t: Texts) -> bytes:
    """The same lines, names alike; columns without any value are of type null."""
    import pyarrow as pa  # type: ignore[import-untyped]  # a third of a second: only here
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(_rows(comparison, t))), sink)
    return sink.getvalue()


def _rows(comparison: Comparison, t: Texts) -> Iterator[dict[str, object]]:
    called = names(comparison.sides, t)
    base = comparison.baseline.run.id
    for pair in comparison.pairs:
        run_id = pair.candidate.run.id
        sides = {"baseline_run_id": base, "baseline": called[base], "run_id": run_id, "candidate": called[run_id]}
        tools = {
            "baseline_tool": tool_words(comparison.baseline.run, comparison.baseline.measurements),
            "candidate_tool": tool_words(pair.candidate.run, pair.candidate.measurements),
        }
        yield from ({**sides, **_row(pair, cell), **tools} for cell in pair.cells)


def _row(pair: Pair, cell: Cell) -> dict[str, object]:
    change = cell.change
    return {
        "verdict": pair.verdict.value,
        "weakened": pair.is_weakened,
        "figure": cell.figure.id,
        "better": cell.figure.better.value,
        "load": "all" if cell.load.is_pooled else "one",
        "concurrency": cell.load.concurrency,
        "rate_per_s": cell.load.rate_per_s,
        "baseline_value": cell.baseline,
        "candidate_value": cell.candidate,
        "change": change.share if change else None,
        "change_low": change.low - 1.0 if change else None,
        "change_high": change.high - 1.0 if change else None,
        "p_value": change.p_value if change else None,
        "n_baseline": cell.n[0],
        "n_candidate": cell.n[1],
        "call": cell.call.value,
    }
