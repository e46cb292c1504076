"""An evaluation's samples: a page of them, and one of them whole. What is shown lives in the address."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.domain.evaluation_reading import SampleFilter, SampleRow, Show, Tally
from core.domain.evaluation_scores import Ending
from core.services.evaluation_results import EvaluationDetail
from ui import session
from ui.components.cards import empty_state
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.links import link
from ui.components.pieces import Color
from ui.components.url_state import keep, url_number, url_select
from ui.markdown import plain

PER_PAGE = 20
SHOW, DATASET, SUBSET, PAGE, SAMPLE = "show", "dataset", "subset", "page", "sample"
_SPANS = {"question": 9, "gold": 3, "extracted": 3, "verdict": 3, "length": 2}
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
    _pages(found.total, number)


def _pages(total: int, number: int) -> None:
    t, pages = session.texts(), -(-total // PER_PAGE)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("page.evaluation.sample_count", total=t.number(total)), width="content")
        if pages > 1:
            st.space("stretch")
            chosen = st.pagination(pages, default=min(number, pages), key=f"evaluation_page_{number}_{pages}")
            keep(PAGE, str(chosen), "1")
            if chosen != number:
                st.rerun()


def _filters(detail: EvaluationDetail) -> SampleFilter:
    """Another list begins at its beginning."""
    t = session.texts()
    show = _show(detail.tallies)
    with st.container(horizontal=True, gap="small"):
        names = [found.dataset for found in detail.datasets]
        dataset = ""
        if len(names) > 1:
            words = {"": t("page.evaluation.every_dataset"), **{name: name for name in names}}
            dataset = url_select(DATASET, t("page.evaluation.dataset"), list(words), "", words.__getitem__, width=260)
        text = st.text_input(
            t("page.evaluation.search"), key="q", bind="query-params", on_change=keep, args=(PAGE, ""), width=340
        )
    subset = st.query_params.get(SUBSET) or None
    return SampleFilter(dataset or None, subset, Show(show), text.strip())


def _show(tallies: tuple[Tally, ...]) -> str:
    t = session.texts()
    counts = _counts(tallies)
    options = [show for show in Show if show is Show.ALL or counts[show]]
    wanted = st.query_params.get(SHOW, Show.ALL.value)
    shown = wanted if wanted in options else Show.ALL.value
    key = f"evaluation_show_{shown}"  # it mirrors the address, which a click on a bar changes, too
    chosen = st.segmented_control(
        t("page.evaluation.show"),
        [option.value for option in options],
        default=shown,
        key=key,
        required=True,
        format_func=lambda option: f"{t(f'page.evaluation.show_{option}')} {t.number(counts[Show(option)])}",
        label_visibility="collapsed",
        on_change=keep,
        args=(PAGE, ""),
    )
    keep(SHOW, str(chosen), Show.ALL.value)
    return str(chosen)


def _counts(tallies: tuple[Tally, ...]) -> dict[Show, int]:
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
    label = plain(row.question) or t.number(row.number)
    return {
        "question": partial(link, "evaluation", label, id=run_id, dataset=row.dataset, sample=row.number),
        "gold": plain(row.gold),
        "extracted": plain(row.extracted) if row.extracted else t.number(None),
        "verdict": partial(outcome_badge, row.ending, row.score),
        "length": t.number(row.output_tokens),
    }


# ---------------------------------------------------------------- one sample


def sample_view(run_id: str, dataset: str, number: int) -> None:
    """A sample, whole; its neighbours one click away."""
    t, results = session.texts(), session.app().evaluation_results
    found = results.sample(run_id, dataset, number)
    total = results.samples(run_id, SampleFilter(dataset=dataset), 0, 1).total
    with st.container(horizontal=True, gap="small"):
        link("evaluation", t("page.evaluation.back"), icon=":material/arrow_back:", id=run_id)
        for step, name in ((number - 1, "previous"), (number + 1, "next")):
            if 0 <= step < total:
                label = t(f"page.evaluation.{name}")
                link("evaluation", label, icon=_STEP_ICONS[name], id=run_id, dataset=dataset, sample=step)
    st.title(plain(t("page.evaluation.sample_title", number=t.number(number), dataset=dataset)), anchor=False)
    sample = found.sample
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outcome_badge(found.ending, sample.score)
        parts = [
            sample.subset and t("page.evaluation.subset", name=sample.subset),
            sample.repeat and t("page.evaluation.repeat", number=sample.repeat + 1),
            f"{sample.metric} {t.number(sample.score)}" if sample.metric else None,
            sample.stop_reason,
            sample.output_tokens is not None
            and f"{t.number(sample.output_tokens)} {t('page.evaluation.column_length').lower()}",
            sample.latency_ms is not None and t.ms(sample.latency_ms),
        ]
        st.caption(" · ".join(plain(str(part)) for part in parts if part))
    if sample.is_overflow:
        st.warning(t("page.evaluation.refusal"), icon=":material/warning:")
    left, right = st.columns(2)
    with left:
        _text(t("page.evaluation.question"), sample.question)
    with right:
        with st.container(horizontal=True):
            st.metric(t("page.evaluation.gold"), _short(sample.gold), border=True)
            nothing = t("page.evaluation.nothing_extracted")
            st.metric(t("page.evaluation.extracted"), _short(sample.extracted or nothing), border=True)
        if sample.reasoning:
            label = t("page.evaluation.reasoning", count=t.number(len(sample.reasoning)))
            with st.expander(label, icon=":material/psychology:"):
                st.code(sample.reasoning, language=None, wrap_lines=True)
        _text(t("page.evaluation.answer"), sample.answer or t("page.evaluation.no_text"))
        for name in ("explanation", "error"):
            told = getattr(sample, name)
            if told:
                _text(t(f"page.evaluation.{name}"), str(told))


_STEP_ICONS = {"previous": ":material/chevron_left:", "next": ":material/chevron_right:"}
_SHORT = 40


def _short(text: str) -> str:
    return plain(text if len(text) <= _SHORT else text[: _SHORT - 1] + "\N{HORIZONTAL ELLIPSIS}")


def _text(label: str, text: str) -> None:
    """As it was written: neither Markdown nor formulas are read into it."""
    st.markdown(f"**{label}**")
    st.code(text, language=None, wrap_lines=True)
