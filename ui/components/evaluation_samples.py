"""An evaluation's samples, a page of them. What is shown lives in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.evaluation_reading import SampleFilter, SampleRow, Show, Tally
from core.domain.evaluation_scores import Ending
from core.services.evaluation_results import EvaluationDetail
from ui import session
from ui.components.cards import empty_state
from ui.components.evaluation_head import rival_name, rivals
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.links import link
from ui.components.pieces import Color
from ui.components.url_state import keep, url_number, url_select
from ui.markdown import cut, plain

PER_PAGE = 20
SHOW, DATASET, SUBSET, PAGE, AGAINST = "show", "dataset", "subset", "page", "against"
_SPANS = {"verdict": 2, "question": 9, "gold": 3, "extracted": 3, "length": 2}
_QUESTION_COLUMNS = 70
"""What the narrowest column holds; a link is one line, and would end in the middle of a letter."""
_LOOKS: dict[str, tuple[Color, str]] = {
    "right": ("green", ":material/check:"),
    "part": ("yellow", ":material/contrast:"),
    "wrong": ("gray", ":material/close:"),
    "truncated": ("orange", ":material/content_cut:"),
    "overflow": ("orange", ":material/vertical_align_top:"),
    "no_answer": ("orange", ":material/help:"),
    "errored": ("red", ":material/error:"),
    "unscored": ("gray", ":material/pending:"),
}


def outcome_of(ending: Ending, score: float | None) -> str:
    """What a badge says; the keys of [outcome]."""
    if score is not None and score > 0:
        return "right" if score >= 1 else "part"
    return "wrong" if ending is Ending.ANSWERED else ending.value


def outcome_badge(ending: Ending, score: float | None) -> None:
    """In colour, sign and word."""
    kind = outcome_of(ending, score)
    color, icon = _LOOKS[kind]
    st.badge(session.texts()(f"outcome.{kind}"), icon=icon, color=color)


def samples_section(detail: EvaluationDetail) -> None:
    """Filters, a page of samples, and the way to each."""
    t = session.texts()
    st.subheader(t("page.evaluation.samples"), anchor=False)
    if not detail.tallies:
        st.caption(t("page.evaluation.no_samples"))
        return
    wanted = _filters(detail)
    number = url_number(PAGE) or 1
    found = session.app().evaluation_results.samples(detail.run.id, wanted, (number - 1) * PER_PAGE, PER_PAGE)
    if not found.rows:
        empty_state(t("page.evaluation.no_match"), icon=":material/search_off:")
        return
    columns = [
        Column(name, t(f"page.evaluation.column_{name}"), span, name == "length") for name, span in _SPANS.items()
    ]
    grid_table(columns, [_cells(detail.run.id, row) for row in found.rows])
    pager(found.total, PER_PAGE, number, t("page.evaluation.sample_count", total=t.number(found.total)))


def pager(total: int, per_page: int, number: int, caption: str) -> None:
    """How many there are, and the way to the other pages; the page lives in the address."""
    pages = -(-total // per_page)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(caption, width="content")
        if pages > 1:
            st.space("stretch")
            chosen = st.pagination(pages, default=min(number, pages), key=f"pager_{number}_{pages}")
            if chosen != number:
                keep(PAGE, str(chosen), "1")
                st.rerun()


def _filters(detail: EvaluationDetail) -> SampleFilter:
    """Another list begins at its beginning."""
    t = session.texts()
    names = [found.dataset for found in detail.datasets]
    with st.container(horizontal=True, gap="small"):
        dataset = _choice(DATASET, names, t("page.evaluation.every_dataset")) if len(names) > 1 else names[0]
        inside = [tally for tally in detail.tallies if dataset in {"", tally.dataset}]
        subsets = list(dict.fromkeys(tally.subset for tally in inside)) if dataset else []
        subset = _choice(SUBSET, subsets, t("page.evaluation.every_subset")) if len(subsets) > 1 else ""
        text = st.text_input(
            t("page.evaluation.search"), key="q", bind="query-params", on_change=keep, args=(PAGE, ""), width=340
        )
    others = rivals(detail)
    show = Show(_show([tally for tally in inside if subset in {"", tally.subset}], can_flip=bool(others)))
    against = _against(others) if show is Show.FLIPPED else None
    return SampleFilter(dataset or None, subset or None, show, text.strip(), against)


def _against(others: Sequence[RunRow]) -> str:
    """The newest of the others where none is chosen."""
    t, ids = session.texts(), [row.id for row in others]
    names = {row.id: rival_name(row, t) for row in others}
    return url_select(AGAINST, t("page.evaluation.against"), ids, ids[0], names.__getitem__, width=480)


def _choice(param: str, names: Sequence[str], every: str) -> str:
    t = session.texts()
    words = {"": every, **{name: name for name in names}}
    return url_select(param, t(f"page.evaluation.{param}"), list(words), "", words.__getitem__, width=260)


def _show(tallies: Sequence[Tally], *, can_flip: bool) -> str:
    t = session.texts()
    counts = _counts(tallies)
    options = [show for show in Show if show is Show.ALL or counts.get(show, can_flip)]
    wanted = st.query_params.get(SHOW, Show.ALL.value)
    shown = wanted if wanted in options else Show.ALL.value
    key = f"evaluation_show_{shown}"  # it mirrors the address, which a click on a bar changes, too
    st.segmented_control(
        t("page.evaluation.show"),
        [option.value for option in options],
        default=shown,
        key=key,
        required=True,
        format_func=lambda option: _show_word(Show(option), counts),
        label_visibility="collapsed",
        on_change=_choose_show,
        args=(key,),
    )
    return shown


def _show_word(show: Show, counts: Mapping[Show, int]) -> str:
    """With how many there are; how many flipped depends on what they are held against."""
    t = session.texts()
    word = t(f"page.evaluation.show_{show.value}")
    return f"{word} {t.number(counts[show])}" if show in counts else word


def _choose_show(key: str) -> None:
    keep(SHOW, str(st.session_state[key]), Show.ALL.value)
    keep(PAGE, "")


def _counts(tallies: Sequence[Tally]) -> dict[Show, int]:
    def count(*names: str) -> int:
        return sum(getattr(tally, name) for tally in tallies for name in names)

    lost = ("truncated", "overflow", "no_answer")
    return {
        Show.ALL: sum(tally.total for tally in tallies),
        Show.WRONG: count("part", "wrong", *lost),
        **{Show(name): count(name) for name in (*lost, "unscored", "errored")},
    }


def _cells(run_id: str, row: SampleRow) -> dict[str, Cell]:
    t = session.texts()
    label = plain(cut(" ".join(row.question.split()), _QUESTION_COLUMNS)) or t.number(row.number)
    return {
        "question": partial(link, "sample", label, run=run_id, dataset=row.dataset, number=row.number),
        "gold": plain(row.gold),
        "extracted": plain(row.extracted) if row.extracted else t.number(None),
        "verdict": partial(outcome_badge, row.ending, row.score),
        "length": t.number(row.output_tokens),
    }
