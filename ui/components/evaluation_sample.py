"""One sample, whole: question, answers, reasoning, verdict; its neighbours one click away."""

from __future__ import annotations

import streamlit as st

from core.domain.evaluation import Sample
from core.domain.evaluation_reading import SampleFilter
from render.score_words import run_name
from ui import session
from ui.components.evaluation_samples import outcome_badge
from ui.components.links import link, link_button
from ui.markdown import plain

_SHORT = 40
_STEPS = {"previous": (-1, ":material/chevron_left:"), "next": (1, ":material/chevron_right:")}


def sample_view(run_id: str, dataset: str, number: int) -> None:
    """Question to the left, answer to the right."""
    t, results = session.texts(), session.app().evaluation_results
    found = results.sample(run_id, dataset, number)
    sample = found.sample
    _ways(run_id, dataset, number, results.samples(run_id, SampleFilter(dataset=dataset), 0, 1).total)
    st.title(plain(t("page.sample.named", number=t.number(number + 1), dataset=dataset)), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        outcome_badge(found.ending, sample.score)
        st.caption(plain(" · ".join([run_name(results.run(run_id)), *_facts(sample)])))
    if sample.is_overflow:
        st.warning(t("page.sample.refusal"), icon=":material/warning:")
    left, right = st.columns(2)
    with left:
        _text(t("page.sample.question"), sample.question)
    with right:
        _answer(sample)


def _ways(run_id: str, dataset: str, number: int, total: int) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        link("evaluation", t("page.sample.back"), icon=":material/arrow_back:", id=run_id)
        st.space("stretch")
        for name, (step, icon) in _STEPS.items():
            if 0 <= number + step < total:
                place = number + step
                label = t(f"page.sample.{name}")
                link_button("sample", label, key=f"sample_{name}", icon=icon, run=run_id, dataset=dataset, number=place)


def _facts(sample: Sample) -> list[str]:
    t = session.texts()
    tokens = sample.output_tokens
    parts = [
        sample.subset and t("page.sample.subset", name=sample.subset),
        sample.repeat and t("page.sample.repeat", number=sample.repeat + 1),
        sample.metric and f"{sample.metric} {t.number(sample.score)}",
        sample.stop_reason and t("page.sample.stop", reason=sample.stop_reason),
        tokens is not None and t("page.sample.tokens", count=t.number(tokens)),
        sample.latency_ms is not None and t.ms(sample.latency_ms),
    ]
    return [str(part) for part in parts if part]


def _answer(sample: Sample) -> None:
    t = session.texts()
    with st.container(horizontal=True):
        st.metric(t("page.sample.gold"), _short(sample.gold), border=True)
        st.metric(t("page.sample.extracted"), _short(sample.extracted or t("page.sample.nothing")), border=True)
    if sample.reasoning:
        label = t("page.sample.reasoning", count=t.number(len(sample.reasoning)))
        with st.expander(label, icon=":material/psychology:"):
            st.code(sample.reasoning, language=None, wrap_lines=True)
    _text(t("page.sample.answer"), sample.answer or t("page.sample.no_text"))
    for name in ("explanation", "error"):
        told = getattr(sample, name)
        if told:
            _text(t(f"page.sample.{name}"), str(told))


def _short(text: str) -> str:
    return plain(text if len(text) <= _SHORT else text[: _SHORT - 1] + "\N{HORIZONTAL ELLIPSIS}")


def _text(label: str, text: str) -> None:
    """As it was written: neither Markdown nor formulas are read into it."""
    st.markdown(f"**{label}**")
    st.code(text, language=None, wrap_lines=True)
