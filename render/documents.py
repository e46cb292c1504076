"""Results as JSON documents: units in the names, absent values null."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from core.domain.benchmark import Measurement, Run
from core.formats import records
from core.services.results import RunDetail

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
    """A line per measured point; plain numbers, units in the heads, absent values empty."""
    text = io.StringIO()
    rows = [_flat(measurement) for measurement in detail.measurements]
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(measurement: Measurement) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(measurement, name) for name in _NUMBERS}
    row["succeeded"], row["failed"] = measurement.requests.succeeded, measurement.requests.failed
    for metric in _LATENCIES:
        found = getattr(measurement, metric)
        stem, unit = metric.rsplit("_", 1)
        for statistic in ("n", "mean", "p50", "p90", "p95", "p99"):
            name = f"{stem}_n" if statistic == "n" else f"{stem}_{statistic}_{unit}"
            row[name] = None if found is None else getattr(found, statistic)
    return row


def plain(kind: type[Any], value: object) -> dict[str, Any]:
    """A domain object as plain JSON values, names as the fields'."""
    values: dict[str, Any] = json.loads(records.dumps(kind, value))
    return values
