"""Runs as a table; no JSON is parsed and no artifact is read to draw it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.endpoint import Origin
from ui import session

_NUMBERS = ("best", "ttft")


def run_table(rows: Sequence[RunRow], key: str = "runs_table") -> str | None:
    """The id of the run that was clicked, else None."""
    t = session.texts()
    columns = {name: t(f"page.runs.column_{name}") for name in _row(rows[0])} if rows else {}
    data = [{columns[name]: value for name, value in _row(row).items()} for row in rows]
    numbers = {columns[name]: st.column_config.NumberColumn(format="%.1f") for name in _NUMBERS if name in columns}
    event = st.dataframe(
        data,
        key=key,
        hide_index=True,
        width="stretch",
        on_select="rerun",
        selection_mode="single-row",
        column_config=numbers,
    )
    chosen = event["selection"]["rows"]
    return rows[chosen[0]].id if chosen else None


def _row(row: RunRow) -> dict[str, str | float | None]:
    t = session.texts()
    simulated = f" · {t('app.simulated')}" if row.origin == Origin.SIMULATED else ""
    return {
        "when": t.when(row.created_at),
        "model": f"{row.model}{simulated}",
        "version": row.version_label,
        "state": t(f"run.{row.state.value}"),
        "tokens": f"{row.input_tokens} / {row.output_tokens}",
        "points": f"{row.points_done} / {row.points_total}",
        "best": row.best_output_tokens_per_s,
        "ttft": row.lowest_ttft_p50_ms,
        "engine": row.engine,
        "person": row.created_by,
    }
