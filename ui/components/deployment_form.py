"""The form of a deployment. Every field has a place below it where the plan's findings about it are drawn."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.domain.deployment import DeploymentRequest
from core.domain.finding import Finding
from ui import session
from ui.components import deployment_choice as choice
from ui.components import deployment_fields as fields
from ui.components.deployment_fields import UNFILLED, Places, place_findings
from ui.deployment_values import folder_name, request_of

FIELDS = (
    "model", "platform", "profile", "max_input_len", "max_concurrency", "weights", "image", "served_name",
    "version_label", "host_port", "container_name", "with_key", "tp", "pp", "max_model_len", "devices",
    "reasoning_parser", "mtp", "trust_remote_code", "enforce_eager", "serve_args", "env", "privileged", "ipc",
    "shm_size", "restart", "host_ip", "container_port", "entrypoint", "network", "gpus", "docker_options",
)  # fmt: skip
__all__ = ["FIELDS", "UNFILLED", "draw", "place_findings", "read"]


def draw() -> Places:
    """The fields in four groups; gives the place below each of them."""
    choice.take_pasted()
    choice.begin()
    t = session.texts()
    with st.container(border=True):
        places = choice.draw()
        choice.left_over()
        places |= fields.text("weights", placeholder=_weights_example())
    with st.container(border=True):
        st.markdown(f"**{t('page.deploy.group_service')}**")
        places |= _service()
    with st.container(border=True):
        st.markdown(f"**{t('page.deploy.group_serving')}**")
        places |= _serving()
    with st.expander(t("page.deploy.more"), icon=":material/deployed_code:", key="deploy_more"):
        places |= _container()
    return places


def _weights_example() -> str | None:
    model = session.app().catalog.catalog().models.get(st.session_state["deploy_model"])
    return f"/data/weights/{model.name}" if model else None


def _service() -> Places:
    places = fields.text("image")
    left, right = st.columns(2)
    with left:
        places |= fields.text("served_name", placeholder=folder_name(fields.value("weights")) or None)
        places |= fields.text("container_name")
    with right:
        places |= fields.number("host_port", most=65535)
        places |= fields.text("version_label")
    return places | fields.toggle("with_key")


def _serving() -> Places:
    places: Places = {}
    for column, field in zip(st.columns(3), ("tp", "pp", "max_model_len"), strict=True):
        with column:
            places |= fields.number(field, step=1024 if field == "max_model_len" else 1)
    left, right = st.columns(2)
    with left:
        places |= fields.text("devices", placeholder=session.texts()("page.deploy.devices_auto"))
    with right:
        places |= fields.text("reasoning_parser")
    for column, field in zip(st.columns(3), ("mtp", "trust_remote_code", "enforce_eager"), strict=True):
        with column:
            places |= fields.toggle(field)
    return places | fields.lines("serve_args") | fields.lines("env")


def _container() -> Places:
    places = fields.toggle("privileged")
    left, right = st.columns(2)
    with left:
        places |= fields.text("ipc") | fields.restart_choice() | fields.text("host_ip") | fields.text("network")
    with right:
        places |= fields.text("shm_size") | fields.number("container_port", most=65535) | fields.entrypoint_choice()
        places |= fields.text("gpus")
    return places | fields.lines("docker_options", height=80)


def read() -> tuple[DeploymentRequest, tuple[Finding, ...]]:
    """What the fields ask for, and what cannot be read of them (left out of the request)."""
    request, unread = request_of(fields.values())
    profile, platform = choice.chosen()
    named = replace(
        request,
        profile=profile,
        platform=platform,
        overrides=tuple(st.session_state.get("deploy_overrides", ())),
        replaces=st.session_state.get("deploy_replaces"),
    )
    return named, unread
