"""The form of a deployment. Every field has a place below it where the plan's findings about it are drawn."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

import streamlit as st

from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.domain.finding import Finding
from ui import session
from ui.command_words import read_args, read_env
from ui.components.findings import field_findings

UNFILLED = frozenset({"image_empty", "weights_empty", "served_name_empty"})
"""Findings about fields that nobody has reached yet: they are named beside the button, not in red."""
RESTARTS = ("unless-stopped", "always", "on-failure", "no")
FIELDS = (
    "image", "weights", "served_name", "version_label", "container_name", "host_port", "with_key", "serve_args", "env",
    "privileged", "ipc", "shm_size", "restart", "host_ip", "container_port", "entrypoint",
)  # fmt: skip
_BLANK = DeploymentRequest(image="", weights="", served_name="")
_PLACEHOLDERS = {
    "image": "vllm/vllm-openai:v0.11.0",
    "weights": "/data/weights/Qwen3-8B",
    "serve_args": "--tensor-parallel-size 8\n--max-model-len 32768",
    "env": "NAME=value",
    "shm_size": "64g",
    "host_ip": "127.0.0.1",
}
_Places = dict[str, Any]


def _key(field: str) -> str:
    return f"deploy_{field}"


def _value(field: str) -> Any:
    return st.session_state[_key(field)]


def _labels(field: str, default: object = "") -> dict[str, Any]:
    t = session.texts()
    st.session_state.setdefault(_key(field), default)
    return {
        "label": t(f"page.deploy.{field}"),
        "key": _key(field),
        "help": t(f"page.deploy.{field}_help"),
        "persist_state": "session",
    }


def _text(field: str, default: str = "", placeholder: str | None = None) -> _Places:
    st.text_input(**_labels(field, default), placeholder=placeholder or _PLACEHOLDERS.get(field))
    return _place(field)


def _lines(field: str) -> _Places:
    st.text_area(**_labels(field), placeholder=_PLACEHOLDERS[field], height=110)
    return _place(field)


def _port(field: str, default: int) -> _Places:
    st.number_input(**_labels(field, default), min_value=1, max_value=65535, step=1)
    return _place(field)


def _toggle(field: str, default: bool) -> _Places:
    st.toggle(**_labels(field, default))
    return _place(field)


def _place(field: str) -> _Places:
    return {field: st.container(gap="xxsmall")}


def draw() -> _Places:
    """The fields; gives the place below each of them."""
    places = _text("image") | _text("weights")
    left, right = st.columns(2)
    with left:
        places |= _text("served_name", placeholder=_folder_name())
        places |= _text("container_name", _BLANK.container_name)
    with right:
        places |= _text("version_label")
        places |= _port("host_port", _BLANK.host_port)
    places |= _toggle("with_key", _BLANK.with_key)
    places |= _lines("serve_args") | _lines("env")
    with st.expander(session.texts()("page.deploy.more")):
        places |= _container_options()
    return places


def _container_options() -> _Places:
    places = _toggle("privileged", _BLANK.privileged)
    left, right = st.columns(2)
    with left:
        places |= _text("ipc", _BLANK.ipc or "")
        st.selectbox(**_labels("restart", _BLANK.restart), options=RESTARTS)
        places |= _place("restart") | _text("host_ip")
    with right:
        places |= _text("shm_size") | _port("container_port", _BLANK.container_port)
        labels, t = _labels("entrypoint", _BLANK.entrypoint), session.texts()
        st.selectbox(
            **labels, options=list(EntrypointForm), format_func=lambda form: t(f"page.deploy.entrypoint_{form}")
        )
        places |= _place("entrypoint")
    return places


def _folder_name() -> str | None:
    """What the model is called where nobody gives it a name."""
    return PurePosixPath(_value("weights").strip()).name or None


def read() -> tuple[DeploymentRequest, tuple[Finding, ...]]:
    """What the fields ask for, and what cannot be read of them (left out of the request)."""
    env, args = read_env(_value("env")), read_args(_value("serve_args"))
    unread = tuple(one for one in (env, args) if isinstance(one, Finding))
    plain = {field: _value(field) for field in FIELDS if field not in {"env", "serve_args", "served_name"}}
    request = DeploymentRequest(
        **plain,
        served_name=_value("served_name").strip() or _folder_name() or "",
        env=() if isinstance(env, Finding) else env,
        serve_args=() if isinstance(args, Finding) else args,
    )
    return request, unread


def place_findings(places: _Places, found: Iterable[Finding]) -> None:
    """Each below its field."""
    findings = tuple(finding for finding in found if finding.code not in UNFILLED)
    for field, place in places.items():
        with place:
            field_findings(findings, field)
