"""From "which model?" to a container that serves; the exact command first."""

import streamlit as st

from core.domain.deployment import DeploymentPlan
from core.domain.finding import Finding, Severity, blocking
from ui import session
from ui.act import act, refusals
from ui.components import deployment_form as form
from ui.components import go, header, other_findings, worker_notice
from ui.components.deployment_plan import (
    arithmetic,
    ask_image,
    engine_line,
    plan_commands,
    preflight,
    save_profile,
    still_needed,
    verdict,
    whereabouts,
)

FORM = "deploy"

app, t, actor = session.app(), session.texts(), session.actor()


def plan_panel(plan: DeploymentPlan, found: tuple[Finding, ...]) -> None:
    """Where it would run, what stands against it, the command, the button."""
    st.subheader(t("page.deploy.plan"), anchor=False)
    engine_line(app.deployments.engine_state(fresh=False))
    if plan.arithmetic:
        arithmetic(plan.arithmetic, known_platform=plan.request.platform is not None)
    other_findings(found, *form.FIELDS)
    if needed := still_needed(found):
        st.markdown(needed)
    else:
        st.markdown(verdict(found))
    start(plan, found)
    if not needed:
        plan_commands(plan)
        preflight(plan, found)
    with st.container(horizontal=True):
        save_profile(plan)
        ask_image(plan)


def start(plan: DeploymentPlan, found: tuple[Finding, ...]) -> None:
    """Queues the job, and goes where it can be watched. Warnings are taken with the click, and recorded."""
    blocked = bool(blocking(found))
    warned = sum(finding.severity is Severity.WARN or finding.overridden for finding in found)
    pressed = st.button(
        t("page.deploy.start_anyway", count=warned) if warned and not blocked else t("page.deploy.start"),
        key="deploy_start",
        type="primary",
        icon=":material/rocket_launch:",
        disabled=blocked,
        width="stretch",
    )
    if not still_needed(found) and (words := whereabouts(found)):
        st.caption(words)
    if pressed and (begun := act(app.deployments.start, actor, plan, form=FORM)):
        go("deployment", id=begun.value.job.deployment_id or "")


header("deploy")
worker_notice()
left, right = st.columns([10, 11], gap="medium")
with left:
    places = form.draw()
request, unread = form.read()
plan = app.deployments.plan(request, fresh=False)
found = (*plan.findings, *unread, *(one for one in refusals(FORM) if one not in plan.findings))
with right, st.container(border=True):
    plan_panel(plan, found)
form.place_findings(places, found)
