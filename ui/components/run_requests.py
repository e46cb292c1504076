"""A point's requests one by one, a page at a time: what each took, and how it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.services.results import RequestRow
from render.tables import Table, markdown
from ui import session
from ui.components.pieces import wide_table
from ui.components.run_tables import small
from ui.components.url_state import url_select
from ui.markdown import plain

PER_PAGE = 20
_DETAIL_LENGTH = 160
_NO_TABLE = {ord("|"): "/", ord("*"): "\N{ASTERISK OPERATOR}"}
"""What a table in Markdown would take for its own."""
_ORDERS: Mapping[str, tuple[Callable[[RequestRow], bool], Callable[[RequestRow], float]]] = {
    "sent": (lambda row: True, lambda row: row.index),
    "slow_ttft": (lambda row: row.ttft_ms is not None, lambda row: -(row.ttft_ms or 0)),
    "slow_e2el": (lambda row: row.e2el_ms is not None, lambda row: -(row.e2el_ms or 0)),
    "failed": (lambda row: row.failure is not None, lambda row: row.index),
}


def requests_table(rows: Sequence[RequestRow]) -> None:
    """In the order that is chosen; the failed ones alone where they are asked for."""
    t = session.texts()
    failed = sum(row.failure is not None for row in rows)
    orders = [name for name in _ORDERS if name != "failed" or failed]
    names = {name: t(f"page.run.requests_{name}", count=failed) for name in _ORDERS}
    order = url_select("requests", t("page.run.requests"), orders, "sent", names.__getitem__, width=320)
    belongs, rank = _ORDERS[order]
    chosen = sorted(filter(belongs, rows), key=rank)
    place = st.container()
    pages = -(-len(chosen) // PER_PAGE)
    number = st.pagination(pages, key=f"requests_page_{order}_{len(rows)}") if pages > 1 else 1
    shown = chosen[(number - 1) * PER_PAGE : number * PER_PAGE]
    with place:
        wide_table(markdown(_table(shown), small, left=2))


def _table(rows: Sequence[RequestRow]) -> Table:
    t = session.texts()
    cells: Mapping[str, Callable[[RequestRow], str]] = {
        t("page.run.request"): lambda row: t.number(row.index + 1),
        t("page.run.outcome"): _outcome,
        t("page.run.sent"): lambda row: "–" if row.started_s is None else f"{row.started_s:.3f} s",
        t("metric.ttft_short"): lambda row: t.ms(row.ttft_ms),
        t("metric.tpot_short"): lambda row: t.ms(row.tpot_ms),
        t("metric.e2el_short"): lambda row: t.ms(row.e2el_ms),
        t("metric.input_tokens"): lambda row: t.number(row.input_tokens),
        t("metric.output_tokens"): lambda row: t.number(row.output_tokens),
    }
    return Table({head: tuple(tell(row) for row in rows) for head, tell in cells.items()}, has_rough=False)


def _outcome(row: RequestRow) -> str:
    t = session.texts()
    if row.failure is None:
        return t("metric.succeeded")
    detail = " ".join(row.detail.split())[:_DETAIL_LENGTH].translate(_NO_TABLE)
    return plain(f"{t.failure(row.failure)}: {detail}" if detail else t.failure(row.failure))
