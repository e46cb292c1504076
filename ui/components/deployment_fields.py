"""The fields of a deployment's form: each with its explanation and a link to its source, and a place for findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.domain.finding import Finding, Severity
from ui import session
from ui.components.findings import draw_findings
from ui.deployment_values import BLANK, values_of

UNFILLED = frozenset({"image_empty", "weights_empty", "served_name_empty"})
"""Findings about fields that nobody has reached yet: they are named beside the button, not in red."""
RESTARTS = ("unless-stopped", "always", "on-failure", "no")
_VLLM = "https://docs.vllm.ai/en/latest/cli/serve/#"
_DOCKER = "https://docs.docker.com/reference/cli/docker/container/run/#"
_SOURCES: Mapping[str, str] = {
    "served_name": f"{_VLLM}--served-model-name",
    "tp": f"{_VLLM}-tensor-parallel-size-tp",
    "pp": f"{_VLLM}-pipeline-parallel-size-pp",
    "max_model_len": f"{_VLLM}-max-model-len",
    "reasoning_parser": f"{_VLLM}-reasoning-parser",
    "mtp": f"{_VLLM}-speculative-config-sc",
    "trust_remote_code": f"{_VLLM}-trust-remote-code",
    "enforce_eager": f"{_VLLM}-enforce-eager",
    "serve_args": "https://docs.vllm.ai/en/latest/cli/serve/",
    "with_key": f"{_VLLM}-api-key",
    "env": "https://docs.vllm.ai/en/latest/configuration/env_vars/",
    "image": "https://docs.vllm.ai/en/latest/deployment/docker/",
    "weights": f"{_DOCKER}volume",
    "container_name": f"{_DOCKER}name",
    "host_port": f"{_DOCKER}publish",
    "host_ip": f"{_DOCKER}publish",
    "container_port": f"{_VLLM}-port",
    "privileged": f"{_DOCKER}privileged",
    "ipc": f"{_DOCKER}ipc",
    "shm_size": "https://docs.docker.com/reference/cli/docker/container/run/#options",
    "restart": f"{_DOCKER}restart",
    "network": f"{_DOCKER}network",
    "gpus": f"{_DOCKER}gpus",
    "docker_options": f"{_DOCKER}options",
    "entrypoint": f"{_DOCKER}entrypoint",
}
_PLACEHOLDERS = {
    "image": "vllm/vllm-openai:v0.11.0",
    "weights": "/data/weights/Qwen3-8B",
    "serve_args": "--max-num-seqs 4",
    "env": "NAME=value",
    "shm_size": "64g",
    "host_ip": "127.0.0.1",
    "network": "bridge",
    "gpus": "all",
    "docker_options": "--device /dev/kfd --group-add video",
    "reasoning_parser": "deepseek_r1",
}
_ORDER = tuple(Severity)
Places = dict[str, Any]


def key_of(field: str) -> str:
    """The widget's key."""
    return f"deploy_{field}"


def value(field: str) -> Any:
    """What the field holds now."""
    return st.session_state[key_of(field)]


def load(request: DeploymentRequest) -> None:
    """Fills every field. Call it before the fields are drawn, or in a callback."""
    for field, content in values_of(request).items():
        st.session_state[key_of(field)] = content
    st.session_state["deploy_overrides"] = ()


def on_host_network() -> bool:
    """Then there is one port, the service's own."""
    return str(st.session_state.get(key_of("network"), "")).strip() == "host"


def is_new() -> bool:
    """Whether nobody has filled the form yet."""
    return key_of("container_name") not in st.session_state


def values() -> dict[str, Any]:
    """What all fields hold, also those that were not drawn yet."""
    return {field: st.session_state.get(key_of(field), blank) for field, blank in values_of(BLANK).items()}


def explained(field: str) -> str:
    """What the field means, and where that is written."""
    t = session.texts()
    text, source = t(f"page.deploy.{field}_help"), _SOURCES.get(field)
    return f"{text} [{t('page.deploy.read_more')}]({source})" if source else text


def _labels(field: str) -> dict[str, Any]:
    st.session_state.setdefault(key_of(field), values_of(BLANK)[field])
    return {
        "label": session.texts()(f"page.deploy.{field}"),
        "key": key_of(field),
        "help": explained(field),
        "persist_state": "session",
    }


def row(*draws: Callable[[], str], spans: Sequence[int] | None = None) -> Places:
    """Fields side by side, and below them over the whole width the places for what was found."""
    if len(draws) == 1:
        names = [draws[0]()]
    else:
        names = []
        for column, draw in zip(st.columns(spans or len(draws)), draws, strict=True):
            with column:
                names.append(draw())
    return {name: st.container(gap="xxsmall") for name in names}


def text(field: str, placeholder: str | None = None) -> str:
    """A line; the plan follows while it is typed."""
    st.text_input(**_labels(field), placeholder=placeholder or _PLACEHOLDERS.get(field), live=True)
    return field


def lines(field: str, height: int = 96) -> str:
    """Several lines; the browser hands them over when one leaves the field, which is said below it."""
    st.text_area(**_labels(field), placeholder=_PLACEHOLDERS[field], height=height)
    st.caption(session.texts()("page.deploy.lines_apply"))
    return field


def number(field: str, *, disabled: bool = False) -> str:
    """A whole number, or nothing where the field may be empty; the plan follows every digit."""
    st.text_input(**_labels(field), placeholder="–", live=True, disabled=disabled)
    return field


def toggle(field: str) -> str:
    """A switch."""
    st.toggle(**_labels(field))
    return field


def restart_choice() -> str:
    """The restart policy; one of a pasted command stays what it is."""
    labels = _labels("restart")
    now = value("restart")
    options = RESTARTS if now in RESTARTS else (*RESTARTS, now)
    st.selectbox(**labels, options=options)
    return "restart"


def entrypoint_choice() -> str:
    """What the image takes."""
    t = session.texts()
    words = {form: t(f"page.deploy.entrypoint_{form}") for form in EntrypointForm}
    st.selectbox(**_labels("entrypoint"), options=list(EntrypointForm), format_func=words.__getitem__)
    return "entrypoint"


def place_findings(places: Places, found: Iterable[Finding]) -> None:
    """Each below its field; a block from a derived fact with the switch that sets it aside."""
    findings = tuple(finding for finding in found if finding.code not in UNFILLED)
    for field, room in places.items():
        with room:
            here = [finding for finding in findings if finding.field == field]
            for finding in sorted(here, key=lambda one: _ORDER.index(one.severity)):
                draw_findings([finding])
                if finding.derived and finding.severity is Severity.BLOCK:
                    _override(finding)


def _override(finding: Finding) -> None:
    """The explicit act; it is recorded with the deployment."""
    t, chosen = session.texts(), st.session_state.get("deploy_overrides", ())

    def keep() -> None:
        on = st.session_state[f"deploy_override_{finding.code}"]
        others = tuple(code for code in chosen if code != finding.code)
        st.session_state["deploy_overrides"] = (*others, finding.code) if on else others

    st.checkbox(
        t("page.deploy.override"),
        value=finding.code in chosen,
        key=f"deploy_override_{finding.code}",
        help=t("page.deploy.override_help"),
        on_change=keep,
    )
