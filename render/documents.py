"""Results as documents: JSON, CSV and Parquet with units in the names and absent values null; Markdown for a chat."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from core.domain.benchmark import Measurement, Run, RunRow
from core.domain.endpoint import Origin
from core.formats import records
from core.services.results import RunDetail
from render.answers import run_answer, warning_lines
from render.provenance import run_line, run_title
from render.tables import Table, markdown, percentile_table
from render.texts import Texts

_NUMBERS = (
    "point_index",
    "repeat",
    "concurrency",
    "rate_per_s",
    "duration_s",
    "input_tokens",
    "output_tokens",
    "requests_per_s",
    "output_tokens_per_s",
    "total_tokens_per_s",
)
_CLIENT = ("processes", "cpu_s", "lateness_p99_ms", "loop_lag_p99_ms", "host_cpu_share", "others_cpu_share")
_LATENCIES = ("ttft_ms", "tpot_ms", "itl_ms", "e2el_ms")


def run_document(detail: RunDetail) -> dict[str, Any]:
    """A run with every measured point and what it remembers."""
    run = detail.run
    return {
        "run_id": run.id,
        "state": run.state.value,
        "model": run.model,
        "version_label": run.version_label,
        "origin": run.origin,
        "engine": run.engine.value,
        "points": [plain(Measurement, measurement) for measurement in detail.measurements],
        "points_total": detail.points_total,
        "command": list(run.command),
        "run": plain(Run, run),
    }


def points_csv(detail: RunDetail) -> str:
    """A line per measured point; plain numbers, units in the heads, absent values empty; warnings by code, between
    spaces and semicolons. What the server itself counted begins with ``server_``."""
    text = io.StringIO()
    rows = list(_rows(detail.measurements))
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows({name: cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def runs_csv(rows: Iterable[RunRow]) -> str:
    """A line per run of a list, names and units as the fields'; tags between spaces and semicolons."""
    text = io.StringIO()
    writer = csv.writer(text)
    names = [field.name for field in fields(RunRow)]
    writer.writerow(names)
    writer.writerows([cell(getattr(row, name)) for name in names] for row in rows)
    return text.getvalue()


def cell(value: object) -> object:
    """As it stands in a CSV: a word that a spreadsheet would take for a formula stays a word."""
    if isinstance(value, datetime):
        return value.isoformat()
    words = "; ".join(value) if isinstance(value, tuple) else value
    return f"'{words}" if isinstance(words, str) and words[:1] in set("=+-@\t\r") else words


def points_parquet(detail: RunDetail) -> bytes:
    """The same lines as a Parquet file, names and units alike; columns without any value are of type null."""
    import pyarrow as pa  # type: ignore[import-untyped]  # comes with Streamlit; a third of a second: only here
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    rows = [{"run_id": detail.run.id, "model": detail.run.model, **row} for row in _rows(detail.measurements)]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def run_markdown(detail: RunDetail, t: Texts, address: str = "") -> str:
    """For a chat: what was measured, the answer, a short table, where it comes from."""
    title = f"**{_text(run_title(detail.run))}**" + (f" ({t('app.simulated')})" if _is_simulated(detail) else "")
    lines = " · ".join(_text(part) for part in run_line(detail.run, detail.measurements, t) if part)
    table = percentile_table(detail.measurements, t)
    kept = [head for place, head in enumerate(table.columns) if place in _CHAT_COLUMNS]
    short = Table({head: table.columns[head] for head in kept}, table.has_rough)
    parts = [title, run_answer(detail, t), *warning_lines(detail.measurements, t)]
    parts += [markdown(short), t("page.run.table_lead")] if detail.measurements else []
    return "\n\n".join([*parts, lines, *([address] if address else [])]) + "\n"


_CHAT_COLUMNS = (0, 2, 3, 5, 7, 8)
"""Load, failed, output, TTFT p50 and p99, TPOT p50: what fits a chat's width."""


def _is_simulated(detail: RunDetail) -> bool:
    return detail.run.origin == Origin.SIMULATED


def _text(words: str) -> str:
    """Plain in Markdown, and no HTML."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in words)


def _rows(measurements: Sequence[Measurement]) -> Iterator[dict[str, object]]:
    """Each with the same columns, whatever a server told at one point and not at another."""
    told = sorted({name for one in measurements for name in one.server_metrics or {}})
    for one in measurements:
        found = one.server_metrics or {}
        yield {**_flat(one), **{f"server_{name}": found.get(name) for name in told}}


def _flat(measurement: Measurement) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(measurement, name) for name in _NUMBERS}
    row["succeeded"], row["failed"] = measurement.requests.succeeded, measurement.requests.failed
    for metric in _LATENCIES:
        found = getattr(measurement, metric)
        stem, unit = metric.rsplit("_", 1)
        for statistic in ("n", "mean", "p50", "p90", "p95", "p99"):
            name = f"{stem}_n" if statistic == "n" else f"{stem}_{statistic}_{unit}"
            row[name] = None if found is None else getattr(found, statistic)
    row |= {f"client_{name}": getattr(measurement.client, name, None) for name in _CLIENT}
    tool = {name: getattr(measurement, name) for name in ("tool", "tool_version", "seed")}
    return {
        **row,
        **tool,
        "started_at": measurement.started_at.isoformat(),
        "warnings": "; ".join(measurement.warnings),
    }


def plain(kind: type[Any], value: object) -> dict[str, Any]:
    """A domain object as plain JSON values, names as the fields'."""
    values: dict[str, Any] = json.loads(records.dumps(kind, value))
    return values
