"""What a benchmark will do, before it does."""

from __future__ import annotations

import streamlit as st

from core.domain.benchmark import BenchmarkPlan, Engine, GridPlan
from core.domain.limits import left_out_by_reason
from ui import session
from ui.components.pieces import command_block
from ui.markdown import plain


def plan_facts(plan: BenchmarkPlan) -> None:
    """How long, how much, and the command that is the same."""
    t, workload = session.texts(), plan.request.workload
    timed = sum(point.duration_s or 0 for point in workload.points) * workload.repeats
    total = sum(point.requests or 0 for point in workload.points) * workload.repeats
    left, right = st.columns(2)
    with left:
        _estimate(plan.estimate_s)
    if total:
        right.metric(t("page.benchmark.total_requests"), t.number(total))
    else:
        right.metric(t("page.benchmark.total_time"), t.duration(timed))
    if workload.stop_at_peak or workload.stop_at_slo:
        st.caption(t("page.benchmark.at_most"))
    st.caption(t("page.benchmark.command"))
    command_block(plan.command)
    if plan.request.engine is Engine.VLLM_BENCH and plan.tool_commands:
        with st.expander(t("page.benchmark.tool_command"), key="bench_fold_tool"):
            command_block(plan.tool_commands[0])


def grid_facts(plan: GridPlan) -> None:
    """How many runs, what is left out and why, how long, and the command that is the same."""
    t = session.texts()
    left, right = st.columns(2)
    left.metric(t("page.benchmark.runs"), t.number(len(plan.plans)))
    right.metric(t("page.benchmark.total_requests"), t.number(plan.requests))
    _estimate(plan.estimate_s)
    for (code, limit), count in left_out_by_reason(plan.left_out).items():
        said = t(f"page.benchmark.{code}", count=count, limit=limit)
        st.caption(f":material/remove_circle_outline: {plain(said)}")
    st.caption(t("page.benchmark.command"))
    command_block(plan.command)


def _estimate(seconds: float | None) -> None:
    t, known = session.texts(), seconds is not None
    st.metric(
        t("page.benchmark.estimate"),
        t.duration(seconds) if known else t("page.benchmark.estimate_unknown"),
        help=None if known else t("page.benchmark.estimate_unknown_help"),
    )
