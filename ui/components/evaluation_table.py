"""Evaluations as a table whose rows are links."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from core.domain.benchmark import RunRow
from core.domain.endpoint import Origin
from ui import session
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.pieces import state_words, version_link
from ui.markdown import plain

_SPANS = {"run": 4, "datasets": 3, "state": 4, "done": 2, "score": 2, "when": 3}
_NUMBERS = ("done", "score", "when")


def evaluation_table(rows: Sequence[RunRow]) -> None:
    """One row each, in the order they come."""
    t = session.texts()
    columns = [Column(name, t(f"page.accuracy.column_{name}"), span, name in _NUMBERS) for name, span in _SPANS.items()]
    grid_table(columns, map(_cells, rows))


def _cells(row: RunRow) -> dict[str, Cell]:
    t = session.texts()
    return {
        "run": partial(version_link, row),
        "datasets": f":small[{plain(row.workload_label)}]",
        "state": _state(row),
        "done": f"{row.points_done} / {row.points_total}",
        "score": t.percent(row.score),
        "when": f":small[{t.when(row.created_at)} · {plain(row.created_by)}]",
    }


def _state(row: RunRow) -> str:
    simulated = f":violet-badge[:material/science: {session.texts()('app.simulated')}]"
    return state_words(row.state) + (f" {simulated}" if row.origin == Origin.SIMULATED else "")
