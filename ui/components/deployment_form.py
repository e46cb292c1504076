"""The form of a deployment. Every field has a place below it where the plan's findings about it are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import streamlit as st

from core.domain.deployment import DeploymentRequest
from core.domain.finding import Finding
from ui import session
from ui.components import deployment_choice as choice
from ui.components import deployment_fields as fields
from ui.components.deployment_fields import UNFILLED, Places, place_findings
from ui.deployment_values import folder_name, request_of

TABS: Mapping[str, tuple[str, ...]] = {
    "service": ("image", "served_name", "version_label", "host_port", "container_name", "with_key"),
    "serving": (
        "tp", "pp", "max_model_len", "devices", "reasoning_parser", "mtp", "trust_remote_code", "enforce_eager",
        "serve_args", "env",
    ),
    "container": (
        "privileged", "ipc", "shm_size", "restart", "host_ip", "container_port", "entrypoint", "network", "gpus",
        "docker_options",
    ),
}  # fmt: skip
FIELDS = (
    *("model", "platform", "profile", "max_input_len", "max_concurrency", "weights"),
    *(field for own in TABS.values() for field in own),
)
__all__ = ["FIELDS", "UNFILLED", "draw", "place_findings", "read", "where"]


def where(field: str) -> str:
    """A field's label, with the tab that it stands in: one tab hides the others."""
    t, label = session.texts(), session.texts()(f"page.deploy.{field}")
    tab = next((name for name, own in TABS.items() if field in own), None)
    return f"{t(f'page.deploy.group_{tab}')} › {label}" if tab else label


def draw() -> Places:
    """What is served, and in tabs how; gives the place below each field."""
    choice.take_pasted()
    choice.begin()
    t = session.texts()
    choice.skipped_files()
    with st.container(border=True):
        places = choice.draw()
        choice.left_over()
        places |= fields.row(partial(fields.text, "weights", placeholder=_weights_example()))
    service, serving, container = st.tabs([t(f"page.deploy.group_{name}") for name in TABS], key="deploy_tab")
    with service:
        places |= _service()
    with serving:
        places |= _serving()
    with container:
        places |= _container()
    return places


def _weights_example() -> str | None:
    model = session.app().catalog.catalog().models.get(st.session_state["deploy_model"])
    return f"/data/weights/{model.name}" if model else None


def _service() -> Places:
    places = fields.row(partial(fields.text, "image"))
    places |= fields.row(
        partial(fields.text, "served_name", placeholder=folder_name(fields.value("weights")) or None),
        partial(fields.text, "version_label"),
    )
    places |= fields.row(
        partial(fields.number, "host_port"),
        partial(fields.text, "container_name"),
    )
    return places | fields.row(partial(fields.toggle, "with_key"))


def _serving() -> Places:
    places = fields.row(
        partial(fields.number, "tp"),
        partial(fields.number, "pp"),
        partial(fields.number, "max_model_len"),
    )
    places |= fields.row(
        partial(fields.text, "devices", placeholder=session.texts()("page.deploy.devices_auto")),
        partial(fields.text, "reasoning_parser"),
    )
    places |= fields.row(*(partial(fields.toggle, name) for name in ("mtp", "trust_remote_code", "enforce_eager")))
    return places | fields.row(partial(fields.lines, "serve_args")) | fields.row(partial(fields.lines, "env"))


def _container() -> Places:
    places = fields.row(partial(fields.toggle, "privileged"))
    places |= fields.row(partial(fields.text, "ipc"), partial(fields.text, "shm_size"))
    places |= fields.row(fields.restart_choice, fields.entrypoint_choice)
    one_port = fields.on_host_network()
    places |= fields.row(partial(fields.text, "host_ip"), partial(fields.number, "container_port", disabled=one_port))
    places |= fields.row(partial(fields.text, "network"), partial(fields.text, "gpus"))
    return places | fields.row(partial(fields.lines, "docker_options", height=80))


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
