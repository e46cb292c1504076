"""An evaluation's figures: scores with their intervals, whether to believe them, what became of the questions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.evaluation import ScoreRow
from core.domain.evaluation_reading import Tally
from core.domain.score_health import Health
from core.services.evaluation_results import EvaluationDetail
from render.charts.scores import ScorePoint, outcome_bars, score_intervals
from render.evaluation_documents import scores_table
from ui import session
from ui.components.chart import chart
from ui.components.evaluation_samples import DATASET, PAGE, SHOW, SUBSET
from ui.components.findings import draw_findings
from ui.components.pieces import wide_table
from ui.components.url_state import keep
from ui.markdown import plain

MOST_LINES = 15
"""More subsets than this are told by their lowest: what is worth a look."""
_BAR_SHOWS = {"right": "all", "part": "wrong", "wrong": "wrong"}


def health_card(healths: Sequence[Health]) -> None:
    """Why a score may be too low, the gravest first, and how high it could be."""
    t = session.texts()
    with st.container(border=True, gap="small"):
        st.subheader(t("page.evaluation.health"), anchor=False)
        for health in healths:
            if not health.findings:
                told = plain(t("page.evaluation.health_sound", dataset=health.dataset))
                st.markdown(f":green[:material/check_circle:] {told}")
                continue
            if len(healths) > 1:
                st.markdown(f"**{plain(health.dataset)}**")
            draw_findings(health.findings)
            if health.best_score is not None and not health.is_sound:
                best = t("page.evaluation.best", dataset=health.dataset, score=t.percent(health.best_score))
                st.caption(plain(best))


def charts(detail: EvaluationDetail, answer: str) -> None:
    """Scores beside outcomes; outcomes alone where nothing was answered."""
    if all(row.score is None for row in shown_rows(detail)):
        outcomes_card(detail, answer)
        return
    left, right = st.columns(2)
    with left:
        scores_card(detail, answer)
    with right:
        outcomes_card(detail, answer)


def scores_card(detail: EvaluationDetail, answer: str) -> None:
    """A line a dataset; where there is one dataset, a line a subset."""
    t = session.texts()
    rows = shown_rows(detail)
    points = [_point(row, t.number(None)) for row in rows if row.score is not None]
    if not points:
        return
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.evaluation.scores"), anchor=False)
        alt = t("page.evaluation.chart_alt", answer=answer)
        chart(score_intervals(points, t, "evaluation"), key="evaluation_scores", alt=alt, file=detail.run.id)
        _say_hidden(detail, len(rows))


def shown_rows(detail: EvaluationDetail) -> list[ScoreRow]:
    """The wholes; with a single dataset its subsets below, of many the lowest."""
    if len(detail.datasets) != 1:
        return [found.lead for found in detail.datasets]
    (found,) = detail.datasets
    subsets = _subsets(found.rows)
    if len(subsets) < 2:
        return [found.lead]
    if len(subsets) > MOST_LINES:
        subsets = sorted(subsets, key=lambda row: row.score if row.score is not None else -1.0)[:MOST_LINES]
    return [found.lead, *subsets]


def _subsets(rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    return [row for row in rows if row.is_primary and row.subset is not None]


def _say_hidden(detail: EvaluationDetail, shown: int) -> None:
    subsets = len(_subsets(detail.datasets[0].rows)) if len(detail.datasets) == 1 else 0
    if subsets > MOST_LINES:
        st.caption(session.texts()("page.evaluation.more_subsets", count=subsets, shown=shown - 1))


def _point(row: ScoreRow, dash: str) -> ScorePoint:
    low, high = row.ci95 or (None, None)
    name = row.subset or row.dataset
    return ScorePoint(f"{row.dataset}/{row.subset or dash}", name, row.score or 0.0, low, high, row.n, row.is_partial)


def outcomes_card(detail: EvaluationDetail, answer: str) -> None:
    """A bar a dataset: what was right, wrong, or not answered; a click lists those questions."""
    t = session.texts()
    tallies = _shown_tallies(detail)
    if not tallies:
        return
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.evaluation.outcomes"), anchor=False)
        figure = outcome_bars(tallies, [tally.subset or tally.dataset for tally in tallies], t)
        alt = t("page.evaluation.outcomes_alt", answer=answer)
        chart(figure, key="evaluation_outcomes", alt=alt, file=f"{detail.run.id}-outcomes", on_click=_list_these)
        st.caption(t("page.evaluation.outcomes_hint"))


def _shown_tallies(detail: EvaluationDetail) -> list[Tally]:
    """Of the same lines as the scores."""
    wholes = list(detail.wholes)
    if len(wholes) != 1:
        return wholes
    by_subset = {tally.subset: tally for tally in detail.tallies}
    return [*wholes, *(by_subset[row.subset] for row in shown_rows(detail) if row.subset in by_subset)]


def _list_these(clicked: list[Any]) -> None:
    dataset, subset, kind = clicked
    keep(SHOW, _BAR_SHOWS.get(str(kind), str(kind)), "all")
    keep(PAGE, "")
    for param, value in ((DATASET, dataset), (SUBSET, subset)):
        keep(param, str(value))
        st.session_state[f"url_{param}"] = str(value)  # else the select box would write its own choice back


def scores_in_figures(detail: EvaluationDetail) -> None:
    """The same lines as text, with what was lost."""
    t = session.texts()
    st.subheader(t("page.evaluation.table"), anchor=False)
    st.caption(t("page.evaluation.table_lead"))
    others = [row for found in detail.datasets for row in found.rows if not row.is_primary and row.subset is None]
    wide_table(scores_table([*shown_rows(detail), *others], t))
