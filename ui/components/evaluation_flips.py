"""Two evaluations side by side: each dataset's difference, and the questions that flipped."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.accuracy_statistics import Verdict
from core.domain.evaluation_pairs import Flip, PairedScores
from core.domain.evaluation_reading import SampleRow
from core.domain.evaluation_scores import Ending
from core.services.evaluation_results import EvaluationComparison, FlipRow
from render.charts.comparison_scores import before_and_after
from render.score_words import differing_words, pair_names, pair_sentence
from ui import session
from ui.components.cards import empty_state
from ui.components.chart import chart
from ui.components.evaluation_samples import PAGE, outcome_badge, pager
from ui.components.links import link
from ui.components.pieces import Color
from ui.components.url_state import keep, url_number, url_select
from ui.markdown import plain

PER_PAGE = 10
_WHICH, _DATASET = "which", "dataset"
_CUT = tuple(ending for ending in Ending if ending is not Ending.ANSWERED)
_VERDICTS: dict[Verdict, tuple[Color, str]] = {
    Verdict.PARITY: ("green", ":material/balance:"),
    Verdict.BETTER: ("green", ":material/trending_up:"),
    Verdict.WORSE: ("red", ":material/trending_down:"),
    Verdict.INCONCLUSIVE: ("gray", ":material/help:"),
}


def verdict_badge(verdict: Verdict, word: str, help: str | None = None) -> None:
    """In colour, sign and word."""
    color, icon = _VERDICTS[verdict]
    st.badge(word, icon=icon, color=color, help=help)


def pairs_card(found: EvaluationComparison, answer: str) -> None:
    """Both scores of every dataset, then each difference in a sentence."""
    t = session.texts()
    with st.container(border=True, gap="small"):
        st.subheader(t("page.compare_evaluations.chart"), anchor=False)
        names = pair_names(found)
        alt = t("page.compare_evaluations.chart_alt", answer=answer)
        chart(before_and_after(found.datasets, names, t), key="pairs", alt=alt, file="evaluations")
    with st.container(border=True, gap="small"):
        st.subheader(t("page.compare_evaluations.differences"), anchor=False)
        for pair in found.datasets:
            icon = _VERDICTS[pair.verdict][1]
            st.markdown(f"{icon} **{plain(pair.dataset)}** {plain(pair_sentence(pair, t))}")
            if pair.differing:
                listed = differing_words(pair, t)
                st.caption(f":material/warning: {plain(t('page.compare_evaluations.differing', listed=listed))}")
        only = [*found.only_before, *found.only_after]
        if only:
            listed = t("answer.listed").join(only)
            st.caption(plain(t("page.compare_evaluations.only_one", listed=listed)))


def flips_section(found: EvaluationComparison) -> None:
    """The questions that one got right and the other did not, side by side."""
    t = session.texts()
    st.subheader(t("page.compare_evaluations.flips"), anchor=False)
    flipped = {pair.dataset: pair for pair in found.datasets if pair.flips}
    if not flipped:
        empty_state(t("page.compare_evaluations.flips_none"), icon=":material/done_all:")
        return
    names = list(flipped)
    dataset = names[0]
    if len(names) > 1:
        dataset = url_select(_DATASET, t("page.compare_evaluations.dataset"), names, names[0], str, width=260)
    flips = _chosen(flipped[dataset])
    pages, number = -(-len(flips) // PER_PAGE), url_number(PAGE) or 1
    number = min(number, max(1, pages))
    shown = flips[(number - 1) * PER_PAGE : number * PER_PAGE]
    for row in session.app().evaluation_results.flips(found, dataset, shown):
        _flip(found, row)
    pager(len(flips), PER_PAGE, number, t("page.compare_evaluations.page_hint", total=len(flips)))


def _chosen(pair: PairedScores) -> Sequence[Flip]:
    t = session.texts()
    answered = [flip for flip in pair.flips if _both_answered(flip)]
    groups = {
        "lost": [flip for flip in answered if not flip.won],
        "won": [flip for flip in answered if flip.won],
    }
    for ending in _CUT:  # apart: what was not answered tells of limits and formats, not of what the model knows
        groups[ending.value] = [flip for flip in pair.flips if ending in {flip.before_ending, flip.after_ending}]
    options = [name for name, flips in groups.items() if flips]
    wanted = st.query_params.get(_WHICH, options[0])
    chosen = st.segmented_control(
        t("page.compare_evaluations.which"),
        options,
        default=wanted if wanted in options else options[0],
        required=True,
        format_func=lambda name: t(f"page.compare_evaluations.{name}", count=len(groups[name])),
        key=f"flips_which_{pair.dataset}",
        label_visibility="collapsed",
        on_change=keep,
        args=(PAGE, ""),
    )
    keep(_WHICH, str(chosen), options[0])
    return groups[str(chosen)]


def _both_answered(flip: Flip) -> bool:
    return flip.before_ending is flip.after_ending is Ending.ANSWERED


def _flip(found: EvaluationComparison, row: FlipRow) -> None:
    t = session.texts()
    with st.container(border=True, gap="small"):
        wanted = plain(t("page.compare_evaluations.wanted", gold=row.before.gold))
        st.markdown(f"{plain(row.before.question)}  \n:gray[:small[{wanted}]]")
        left, right = st.columns(2)
        before, after = pair_names(found)
        with left:
            _side(found.before.id, before, row.before)
        with right:
            _side(found.after.id, after, row.after)


def _side(run_id: str, name: str, row: SampleRow) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outcome_badge(row.ending, row.score)
        st.markdown(f"**{plain(row.extracted or t.number(None))}**", width="content")
        link("sample", plain(name), run=run_id, dataset=row.dataset, number=row.number)
