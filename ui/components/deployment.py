"""A deployment on the screen: its card, its log, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.domain.deployment import Deployment, DeploymentState, DeploymentView
from core.domain.endpoint import Origin
from core.domain.job import JobKind, Reason
from core.formats import docker_cli
from ui import session
from ui.act import guard
from ui.components.cards import confirm
from ui.components.endpoint import health_badge, running_here
from ui.components.job import job_card
from ui.components.links import link_button
from ui.components.pieces import command_block, simulated_badge, state_badge
from ui.markdown import plain

_LOG_LINES = 200
_LOG_HEIGHT_PX = 320
_GONE = frozenset({DeploymentState.REMOVED})
_STOPPABLE = frozenset({DeploymentState.STARTING, DeploymentState.LOADING, DeploymentState.READY})
_UNDER_WAY = frozenset({DeploymentState.PLANNED, DeploymentState.STARTING, DeploymentState.LOADING})


def is_changing(view: DeploymentView) -> bool:
    """Whether the screen should keep watching it."""
    return view.deployment.state in _UNDER_WAY or view.busy is not None


def deployment_title(view: DeploymentView) -> None:
    """Name, state, and whether its service answered at the last check."""
    st.markdown(f"**{plain(view.deployment.name)}**", width="content")
    state_badge(view.deployment.state)
    if view.endpoint is not None and view.deployment.state is DeploymentState.READY:
        health_badge(view.endpoint.check)
        if view.endpoint.origin is Origin.SIMULATED:
            simulated_badge()


def deployment_facts(view: DeploymentView) -> None:
    """What it serves, from which image, where; why it failed; what runs on it."""
    t, deployment = session.texts(), view.deployment
    facts = [
        _pair("word.served_name", f"**{plain(deployment.served_name)}**"),
        _pair("word.version", plain(deployment.version_label or t("word.unknown"))),
        *(_pair("word.port", str(port.host_port)) for port in deployment.spec.ports),
    ]
    st.markdown(" · ".join(facts))
    made = t("component.started_by", name=plain(deployment.created_by), when=t.when(deployment.created_at))
    st.caption(f"`{deployment.spec.image}` · {made}")
    if deployment.reason_code:
        st.markdown(f":red[{plain(t.reason(Reason(deployment.reason_code, dict(deployment.reason_params))))}]")
    if view.busy is not None and view.busy.job.kind is JobKind.DEPLOYMENT:
        job_card(view.busy)
    elif deployment.state is DeploymentState.READY:
        running_here(view.busy)


def _pair(label: str, value: str) -> str:
    t = session.texts()
    return t("component.pair", label=t(label), value=value)


def deployment_more(view: DeploymentView, *, opened: bool) -> None:
    """Log and command, each read only while somebody looks."""
    t, key = session.texts(), view.deployment.id
    if view.container is not None:
        box = st.expander(
            t("page.deployments.log"), expanded=opened, key=f"log_{key}", icon=":material/notes:", on_change="rerun"
        )
        if box.open:
            with box, guard():
                _log(key)
    with st.expander(t("word.command"), key=f"command_{key}", icon=":material/terminal:"):
        command_block(docker_cli.render_shell(view.deployment.spec))


def _log(deployment_id: str) -> None:
    t = session.texts()
    text = session.app().deployments.logs(deployment_id, _LOG_LINES).rstrip()
    if text:
        st.caption(t("page.deployments.log_lines", count=_LOG_LINES))
        st.code(text, language=None, wrap_lines=True, height=_LOG_HEIGHT_PX)
    else:
        st.caption(t("page.deployments.log_empty"))


def deployment_buttons(view: DeploymentView) -> None:
    """Measure, stop, restart, remove; each of the last three asks first and names what runs on it."""
    t, service, state = session.texts(), session.app().deployments, view.deployment.state
    if view.endpoint is not None and state is DeploymentState.READY:
        measure = t("page.endpoints.measure")
        link_button("benchmark", measure, key=f"measure_{view.endpoint.id}", type="primary", endpoint=view.endpoint.id)
    if state in _STOPPABLE:
        _button(view, "stop", ":material/stop_circle:", service.stop)
    if state not in _GONE and state is not DeploymentState.PLANNED:
        _button(view, "restart", ":material/restart_alt:", service.restart)
    if state not in _GONE:
        _button(view, "remove", ":material/delete:", service.remove)


def _button(view: DeploymentView, verb: str, icon: str, action: Callable[..., object]) -> None:
    t, deployment, actor = session.texts(), view.deployment, session.actor()
    if not st.button(t(f"word.{verb}"), key=f"{verb}_{deployment.id}", icon=icon):
        return
    text = t(f"page.deployments.{verb}_text")
    if view.busy is not None:
        text = f"{t('page.deployments.busy', title=view.busy.job.title)} {text}"
    confirm(
        t(f"page.deployments.{verb}_title", name=deployment.name),
        text,
        t(f"word.{verb}"),
        lambda: action(actor, deployment.id, cancel_jobs=view.busy is not None),
        told=t(f"page.deployments.{verb}_done", name=deployment.name),
    )


def states(views: tuple[DeploymentView, ...]) -> dict[str, tuple[DeploymentState, str | None]]:
    """What the frame around a polled list depends on."""
    return {view.deployment.id: (view.deployment.state, _busy_id(view)) for view in views}


def _busy_id(view: DeploymentView) -> str | None:
    return view.busy.job.id if view.busy else None


def is_removed(deployment: Deployment) -> bool:
    """Whether only its history is left."""
    return deployment.state in _GONE
