"""What serves now, what runs, what came last."""

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.endpoint import Endpoint
from ui import session
from ui.act import guard
from ui.components import (
    command_block,
    empty_state,
    header,
    job_card,
    link,
    link_button,
    worker_notice,
)
from ui.components.endpoint import endpoint_facts, endpoint_title
from ui.components.run_table import run_table

RECENT = 5
POLL_S = 4

app, t = session.app(), session.texts()
endpoints, active, recent = app.endpoints.list(), app.jobs.active(), app.results.runs(0, RECENT)
down = app.deployments.offers().down


def welcome() -> None:
    """The product in three steps; the first has its buttons."""
    st.title(t("page.overview.welcome"), anchor=False)
    st.caption(t("page.overview.welcome_lead"))
    for column, step in zip(st.columns(3), ("serve", "measure", "read"), strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{t(f'page.overview.step_{step}')}**")
            st.markdown(t(f"page.overview.step_{step}_text"))
            if step == "serve":
                first_step()
    if not app.settings.simulated:
        st.caption(t("page.overview.demo"))
        with st.container(width=320):
            command_block("make demo")


def first_step() -> None:
    """Two ways to something that serves."""
    attach, deploy = t("page.overview.attach"), t("page.overview.deploy")
    with st.container(horizontal=True):
        link_button("endpoints", attach, key="overview_attach", type="primary", icon=":material/link:")
        link_button("deploy", deploy, key="overview_deploy", icon=":material/rocket_launch:")


def serving(found: tuple[Endpoint, ...]) -> None:
    """One card per endpoint, as last checked or as its deployment is, and what is measured on it now."""
    st.subheader(t("page.overview.serving"), anchor=False)
    if not found:
        empty_state(t("page.overview.serving_none"), label=t("page.overview.attach"), page="endpoints")
    for endpoint in found:
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                endpoint_title(endpoint, down.get(endpoint.id))
                st.space("stretch")
                measure(endpoint)
            endpoint_facts(endpoint)


def measure(endpoint: Endpoint) -> None:
    """One measurement at a time: a busy server says so instead. One that writes no text, or does not serve now, has
    nothing to be measured."""
    if not endpoint.writes or endpoint.id in down:
        return
    busy = [view for view in active if view.job.server_key == endpoint.server_key]
    if busy:
        st.caption(t("page.overview.busy"), width="content")
        return
    label, look = t("page.overview.benchmark"), "secondary" if recent.total else "primary"
    link_button("benchmark", label, key=f"bench_{endpoint.id}", type=look, endpoint=endpoint.id)


@st.fragment(run_every=POLL_S if active else None)
def running() -> None:
    """Jobs in progress; follows them by itself while there are any."""
    with guard():
        now = app.jobs.active()
        if active and not now:
            st.rerun()
        st.subheader(t("page.overview.running"), anchor=False)
        if not now:
            empty_state(t("page.overview.running_none"), icon=":material/hourglass_empty:")
        for view in now:
            job_card(view)


def latest(rows: tuple[RunRow, ...]) -> None:
    """The last runs, newest first."""
    st.space("xsmall")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.subheader(t("page.overview.recent"), anchor=False)
        st.space("stretch")
        link("runs", t("page.overview.all_runs"))
    if not rows:
        empty_state(t("page.overview.recent_none"), label=t("page.overview.benchmark"), page="benchmark")
    else:
        run_table(rows)


if not endpoints and not active and not recent.total:
    welcome()
    worker_notice()
    st.stop()
header("overview", t("page.overview.answer", serving=len(endpoints), running=len(active), runs=recent.total))
worker_notice()
left, right = st.columns([3, 2], gap="medium")
with left:
    serving(endpoints)
with right:
    running()
latest(recent.rows)
