"""One deployment: how its start goes, where it serves, what differs from its plan, its log, its history."""

import streamlit as st

from core.domain.access import Role
from core.domain.deployment import DeploymentState
from core.services.deployment_details import DeploymentDetail
from ui import session
from ui.act import guard
from ui.components import command_block, empty_state, worker_notice
from ui.components.deployment import (
    accepted_list,
    answer,
    deployment_buttons,
    deployment_title,
    facts,
    failure,
    is_changing,
    serve_command,
    signature,
    ways_on,
)
from ui.components.deployment_log import container_log
from ui.components.deployment_more import drift, history, run_inside
from ui.components.storyboard import storyboard
from ui.components.webui_links import for_people

POLL_S = 2

app, t = session.app(), session.texts()
wanted = st.query_params.get("id", "")


def top(detail: DeploymentDetail) -> None:
    """The answer, then the story of its start."""
    with st.container(horizontal=True, vertical_alignment="center"):
        deployment_title(detail.view, large=True)
        st.space("stretch")
        if session.may(Role.OPERATOR):
            deployment_buttons(detail.view)
    st.markdown(answer(detail))
    failure(detail)
    if detail.view.deployment.stages:
        storyboard(detail.story, detail.view.busy)


def below(detail: DeploymentDetail) -> None:
    """What is asked for less often."""
    log, command, differences, past, inside = st.tabs(
        [t(f"page.deployment.tab_{name}") for name in ("log", "command", "drift", "history", "exec")],
        on_change="rerun",
        key="deployment_tab",
    )
    deployment = detail.view.deployment
    if log.open:
        with log, guard():
            container_log(deployment.id)
    if command.open:
        with command:
            command_block(serve_command(deployment))
            accepted_list(deployment)
    if differences.open:
        with differences, guard():
            drift(detail)
    if past.open:
        with past, guard():
            history(detail)
    if inside.open:
        with inside:
            run_inside(detail.view)


def page() -> None:
    """The head follows by itself while something changes; once the state has changed, the page is drawn anew."""
    detail = app.deployment_details.detail(wanted)
    begun = signature(detail.view)

    @st.fragment(run_every=POLL_S if is_changing(detail.view) else None)
    def head() -> None:
        with guard():
            now = app.deployment_details.detail(wanted)
            if signature(now.view) != begun:
                st.rerun()
            top(now)

    head()
    facts(detail)
    for_people(detail.view.endpoint, serves=detail.view.deployment.state is DeploymentState.READY)
    ways_on(detail)
    below(detail)


worker_notice()
if wanted:
    page()
else:
    empty_state(t("page.deployment.none"), label=t("page.deployments.title"), page="deployments")
