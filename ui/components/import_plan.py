"""What would become of files that somebody gave, and what would not."""

from __future__ import annotations

import streamlit as st

from core.domain.benchmark import UNKNOWN_VERSION
from core.services.imports import ImportedRun, ImportPlan
from render.charts.axes import load_words
from render.refusals import refusal_words
from render.texts import Texts
from ui import session
from ui.markdown import code, plain


def import_plan(plan: ImportPlan) -> None:
    """One card for each run to be, with its points."""
    t = session.texts()
    if not plan.runs:
        st.markdown(f":orange[:material/warning: {t('page.import_results.nothing')}]")
        return
    points = sum(len(run.found) for run in plan.runs)
    st.subheader(t("page.import_results.found", points=points, runs=len(plan.runs)), anchor=False)
    for run in plan.runs:
        _run_card(run, t)


def _run_card(run: ImportedRun, t: Texts) -> None:
    first = run.first.point
    input_tokens, output_tokens = first.lengths
    loads = t("answer.listed").join(dict.fromkeys(load_words(one.point.measurement, t) for one in run.found))
    with st.container(border=True, gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            version = first.measurement.tool_version.replace(UNKNOWN_VERSION, "")
            title = f"{first.model} · {first.measurement.tool} {version}".strip()
            st.markdown(f"**{plain(title)}**")
            if run.known_as:
                st.badge(t("page.import_results.already"), color="gray")
        facts = {"input": t.number(input_tokens), "output": t.number(output_tokens), "loads": loads}
        st.caption(plain(t("page.import_results.run_facts", **facts)))


def refusals_of(plan: ImportPlan) -> None:
    """File, line and reason of each."""
    t = session.texts()
    if not plan.refused:
        return
    st.subheader(t("page.import_results.refused"), anchor=False)
    for refusal in plan.refused:
        st.markdown(f":gray[:material/block:] {code(refusal.file)} {plain(refusal_words(refusal, t))}")
