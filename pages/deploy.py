"""From an image and a weights folder to a container that serves; the exact command first."""

import streamlit as st

from core.domain.deployment import DeploymentPlan
from core.domain.finding import Finding, blocking
from ui import session
from ui.act import act, refusals
from ui.components import deployment_form as form
from ui.components import go, header, other_findings, worker_notice
from ui.components.deployment_plan import engine_line, plan_commands, still_needed

FORM = "deploy"

app, t, actor = session.app(), session.texts(), session.actor()


def plan_panel(plan: DeploymentPlan, found: tuple[Finding, ...]) -> None:
    """Where it would run, what stands against it, the command, the button."""
    st.subheader(t("page.deploy.plan"), anchor=False)
    engine_line(app.deployments.engine_state())
    other_findings(found, *form.FIELDS)
    if needed := still_needed(found):
        st.markdown(needed)
    else:
        plan_commands(plan)
    start(plan, found)


def start(plan: DeploymentPlan, found: tuple[Finding, ...]) -> None:
    """Queues the job, and goes where it can be watched."""
    blocked = bool(blocking(found))
    pressed = st.button(
        t("page.deploy.start"),
        key="deploy_start",
        type="primary",
        icon=":material/rocket_launch:",
        disabled=blocked,
        width="stretch",
    )
    if blocked and not still_needed(found):
        st.caption(t("page.deploy.blocked"))
    if pressed and (begun := act(app.deployments.start, actor, plan, form=FORM)):
        go("deployments", id=begun.value.job.deployment_id or "")


header("deploy")
worker_notice()
left, right = st.columns([1, 1], gap="medium")
with left:
    places = form.draw()
request, unread = form.read()
plan = app.deployments.plan(request)
found = (*plan.findings, *unread, *(one for one in refusals(FORM) if one not in plan.findings))
with right, st.container(border=True):
    plan_panel(plan, found)
form.place_findings(places, found)
