"""A compose file for a ContainerSpec."""

from __future__ import annotations

import re
from typing import Any

import yaml

from core.domain.container import BindMount, ContainerSpec, PublishedPort


def render(spec: ContainerSpec) -> str:
    """One service. ``$`` in values is doubled, since compose would fill variables in; a secret variable is taken from
    the environment of ``docker compose up``, which stops where it is not set."""
    document: dict[str, Any] = {"services": {_service_name(spec.name): _service(spec)}}
    if named := [mount.source for mount in spec.mounts if mount.is_volume]:
        document["volumes"] = {name: {"name": name} for name in named}  # or compose would put the project before it
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False, width=1000)


def _service_name(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", name.lower()).strip("-_") or "vllm"


def _service(spec: ContainerSpec) -> dict[str, Any]:
    service = {
        "image": _literal(spec.image),
        "container_name": spec.name or None,
        "command": [_literal(word) for word in spec.command],
        "privileged": spec.privileged or None,
        "shm_size": spec.shm_size,
        "ipc": spec.ipc,
        "network_mode": spec.network,
        "pid": spec.pid,
        "volumes": [_volume(mount) for mount in spec.mounts],
        "ports": [_port(port) for port in spec.ports if spec.network != "host"],
        "environment": _environment(spec),
        "restart": spec.restart,
        "runtime": spec.runtime,
        "devices": list(spec.devices),
        "group_add": list(spec.group_add),
        "cap_add": list(spec.cap_add),
        "security_opt": list(spec.security_opt),
        "ulimits": dict(_ulimit(text) for text in spec.ulimits),
        "deploy": _gpus(spec.gpus) if spec.gpus else None,
        "labels": {name: _literal(value) for name, value in spec.labels.items()},
    }
    return {name: value for name, value in service.items() if value}


def _literal(text: str) -> str:
    return text.replace("$", "$$")


def _environment(spec: ContainerSpec) -> dict[str, str]:
    plain = {name: _literal(value) for name, value in spec.env.items()}
    return plain | {name: f"${{{name}:?set {name}}}" for name in spec.secret_env}


def _volume(mount: BindMount) -> dict[str, Any]:
    if mount.is_volume:
        return {"type": "volume", "source": mount.source, "target": _literal(mount.target)}
    volume: dict[str, Any] = {"type": "bind", "source": _literal(mount.source), "target": _literal(mount.target)}
    if mount.read_only:
        volume["read_only"] = True
    return {**volume, "bind": {"create_host_path": False}}


def _port(port: PublishedPort) -> str:
    host = f"[{port.host_ip}]" if port.host_ip and ":" in port.host_ip else port.host_ip
    return f"{f'{host}:' if host else ''}{port.host_port}:{port.container_port}"


def _ulimit(text: str) -> tuple[str, int | dict[str, int]]:
    name, _, limits = text.partition("=")
    soft, _, hard = limits.partition(":")
    return name, {"soft": int(soft), "hard": int(hard)} if hard else int(soft)


def _gpus(text: str) -> dict[str, Any]:
    device: dict[str, Any] = {"driver": "nvidia", "capabilities": ["gpu"]}
    if text.startswith("device="):
        device["device_ids"] = text.removeprefix("device=").split(",")
    else:
        device["count"] = text if text == "all" else int(text)
    return {"resources": {"reservations": {"devices": [device]}}}
