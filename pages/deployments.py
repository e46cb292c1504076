"""What runs: each with its state, where it serves, on which devices; others that may be adopted."""

import streamlit as st

from core.domain.access import Role
from core.domain.deployment import DeploymentView
from core.domain.job import Reason
from ui import session
from ui.act import guard
from ui.components import empty_state, group, header, link_button, plain, worker_notice
from ui.components.deployment import (
    deployment_buttons,
    deployment_facts,
    deployment_title,
    is_changing,
    is_measurable,
    is_removed,
    states,
)
from ui.components.deployment_more import adoptable

POLL_S = 3

app, t = session.app(), session.texts()
wanted = st.query_params.get("id")
with_removed = st.query_params.get("removed") == "true"


def shown() -> tuple[DeploymentView, ...]:
    """The newest first; what was asked for by address before all others."""
    found = [view for view in app.deployments.list() if with_removed or not is_removed(view.deployment)]
    return tuple(sorted(found, key=lambda view: view.deployment.id != wanted))


def one(view: DeploymentView) -> None:
    """A card: what it is, how it is, what can be done."""
    with st.container(border=True, gap="xsmall", key=f"deployment_{view.deployment.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            with group():
                deployment_title(view)
            st.space("stretch")
            with group():
                if session.may(Role.OPERATOR):
                    deployment_buttons(view)
        deployment_facts(view)


def engine_notice() -> None:
    """Says when no engine answers: the states below are then the last that were written."""
    engine = app.deployments.engine_state()
    if isinstance(engine, Reason):
        st.warning(plain(t.reason(engine)), title=t("page.deployments.no_engine"), icon=":material/power_off:")


views = shown()


@st.fragment(run_every=POLL_S if any(is_changing(view) for view in views) else None)
def containers() -> None:
    """Follows by itself while something changes; once a state has changed, the whole page is drawn anew."""
    with guard():
        now = shown()
        if states(now) != states(views):
            st.rerun()
        for view in now:
            one(view)


ready = sum(is_measurable(view) for view in views)
with st.container(horizontal=True, vertical_alignment="bottom"):
    with st.container():
        header("deployments", t("page.deployments.answer", count=len(views), ready=ready) if views else None)
    if views:
        link_button("deploy", t("page.overview.deploy"), key="deploy_another", icon=":material/rocket_launch:")
worker_notice()
engine_notice()
if not views:
    empty_state(t("page.deployments.none"), label=t("page.overview.deploy"), page="deploy")
containers()
others = st.expander(t("page.deployments.adopt"), icon=":material/handshake:", key="adopt", on_change="rerun")
if others.open:
    with others, guard():
        adoptable(app.adoption.candidates())
st.toggle(t("page.deployments.show_removed"), key="removed", bind="query-params")
