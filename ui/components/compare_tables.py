"""The tables of a comparison: every change by load, the figures behind one load, what was configured differently."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.comparison import FIGURES, POOLED, Call, Cell, Comparison, Load, Pair
from core.domain.config_diff import DiffRow
from render.comparison_tables import change_text, config_table, figures_table, shown_loads
from render.comparisons import load_name, names
from render.tables import markdown
from ui import session
from ui.components.pieces import wide_table
from ui.components.url_state import url_select, url_toggle
from ui.markdown import plain

_NO_BREAK, _JOINER = "\N{NO-BREAK SPACE}", "\N{WORD JOINER}"
_COLORS = {Call.BETTER: "green", Call.WORSE: "red"}
_SIGNS = {Call.BETTER: ":material/check:", Call.WORSE: ":material/close:"}


def changes_table(comparison: Comparison) -> None:
    """A row a figure, a column a load; of several candidates, one at a time."""
    t, called = session.texts(), names(comparison.sides, session.texts())
    pairs = {pair.candidate.run.id: pair for pair in comparison.pairs if pair.cells}
    if not pairs:
        return
    st.subheader(t("page.compare.table"), anchor=False)
    ids = list(pairs)
    chosen = ids[0]
    if len(ids) > 1:
        chosen = url_select("of", t("page.compare.which"), ids, ids[0], called.__getitem__, width=320)
    pair = pairs[chosen]
    base = called[comparison.baseline.run.id]
    st.caption(plain(t("page.compare.table_lead", candidate=called[chosen], baseline=base)))
    wide_table(_matrix(pair))
    _figures_at(pair)


def _matrix(pair: Pair) -> str:
    t = session.texts()
    figures = [figure for figure in FIGURES if any(cell.figure == figure for cell in pair.cells)]
    heads = [t("page.compare.column_figure"), *(load_name(load, t) for load in shown_loads(pair))]
    rows = [
        [_small(plain(t(f"figure_head.{figure.id}"))), *(_cell(pair.cell(figure, load)) for load in shown_loads(pair))]
        for figure in figures
    ]
    lines = [[_small(plain(head)) for head in heads], [":---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell | None) -> str:
    """A called change in colour and sign, the rest grey; the interval small behind it."""
    share, _, rest = change_text(cell).partition(" (")
    ends = _small(f":gray[{plain('(' + rest)}]") if rest else ""
    if cell is None or cell.call not in _COLORS:
        return f":gray[{_small(plain(share))}] {ends}".strip()
    return f":{_COLORS[cell.call]}[**{plain(_unbroken(share))}** {_SIGNS[cell.call]}] {ends}".strip()


def _small(text: str) -> str:
    return f":small[{_unbroken(text)}]"


def _unbroken(text: str) -> str:
    """Neither between a number and its unit nor inside a Chinese word."""
    return _NO_BREAK.join(word if word.isascii() else _joined(word) for word in text.split(" "))


def _joined(word: str) -> str:
    return "".join(f"{letter}{_JOINER}" if "\u4e00" <= letter <= "\u9fff" else letter for letter in word)


def _figures_at(pair: Pair) -> None:
    """What was measured on both sides at one load."""
    t = session.texts()
    loads = {_load_id(load): load for load in shown_loads(pair)}
    ids = list(loads)
    chosen = url_select("at", t("page.compare.at"), ids, ids[0], lambda one: load_name(loads[one], t),
                        t("page.compare.at_help"), width=220)  # fmt: skip
    wide_table(markdown(figures_table(pair, loads[chosen], t), small_cell, left=1))
    if any(cell.load == loads[chosen] and cell.change is None for cell in pair.cells):
        st.caption(t("page.compare.no_interval"))


def small_cell(text: str) -> str:
    """Of a table: small, and never broken between a number and its unit; a narrow screen scrolls instead."""
    return f":small[{_unbroken(text)}]"


def _load_id(load: Load) -> str:
    if load == POOLED:
        return "all"
    return f"c{load.concurrency}" if load.concurrency is not None else f"r{load.rate_per_s:g}"


def config_section(rows: Sequence[DiffRow], comparison: Comparison) -> None:
    """What is known to differ; all of it on demand."""
    t = session.texts()
    differing = [row for row in rows if row.differs]
    text = t("page.compare.config_differs", count=len(differing), total=len(rows))
    st.markdown(plain(text if differing else t("page.compare.config_same")))
    shown = rows if url_toggle("all", t("page.compare.config_all")) else differing
    if shown:
        wide_table(markdown(config_table(shown, comparison, t), _value, left=9))


def _value(text: str) -> str:
    return f":small[{plain(text)}]" if text else ""
