"""What a comparison rests on, and its noise floor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from core.domain.access import Role
from core.domain.comparison import Comparison
from core.domain.finding import blocking
from render.comparisons import basis, names, noise_list, notes
from ui import session
from ui.act import act, tell
from ui.components.compare_tables import config_section
from ui.components.findings import draw_findings
from ui.components.links import link
from ui.markdown import plain

_TABS = ("config", "rests", "noise")


def evidence_tabs(comparison: Comparison) -> None:
    """Only the open one is drawn."""
    t = session.texts()
    config = session.app().comparisons.configuration(comparison)
    tabs = st.tabs([t(f"page.compare.{name}") for name in _TABS], key="compare_evidence", on_change="rerun")
    draws: tuple[Callable[[], None], ...] = (
        partial(config_section, config, comparison),
        partial(_rests, comparison),
        partial(_noise, comparison),
    )
    for tab, draw in zip(tabs, draws, strict=True):
        if tab.open:
            with tab:
                draw()


def _rests(comparison: Comparison) -> None:
    """Unit, counts, correction, and what also differs."""
    t, called = session.texts(), names(comparison.sides, session.texts())
    for pair in comparison.pairs:
        if len(comparison.pairs) > 1:
            st.markdown(f"**{plain(called[pair.candidate.run.id])}**")
        lines = (*basis(pair, t), *notes(pair, t)) if pair.cells else notes(pair, t)
        st.markdown("\n".join(f"- {plain(line)}" for line in lines))


def _noise(comparison: Comparison) -> None:
    """The floor, where it was measured, and the button that measures it."""
    t, service = session.texts(), session.app().comparisons
    base = comparison.baseline.run.id
    noise = service.noise(base)
    if noise.run_ids:
        st.markdown(plain(t("page.compare.noise_measured", list=noise_list(noise, t))))
        for run_id in noise.run_ids:
            link("run", t("page.compare.noise_from"), id=run_id, icon=":material/show_chart:")
    else:
        st.markdown(plain(t("page.compare.noise_assumed")))
    running = service.noise_job(base)
    if running:
        link("run", t("page.compare.noise_running"), id=running, icon=":material/progress_activity:")
    elif session.may(Role.OPERATOR):
        _noise_button(base)


def _noise_button(base: str) -> None:
    t, service = session.texts(), session.app().comparisons
    plan = service.plan_noise(base)
    workload = plan.request.workload
    span = t("page.compare.span_unknown", repeats=workload.repeats)
    if plan.estimate_s is not None:
        span = t.duration(plan.estimate_s)
    blocks = blocking(plan.findings)
    told = {"repeats": workload.repeats, "points": len(workload.points), "span": span}
    st.caption(plain(t("page.compare.noise_start_help", **told)))
    if blocks:
        st.markdown(t("page.compare.noise_blocked"))
        draw_findings(blocks)
    pressed = st.button(
        t("page.compare.noise_start"), key="noise_start", icon=":material/balance:", disabled=bool(blocks)
    )
    if pressed and act(service.start_noise, session.actor(), plan):
        tell(t("page.compare.noise_started"))
        st.rerun()
