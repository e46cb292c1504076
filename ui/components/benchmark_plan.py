"""What a benchmark will do, before it does."""

from __future__ import annotations

import streamlit as st

from core.domain.benchmark import BenchmarkPlan
from ui import session
from ui.components.pieces import command_block


def plan_facts(plan: BenchmarkPlan) -> None:
    """How long, how much, and the command that is the same."""
    t, workload = session.texts(), plan.request.workload
    known = plan.estimate_s is not None
    total = sum(point.requests or 0 for point in workload.points) * workload.repeats
    left, right = st.columns(2)
    left.metric(
        t("page.benchmark.estimate"),
        t.duration(plan.estimate_s) if known else t("page.benchmark.estimate_unknown"),
        help=None if known else t("page.benchmark.estimate_unknown_help"),
    )
    right.metric(t("page.benchmark.total_requests"), t.number(total))
    st.caption(t("page.benchmark.command"))
    command_block(plan.command)
