"""Runs as a table whose rows are links; no JSON is parsed and no artifact is read to draw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from core.domain.benchmark import RunKind, RunRow
from core.domain.endpoint import Origin
from ui import session
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.pieces import state_words, version_link
from ui.markdown import plain

_SPANS = {"run": 4, "workload": 3, "state": 4, "result": 2, "ttft": 2, "when": 3}
_LEFT = ("pick", "run", "workload", "state")
_TAGS_SHOWN = 3
_NOTHING = "\N{NO-BREAK SPACE}"


def run_table(rows: Sequence[RunRow], pick: Callable[[RunRow], None] | None = None) -> None:
    """One row a run, in the order they come; ``pick`` draws a first column to choose by."""
    t = session.texts()
    spans = {"pick": 1, **_SPANS} if pick else _SPANS
    columns = [
        Column(name, _NOTHING if name == "pick" else t(f"page.runs.column_{name}"), span, name not in _LEFT)
        for name, span in spans.items()
    ]
    grid_table(columns, ({**_cells(row), **({"pick": partial(pick, row)} if pick else {})} for row in rows))


def _cells(row: RunRow) -> dict[str, Cell]:
    t = session.texts()
    return {
        "run": partial(_name, row),
        "workload": _workload(row),
        "state": _state(row),
        "result": _result(row),
        "ttft": t.number(row.lowest_ttft_p50_ms),
        "when": f":small[{t.when(row.created_at)} · {plain(row.created_by)}]",
    }


def _workload(row: RunRow) -> str:
    """What was asked, and below it which tool of which version measured it."""
    tool = f":gray[:small[{plain(row.tool)}]]" if row.tool else ""
    return "  \n".join(part for part in (f":small[{plain(row.workload_label or '–')}]", tool) if part)


def _result(row: RunRow) -> str:
    t = session.texts()
    return t.percent(row.score) if row.kind is RunKind.EVALUATION else t.tokens_per_s(row.best_output_tokens_per_s)


def _name(row: RunRow) -> None:
    if not row.tags:
        version_link(row)
        return
    with st.container(gap=None):
        version_link(row)
        tags = [f":gray-badge[{plain(tag)}]" for tag in row.tags[:_TAGS_SHOWN]]
        more = [f":small[+{len(row.tags) - _TAGS_SHOWN}]"] if len(row.tags) > _TAGS_SHOWN else []
        st.markdown(" ".join([*tags, *more]))


def _state(row: RunRow) -> str:
    """State, how many points were measured, and what else a reader must know before believing a figure."""
    t = session.texts()
    parts = [state_words(row.state), f":small[{row.points_done} / {row.points_total}]"]
    if row.origin == Origin.SIMULATED:
        parts.append(f":violet-badge[:material/science: {t('app.simulated')}]")
    if row.origin == Origin.IMPORTED:
        parts.append(f":gray-badge[:material/upload_file: {t('origin.imported')}]")
    if row.archived_at is not None:
        parts.append(f":gray-badge[:material/archive: {t('shelf.archived')}]")
    return " ".join(parts)
