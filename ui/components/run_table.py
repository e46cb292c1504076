"""Runs as a table whose first column are links; no JSON is parsed and no artifact is read to draw it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.endpoint import Origin
from ui import session
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.links import link
from ui.components.pieces import simulated_badge, state_badge
from ui.markdown import plain

_SPANS = {"run": 5, "state": 4, "tokens": 2, "points": 1, "best": 2, "ttft": 2, "when": 3}
_LEFT = ("run", "state")


def run_table(rows: Sequence[RunRow]) -> None:
    """One row a run, in the order they come."""
    t = session.texts()
    columns = [Column(name, t(f"page.runs.column_{name}"), span, name not in _LEFT) for name, span in _SPANS.items()]
    grid_table(columns, map(_cells, rows))


def _cells(row: RunRow) -> dict[str, Cell]:
    t = session.texts()
    version = "" if row.origin == Origin.SIMULATED else plain(row.version_label)
    return {
        "run": partial(link, "run", f"**{plain(row.model)}** {version}".strip(), id=row.id),
        "state": partial(_state, row),
        "tokens": f"{t.number(row.input_tokens)} / {t.number(row.output_tokens)}",
        "points": f"{row.points_done} / {row.points_total}",
        "best": t.number(row.best_output_tokens_per_s),
        "ttft": t.number(row.lowest_ttft_p50_ms),
        "when": f":small[{t.when(row.created_at)} · {plain(row.created_by)}]",
    }


def _state(row: RunRow) -> None:
    with st.container(horizontal=True, gap="xxsmall"):
        state_badge(row.state)
        if row.origin == Origin.SIMULATED:
            simulated_badge()
