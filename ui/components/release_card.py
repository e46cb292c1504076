"""The release card: figures that moved, answers that flipped, what was configured differently."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import streamlit as st

from core.domain.accuracy_statistics import Verdict as AnswerVerdict
from core.domain.benchmark import tool_words
from core.domain.comparison import HEADLINES, Call, Cell, Comparison
from core.domain.evaluation_pairs import PairedScores
from core.services.releases import ReleaseCard
from render.charts import Axis
from render.charts.changes import overlaid
from render.charts.comparison_scores import before_and_after
from render.comparison_report import accuracy_line, release_report
from render.comparison_tables import figures_table, shown_loads
from render.comparisons import answers, caution, load_name, signed
from render.score_words import comparison_answer, points, run_name
from render.tables import markdown
from ui import session
from ui.components.chart import chart
from ui.components.compare_answer import verdict_badge
from ui.components.compare_tables import small_cell
from ui.components.links import link
from ui.components.pieces import provenance_line, simulated_badge, wide_table
from ui.markdown import plain

Moved = Literal["green", "red", "gray"]
Arrow = Literal["up", "down", "off"]
_CALLS: Mapping[Call, Moved] = {Call.BETTER: "green", Call.WORSE: "red"}
_VERDICTS: Mapping[AnswerVerdict, Moved] = {AnswerVerdict.BETTER: "green", AnswerVerdict.WORSE: "red"}


def answer_card(card: ReleaseCard) -> None:
    """Speed in a sentence, answers in a sentence, the figures that carry them."""
    t, comparison = session.texts(), card.comparison
    with st.container(horizontal=True, gap="small"):
        verdict_badge(card.pair.verdict)
        if any(side.version.simulated for side in comparison.sides):
            simulated_badge()
    st.markdown(f"#### {plain(answers(comparison, t)[0])}")
    st.markdown(f"#### {plain(accuracy_line(card, t))}" if card.accuracy else f":gray[{plain(accuracy_line(card, t))}]")
    if said := caution(card.pair, t):
        st.markdown(f":orange[:material/warning:] {plain(said)}")
    cells = [cell for figure in HEADLINES if (cell := card.pair.overall(figure))]
    scores = card.accuracy.datasets[:3] if card.accuracy else ()
    with st.grid(min_column_width=200, gap="small"):
        for cell in cells:
            _figure(cell)
        for pair in scores:
            _score(pair)


def _figure(cell: Cell) -> None:
    """Neither colour nor arrow where nothing moved."""
    t, axis = session.texts(), Axis(cell.figure.id)
    color, words = _CALLS.get(cell.call, "gray"), []
    if cell.change:
        words = [signed(cell.change.share), *([] if cell.call in _CALLS else [t(f"call.{cell.call.value}")])]
    name = t(f"figure_head.{cell.figure.id}")
    st.metric(
        name if cell.load.is_pooled else f"{name}, {load_name(cell.load, t)}",
        axis.format(cell.candidate, t),
        t("answer.listed").join(words) or None,
        delta_color=color,
        delta_arrow=_arrow(cell.change.share) if cell.change and cell.call in _CALLS else "off",
        border=True,
        help=t("page.release.baseline_was", value=axis.format(cell.baseline, t)),
    )


def _arrow(change: float) -> Arrow:
    return "up" if change > 0 else "down"


def _score(pair: PairedScores) -> None:
    t = session.texts()
    color = _VERDICTS.get(pair.verdict, "gray")
    st.metric(
        plain(pair.dataset),
        t.percent(pair.after),
        t("page.release.points", gap=points(pair.gap, t)),
        delta_color=color,
        delta_arrow=_arrow(pair.gap) if pair.verdict in _VERDICTS else "off",
        border=True,
        help=t("page.release.baseline_was", value=t.percent(pair.before)),
    )


def charts(card: ReleaseCard) -> None:
    """The curves, and the scores where there are any."""
    t = session.texts()
    left, right = st.columns([3, 2]) if card.accuracy else (st.container(), None)
    with left, st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.compare.chart"), anchor=False)
        figure = overlaid(card.comparison, t, x=Axis("ttft_p50"), y=Axis("output_tokens_per_s"))
        chart(figure, key="release_curves", alt=answers(card.comparison, t)[0], file="release")
    if right is None or card.accuracy is None:
        return
    with right, st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.release.accuracy"), anchor=False)
        called = (run_name(card.accuracy.before), run_name(card.accuracy.after))
        figure = before_and_after(card.accuracy.datasets, called, t)
        chart(figure, key="release_scores", alt=comparison_answer(card.accuracy, t), file="scores")
        ids = {"before": card.accuracy.before.id, "after": card.accuracy.after.id}
        link("compare_evaluations", t("page.release.flips"), icon=":material/quiz:", **ids)


def figures(card: ReleaseCard) -> None:
    """Every figure over all loads."""
    t, pair = session.texts(), card.pair
    if not pair.cells:
        return
    first = shown_loads(pair)[0]
    st.subheader(load_name(first, t), anchor=False)
    wide_table(markdown(figures_table(pair, first, t), small_cell, left=1))


def provenance(comparison: Comparison) -> None:
    """Where both sides' figures come from."""
    t = session.texts()
    for side in comparison.sides:
        run = side.run
        tool = tool_words(run, side.measurements)
        provenance_line(run.version_label or run.model, run.id, tool, t.when(run.started_at or run.created_at))


def download(card: ReleaseCard) -> None:
    """All of it in one file."""
    t = session.texts()
    st.download_button(
        t("page.compare.share_html"),
        partial(release_report, card, t),
        file_name="release.html",
        mime="text/html",
        key="release_html",
        type="primary",
        icon=":material/download:",
        on_click="ignore",
    )
