"""A deployment on the screen: its card, its answer in a sentence, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.domain.access import Role
from core.domain.deployment import Deployment, DeploymentState, DeploymentView
from core.domain.devices import write_devices
from core.domain.endpoint import Origin
from core.domain.job import JobKind, Reason
from core.domain.storyboard import SERVED
from core.formats import docker_cli
from core.services.deployment_details import DeploymentDetail
from ui import session
from ui.act import act
from ui.components.cards import confirm
from ui.components.endpoint import health_badge, running_here
from ui.components.findings import draw_findings
from ui.components.job import progress_text
from ui.components.links import go, link, link_button
from ui.components.pieces import simulated_badge, state_badge
from ui.components.storyboard import story_sentence
from ui.markdown import plain

_GONE = frozenset({DeploymentState.REMOVED})
_STOPPABLE = frozenset({DeploymentState.STARTING, DeploymentState.LOADING, DeploymentState.READY})
_UNDER_WAY = frozenset({DeploymentState.PLANNED, DeploymentState.STARTING, DeploymentState.LOADING})


def is_changing(view: DeploymentView) -> bool:
    """Whether the screen should keep watching it."""
    return view.deployment.state in _UNDER_WAY or view.busy is not None


def is_measurable(view: DeploymentView) -> bool:
    """Whether it serves, and writes text."""
    ready = view.deployment.state is DeploymentState.READY
    return ready and (view.endpoint is None or view.endpoint.writes)


def is_removed(deployment: Deployment) -> bool:
    """Whether only its history is left."""
    return deployment.state in _GONE


def signature(view: DeploymentView) -> tuple[DeploymentState, str | None]:
    """What the frame around a polled part depends on."""
    return view.deployment.state, view.busy.job.id if view.busy else None


def states(views: tuple[DeploymentView, ...]) -> dict[str, tuple[DeploymentState, str | None]]:
    """The same of a list."""
    return {view.deployment.id: signature(view) for view in views}


def serve_command(deployment: Deployment) -> str:
    """As it was started."""
    return docker_cli.render_shell(deployment.spec)


# ---------------------------------------------------------------- what it is


def deployment_title(view: DeploymentView, *, large: bool = False) -> None:
    """Name, state, and whether its service answered at the last check."""
    deployment = view.deployment
    if large:
        st.title(plain(deployment.name), anchor=False, width="content")
    else:
        link("deployment", f"**{plain(deployment.name)}**", id=deployment.id)
    state_badge(deployment.state)
    if deployment.adopted:
        st.badge(session.texts()("page.deployments.adopted"), icon=":material/handshake:", color="gray")
    if view.endpoint is not None and deployment.state is DeploymentState.READY:
        health_badge(view.endpoint.check)
        if view.endpoint.origin is Origin.SIMULATED:
            simulated_badge()


def deployment_facts(view: DeploymentView) -> None:
    """What it serves, where and on which devices, from which image; why it failed; what runs on it."""
    t, deployment = session.texts(), view.deployment
    parts = [
        _pair("word.served_name", f"**{plain(deployment.served_name)}**"),
        _pair("word.version", plain(deployment.version_label or t("word.unknown"))),
        *(_pair("word.port", str(port.host_port)) for port in deployment.spec.ports),
        *_devices(deployment),
    ]
    st.markdown(" · ".join(parts))
    if view.endpoint is not None and deployment.state is DeploymentState.READY:
        address(view)
    made = t("component.started_by", name=plain(deployment.created_by), when=t.when(deployment.created_at))
    st.caption(" · ".join([f"`{deployment.spec.image}`", made, *_since(deployment)]))
    if deployment.reason_code:
        st.markdown(f":red[{plain(_reason(deployment))}]")
    if view.busy is not None and view.busy.job.kind is JobKind.DEPLOYMENT:
        if view.busy.progress is not None:
            st.caption(f":blue[:material/progress_activity: {plain(progress_text(view.busy.progress))}]")
    elif deployment.state is DeploymentState.READY:
        running_here(view.busy)


def address(view: DeploymentView) -> None:
    """What clients are given, to be copied; one that only this machine can use says so, and a model that writes no text
    what it gives."""
    t = session.texts()
    if view.reach is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.code(view.reach.url, language=None, width="content")
        if view.reach.is_local:
            st.caption(t("page.deployment.local_only"), width="content")
        check = view.endpoint.check if view.endpoint else None
        if check is not None and check.task is not None and not check.writes:
            st.caption(t(f"page.endpoints.gives_{check.task}"), width="content")


def _devices(deployment: Deployment) -> tuple[str, ...]:
    asked = deployment.request
    return (_pair("page.deploy.devices", write_devices(asked.devices)),) if asked and asked.devices else ()


def _weights(deployment: Deployment) -> tuple[str, ...]:
    found = deployment.facts.weights_fingerprint
    return (_pair("page.deployment.weights", f"`{found}`"),) if found else ()


def _since(deployment: Deployment) -> tuple[str, ...]:
    t = session.texts()
    served = next((mark.at for mark in deployment.stages if mark.stage == SERVED), None)
    if served is None or deployment.state is not DeploymentState.READY:
        return ()
    return (plain(t("page.deployments.since", when=t.when(served))),)


def _pair(label: str, value: str) -> str:
    t = session.texts()
    return t("component.pair", label=t(label), value=value)


def _reason(deployment: Deployment) -> str:
    params = {name: int(text) if text.isdecimal() else text for name, text in deployment.reason_params}
    return session.texts().reason(Reason(deployment.reason_code or "", params))


# ---------------------------------------------------------------- one in full


def answer(detail: DeploymentDetail) -> str:
    """How it stands, in a sentence."""
    t, deployment = session.texts(), detail.view.deployment
    told = {"name": plain(deployment.served_name), "when": t.when(deployment.created_at)}
    if deployment.state in _UNDER_WAY:
        return f"{t('page.deployment.answer_loading', **told)} {plain(story_sentence(detail.story))}"
    if deployment.state is DeploymentState.READY:
        return t("page.deployment.answer_ready", span=t.duration(detail.story.elapsed_s), **told)
    return t(f"page.deployment.answer_{deployment.state}", **told)


def failure(detail: DeploymentDetail) -> None:
    """The cause in plain words, and the one click that may repair it."""
    t, deployment = session.texts(), detail.view.deployment
    if not deployment.reason_code:
        return
    st.error(plain(_reason(deployment)), title=t("page.deployment.failed_title"), icon=":material/error:")
    if detail.fix is None:
        return
    app, label = session.app(), t(f"fix.{detail.fix.code}", **detail.fix.params)
    if session.may(Role.OPERATOR) and st.button(label, key="fix", type="primary", icon=":material/build:"):
        begun = act(app.deployments.start, session.actor(), app.deployments.plan(detail.fix.request))
        if begun:
            go("deployment", id=begun.value.job.deployment_id or "")


def facts(detail: DeploymentDetail) -> None:
    """Where it serves, to be copied, and what it stands on."""
    t, deployment = session.texts(), detail.view.deployment
    left, right = st.columns([1, 1], gap="medium")
    with left:
        if detail.view.endpoint is not None:
            st.caption(t("page.deployment.endpoint"))
            address(detail.view)
        key = "page.deployment.keyed" if deployment.spec.secret_env else "page.deployment.open"
        st.markdown(t(key))
    with right:
        lines = [
            _pair("word.served_name", f"**{plain(deployment.served_name)}**"),
            _pair("word.version", plain(deployment.version_label or t("word.unknown"))),
            *_devices(deployment),
            _pair("word.image", f"`{deployment.spec.image}`"),
            *_weights(deployment),
            _pair("word.started", plain(f"{t.when(deployment.created_at)}, {deployment.created_by}")),
        ]
        st.markdown("  \n".join(lines))


def accepted_list(deployment: Deployment) -> None:
    """What was known to stand against it when it was started, and was taken on."""
    if deployment.accepted:
        st.caption(session.texts()("page.deployment.accepted"))
        draw_findings(deployment.accepted)


# ---------------------------------------------------------------- what can be done


def deployment_buttons(view: DeploymentView) -> None:
    """Measure, stop, restart, remove; each of the last three asks first and names what runs on it."""
    t, service, state = session.texts(), session.app().deployments, view.deployment.state
    if view.endpoint is not None and is_measurable(view):
        measure = t("page.endpoints.measure")
        link_button("benchmark", measure, key=f"measure_{view.endpoint.id}", type="primary", endpoint=view.endpoint.id)
    if state in _STOPPABLE:
        _button(view, "stop", ":material/stop_circle:", service.stop)
    if state not in _GONE and state is not DeploymentState.PLANNED:
        _button(view, "restart", ":material/restart_alt:", service.restart)
    if state not in _GONE:
        verb = "release" if view.deployment.adopted else "remove"
        _button(view, verb, ":material/delete:", service.remove)


def ways_on(detail: DeploymentDetail) -> None:
    """Into the form again: as another one, or in its own place with another image."""
    t, deployment = session.texts(), detail.view.deployment
    if not session.may(Role.OPERATOR):
        return
    own = deployment.id
    with st.container(horizontal=True):
        if deployment.state not in _GONE and not deployment.adopted:
            label, icon = t("page.deployment.replace"), ":material/upgrade:"
            link_button("deploy", label, key="replace_it", icon=icon, like=own, replaces=own)
        link_button("deploy", t("page.deployment.clone"), key="clone", icon=":material/content_copy:", like=own)


def _button(view: DeploymentView, verb: str, icon: str, action: Callable[..., object]) -> None:
    t, deployment, actor = session.texts(), view.deployment, session.actor()
    word = t("page.deployments.release" if verb == "release" else f"word.{verb}")
    if not st.button(word, key=f"{verb}_{deployment.id}", icon=icon):
        return
    text = t(f"page.deployments.{verb}_text")
    if view.busy is not None:
        text = f"{t('page.deployments.busy', title=view.busy.job.title)} {text}"
    confirm(
        t(f"page.deployments.{verb}_title", name=deployment.name),
        text,
        word,
        lambda: action(actor, deployment.id, cancel_jobs=view.busy is not None),
        told=t(f"page.deployments.{verb}_done", name=deployment.name),
    )
