"""What was measured before, as far as it tells how long something will take."""

from __future__ import annotations

from core.domain.estimates import Past
from core.domain.history import RunFilter
from core.ports import Store

_PAST_RUNS = 5


def past_measurements(store: Store, where: RunFilter) -> list[Past]:
    """Of the newest sweeps of that kind, every point."""
    rows = store.runs.page(0, _PAST_RUNS, where).rows
    return [
        Past(measurement, row.input_tokens, row.output_tokens)
        for row in rows
        if row.input_tokens is not None and row.output_tokens is not None
        for measurement in store.runs.measurements(row.id)
    ]
