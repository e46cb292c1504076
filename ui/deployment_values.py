"""A deployment's request as the values of its form's fields, and back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.domain.devices import read_devices, write_devices
from core.domain.finding import Finding, Severity
from core.errors import BadInput
from core.formats import docker_cli
from core.formats.serve_settings import ServeSettings, read_settings, token_count
from ui.command_words import read_args, read_env

Values = Mapping[str, Any]
_PLAIN = (
    "image", "weights", "served_name", "container_name", "host_port", "container_port", "privileged", "with_key",
    "version_label",
)  # fmt: skip
_MAYBE = ("host_ip", "shm_size", "ipc", "restart", "network", "gpus")
_COUNTS = ("tp", "pp", "max_model_len", "host_port", "container_port")
"""Whole numbers, held as they are typed, so that the plan follows every digit."""
_SETTINGS = ("tp", "pp", "max_model_len", "trust_remote_code", "enforce_eager", "reasoning_parser", "mtp")
_MOST_DIGITS, _SHOWN = 12, 40
BLANK = DeploymentRequest(image="", weights="", served_name="")


def values_of(request: DeploymentRequest) -> dict[str, Any]:
    """What the fields show for ``request``."""
    settings = read_settings(request.serve_args)
    values: dict[str, Any] = {name: getattr(request, name) for name in _PLAIN}
    values |= {name: getattr(request, name) or "" for name in _MAYBE}
    values |= {name: getattr(settings, name) for name in _SETTINGS}
    values |= {name: "" if values[name] is None else str(values[name]) for name in _COUNTS}
    values["reasoning_parser"] = settings.reasoning_parser or ""
    values["restart"] = request.restart or "no"
    values["serve_args"] = shlex.join(settings.extra)
    values["env"] = "\n".join(f"{name}={value}" for name, value in request.env)
    values["devices"] = write_devices(request.devices)
    values["docker_options"] = "\n".join(docker_cli.option_texts(_rest_of(request)))
    values["entrypoint"] = request.entrypoint
    return values


def request_of(values: Values) -> tuple[DeploymentRequest, tuple[Finding, ...]]:
    """What the fields ask for, and what cannot be read of them (left out of the request)."""
    unread: list[Finding] = []

    def read(found: Any, otherwise: Any) -> Any:
        if isinstance(found, Finding):
            unread.append(found)
            return otherwise
        return found

    extra = read(read_args(values["serve_args"]), ())
    counts = {name: read(_count(name, str(values[name])), None) for name in _COUNTS}
    typed = {**values, **counts}
    for port in ("host_port", "container_port"):
        typed[port] = getattr(BLANK, port) if counts[port] is None else counts[port]
    settings = ServeSettings(
        **{name: typed[name] for name in _SETTINGS if name != "reasoning_parser"},
        reasoning_parser=values["reasoning_parser"].strip() or None,
        extra=extra,
    )
    plain: dict[str, Any] = {name: typed[name] for name in _PLAIN if name != "served_name"}
    maybe: dict[str, Any] = {name: values[name] or None for name in _MAYBE}
    request = DeploymentRequest(
        **plain,
        **maybe,
        served_name=values["served_name"].strip() or folder_name(values["weights"]),
        env=read(read_env(values["env"]), ()),
        serve_args=settings.arguments(),
        entrypoint=EntrypointForm(values["entrypoint"]),
        devices=read(_devices(values["devices"]), ()),
    )
    rest = read(_options(values["docker_options"]), None)
    return (_with_rest(request, rest) if rest else request), tuple(unread)


def _count(field: str, text: str) -> int | Finding | None:
    """A whole number from 1 on, ``64K`` as vLLM reads it; nothing typed is None."""
    if not text.strip():
        return None
    found = token_count(text)
    if found is None or found < 1 or len(text) > _MOST_DIGITS:
        return Finding("count_bad", Severity.BLOCK, field, {"value": text.strip()[:_SHOWN]})
    return found


def folder_name(weights: str) -> str:
    """What the model is called where nobody gives it a name."""
    return PurePosixPath(weights.strip()).name


def _rest_of(request: DeploymentRequest) -> ContainerSpec:
    """The options that have no field of their own."""
    return ContainerSpec(
        name="",
        image="",
        mounts=request.mounts,
        devices=request.device_nodes,
        group_add=request.group_add,
        cap_add=request.cap_add,
        security_opt=request.security_opt,
        ulimits=request.ulimits,
        runtime=request.runtime,
        pid=request.pid,
    )


def _with_rest(request: DeploymentRequest, spec: ContainerSpec) -> DeploymentRequest:
    return replace(
        request,
        mounts=spec.mounts,
        device_nodes=spec.devices,
        group_add=spec.group_add,
        cap_add=spec.cap_add,
        security_opt=spec.security_opt,
        ulimits=spec.ulimits,
        runtime=spec.runtime,
        pid=spec.pid,
    )


def _options(text: str) -> ContainerSpec | Finding | None:
    """Options of ``docker run``, over any number of lines. What has its own field, or no place at all, is a finding."""
    words = " ".join(line.strip().removesuffix("\\") for line in text.splitlines())
    if not words.strip():
        return None
    try:
        found = docker_cli.parse(f"docker run {words} image")
    except BadInput:
        return Finding("docker_options_bad", Severity.BLOCK, "docker_options", {"value": words[:120]})
    known = docker_cli.option_texts(_only_rest(found.spec))
    strange = [] if found.spec.image == "image" else [found.spec.image]
    strange += [*found.not_understood, *(one for one in docker_cli.option_texts(found.spec) if one not in known)]
    if strange:
        return Finding("docker_options_bad", Severity.BLOCK, "docker_options", {"value": " ".join(strange)[:120]})
    return found.spec


def _only_rest(spec: ContainerSpec) -> ContainerSpec:
    return _rest_of(_with_rest(BLANK, spec))


def _devices(text: str) -> tuple[int, ...] | Finding:
    try:
        return read_devices(text)
    except ValueError:
        return Finding("devices_bad", Severity.BLOCK, "devices", {"value": text.strip()})
