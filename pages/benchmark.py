"""Choose an endpoint and a sweep, read the plan, start."""

import streamlit as st

from core.domain.benchmark import BenchmarkPlan, BenchmarkRequest, Engine
from core.domain.finding import Finding, blocking
from core.domain.workload import LengthGrid
from ui import session
from ui.act import act, refusals
from ui.components import empty_state, field_findings, go, header, other_findings, worker_notice
from ui.components import workload_form as form
from ui.components.benchmark_plan import grid_facts, plan_facts
from ui.components.endpoint import choose_endpoint, endpoint_facts, endpoint_title, withheld_notice
from ui.components.workload_parameters import bench_parameters

FORM = "benchmark"

app, t, actor = session.app(), session.texts(), session.actor()
offers = app.deployments.offers()


def plan_panel(asked: BenchmarkRequest | Finding, grid: LengthGrid | Finding | None) -> tuple[Finding, ...]:
    """Findings, duration, command and the button; gives the findings, for their fields."""
    st.subheader(t("page.benchmark.plan"), anchor=False)
    for unread in (asked, grid):
        if isinstance(unread, Finding):
            st.markdown(t("page.benchmark.blocked"))
            return (unread,)
    if isinstance(asked, Finding) or isinstance(grid, Finding):
        return ()
    return one_plan(asked) if grid is None else grid_plan(asked, grid)


def one_plan(asked: BenchmarkRequest) -> tuple[Finding, ...]:
    """A single run."""
    plan = app.benchmarks.plan(asked)
    found = said(plan.findings)
    plan_facts(plan)
    other_findings(found, *form.FIELDS, "endpoint_id")
    if pressed(plan.findings) and (begun := act(app.benchmarks.start, actor, plan, form=FORM)):
        go("run", id=begun.value.job.run_id or "")
    guide_parameters(plan)
    return found


def guide_parameters(plan: BenchmarkPlan) -> None:
    """Below the form, where the guide's own tool measures."""
    with parameters:
        if plan.request.engine is Engine.VLLM_BENCH:
            bench_parameters(plan)


def grid_plan(asked: BenchmarkRequest, grid: LengthGrid) -> tuple[Finding, ...]:
    """A run for every pair of lengths."""
    plan = app.benchmarks.plan_grid(asked, grid)
    found = said(plan.findings)
    grid_facts(plan)
    other_findings(found, *form.FIELDS, "endpoint_id")
    if pressed(plan.findings, len(plan.plans)) and act(app.benchmarks.start_grid, actor, plan, form=FORM):
        go("jobs")
    if plan.plans:
        guide_parameters(plan.plans[0])
    return found


def said(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The plan's, and what a start was refused for."""
    return (*findings, *(one for one in refusals(FORM) if one not in findings))


def pressed(findings: tuple[Finding, ...], runs: int = 1) -> bool:
    """The button; what is blocked cannot be started."""
    blocked = bool(blocking(findings)) or not runs
    chosen = st.button(
        t("page.benchmark.start") if runs == 1 else t("page.benchmark.start_runs", count=runs),
        key="benchmark_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=blocked,
        width="stretch",
    )
    if blocked:
        st.caption(t("page.benchmark.blocked"))
    return chosen


header("benchmark")
worker_notice()
withheld_notice(offers.withheld)
if not offers.endpoints:
    empty_state(t("page.benchmark.none"), label=t("page.endpoints.attach"), page="endpoints")
    st.stop()
presets = app.benchmarks.presets()
form.prepare(presets)
left, right = st.columns([3, 2], gap="medium")
with left:
    endpoint = choose_endpoint(offers.endpoints, t("page.benchmark.endpoint_help"))
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            endpoint_title(endpoint)
        endpoint_facts(endpoint)
        place = st.container(gap="xxsmall")
    places = form.draw(presets)
    parameters = st.container()
with right, st.container(border=True):
    found = plan_panel(form.read(endpoint.id), form.read_grid())
with place:
    field_findings(found, "endpoint_id")
form.place_findings(places, found)
