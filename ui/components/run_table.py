"""Runs as a table whose first column are links; no JSON is parsed and no artifact is read to draw it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.endpoint import Origin
from ui import session
from ui.components.links import link
from ui.components.pieces import simulated_badge, state_badge
from ui.markdown import plain

_SPANS = {"run": 5, "state": 3, "tokens": 2, "points": 1, "best": 2, "ttft": 2, "when": 3}
_RIGHT = ("tokens", "points", "best", "ttft", "when")
_TRACK_WIDTH = 46


def run_table(rows: Sequence[RunRow]) -> None:
    """One row a run, in the order they come; it scrolls sideways on small screens."""
    t, tracks = session.texts(), sum(_SPANS.values())
    with st.container(border=True):
        grid = st.grid(
            tracks, wrap=False, min_column_width=_TRACK_WIDTH, gap=("xsmall", "xsmall"), vertical_alignment="center"
        )
        for name in _SPANS:
            with grid.cell(column_span=_SPANS[name]):
                st.caption(t(f"page.runs.column_{name}"), text_alignment="right" if name in _RIGHT else "left")
        for row in rows:
            _row(grid, row)


def _row(grid: Any, row: RunRow) -> None:
    t = session.texts()
    with grid.cell(column_span=_SPANS["run"]):
        simulated = row.origin == Origin.SIMULATED
        link("run", f"**{plain(row.model)}** {'' if simulated else plain(row.version_label)}".strip(), id=row.id)
    with grid.cell(column_span=_SPANS["state"]), st.container(horizontal=True, gap="xxsmall"):
        state_badge(row.state)
        if simulated:
            simulated_badge()
    numbers = {
        "tokens": f"{t.number(row.input_tokens)} / {t.number(row.output_tokens)}",
        "points": f"{row.points_done} / {row.points_total}",
        "best": t.number(row.best_output_tokens_per_s),
        "ttft": t.number(row.lowest_ttft_p50_ms),
    }
    for name, text in numbers.items():
        with grid.cell(column_span=_SPANS[name]):
            st.markdown(text, text_alignment="right")
    with grid.cell(column_span=_SPANS["when"]):
        st.caption(f"{t.when(row.created_at)} · {plain(row.created_by)}", text_alignment="right")
