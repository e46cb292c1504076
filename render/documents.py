"""Results as JSON documents: units in the names, absent values null."""

from __future__ import annotations

import json
from typing import Any

from core.domain.benchmark import Measurement, Run
from core.formats import records
from core.services.results import RunDetail


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


def plain(kind: type[Any], value: object) -> dict[str, Any]:
    """A domain object as plain JSON values, names as the fields'."""
    values: dict[str, Any] = json.loads(records.dumps(kind, value))
    return values
