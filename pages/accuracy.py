"""Choose an endpoint and datasets, read the plan, start; and what was evaluated so far."""

import streamlit as st

from core.domain.evaluation import EvaluationPlan
from core.domain.finding import Finding, blocking
from ui import session
from ui.act import act, refusals
from ui.components import empty_state, field_findings, go, header, link, other_findings, worker_notice
from ui.components import evaluation_form as form
from ui.components.endpoint import choose_endpoint, endpoint_facts, endpoint_title, withheld_notice
from ui.components.evaluation_plan import plan_facts
from ui.components.evaluation_table import evaluation_table

FORM = "evaluation"
SHOWN = 10

app, t, actor = session.app(), session.texts(), session.actor()
offers = app.deployments.offers()
recent = app.evaluations.recent(0, SHOWN)


def answer() -> str:
    """The latest evaluation in a sentence."""
    if not recent.rows:
        return t("page.accuracy.lead")
    latest = recent.rows[0]
    key = "page.accuracy.answer_open" if latest.score is None else "page.accuracy.answer"
    return t(key, count=recent.total, model=latest.model, score=t.percent(latest.score))


def plan_panel(plan: EvaluationPlan) -> tuple[Finding, ...]:
    """Findings, amounts, commands and the button; gives the findings, for their fields."""
    st.subheader(t("page.accuracy.plan"), anchor=False)
    found = (*plan.findings, *(one for one in refusals(FORM) if one not in plan.findings))
    plan_facts(plan)
    other_findings(found, *form.FIELDS, "endpoint_id")
    start(plan)
    return found


def start(plan: EvaluationPlan) -> None:
    """Queues the job, and goes where it can be watched."""
    blocked = bool(blocking(plan.findings))
    pressed = st.button(
        t("page.accuracy.start"),
        key="evaluation_start",
        type="primary",
        icon=":material/play_arrow:",
        disabled=blocked,
        width="stretch",
    )
    if blocked:
        st.caption(t("page.accuracy.blocked"))
    if pressed and (begun := act(app.evaluations.start, actor, plan, form=FORM)):
        go("evaluation", id=begun.value.job.run_id or "")


def launch() -> None:
    """The form, and beside it what it will do."""
    known = app.datasets.known()
    left, right = st.columns([3, 2], gap="medium")
    with left:
        endpoint = choose_endpoint(offers.endpoints, t("page.accuracy.endpoint_help"))
        form.prepare(endpoint)
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                endpoint_title(endpoint)
            endpoint_facts(endpoint)
            place = st.container(gap="xxsmall")
        places = form.draw(
            endpoint,
            app.evaluations.presets(),
            app.evaluations.sampling(),
            known,
            app.datasets.here(known.values()),
            [one for one in offers.endpoints if one.id != endpoint.id],
        )
        link("datasets", t("page.accuracy.to_datasets"), icon=":material/library_books:")
    with right, st.container(border=True):
        found = plan_panel(app.evaluations.plan(form.read(endpoint.id, known)))
    with place:
        field_findings(found, "endpoint_id")
    form.place_findings(places, found)


header("accuracy", answer())
worker_notice()
withheld_notice(offers.withheld)
if offers.endpoints:
    launch()
else:
    empty_state(t("page.accuracy.none"), label=t("page.endpoints.attach"), page="endpoints")
if recent.rows:
    st.subheader(t("page.accuracy.recent"), anchor=False)
    evaluation_table(recent.rows)
    with st.container(horizontal=True):
        link("leaderboard", t("page.accuracy.to_leaderboard"), icon=":material/leaderboard:")
        link("runs", t("page.accuracy.to_all"), icon=":material/table_rows:", kind="evaluation")
