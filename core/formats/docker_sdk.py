"""The Docker SDK's arguments for a ContainerSpec, for ``client.containers.create(**create_kwargs(spec, secrets))``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from docker.types import DeviceRequest, Mount, Ulimit

from core.domain.container import BindMount, ContainerSpec
from core.errors import StoreError


def create_kwargs(spec: ContainerSpec, secrets: Mapping[str, str]) -> dict[str, Any]:
    """``secrets``: the values of ``spec.secret_env``'s variables, by variable name; they stand nowhere else. A folder
    that is not on the host is refused by the engine (a bind mount), never made. Raises StoreError
    (secret_unreadable: ref) where a value is missing."""
    return {
        "image": spec.image,
        "name": spec.name or None,
        "command": list(spec.command),
        "detach": True,
        "environment": {**spec.env, **_secret_values(spec, secrets)},
        "labels": dict(spec.labels),
        "privileged": spec.privileged,
        "mounts": [_mount(mount) for mount in spec.mounts],
        **{name: value for name, value in _optional(spec).items() if value},
    }


def _mount(mount: BindMount) -> Mount:
    kind: Literal["bind", "volume"] = "volume" if mount.is_volume else "bind"
    return Mount(mount.target, mount.source, type=kind, read_only=mount.read_only)


def _secret_values(spec: ContainerSpec, secrets: Mapping[str, str]) -> dict[str, str]:
    missing = [ref for name, ref in spec.secret_env.items() if name not in secrets]
    if missing:
        raise StoreError("secret_unreadable", ref=missing[0])
    return {name: secrets[name] for name in spec.secret_env}


def _optional(spec: ContainerSpec) -> dict[str, Any]:
    return {
        "ports": _ports(spec) if spec.network != "host" else None,  # the SDK refuses both, the CLI drops the ports
        "shm_size": spec.shm_size,
        "ipc_mode": spec.ipc,
        "network_mode": spec.network,
        "pid_mode": spec.pid,
        "restart_policy": _restart(spec.restart) if spec.restart else None,
        "devices": list(spec.devices),
        "group_add": list(spec.group_add),
        "cap_add": list(spec.cap_add),
        "security_opt": list(spec.security_opt),
        "ulimits": [_ulimit(text) for text in spec.ulimits],
        "runtime": spec.runtime,
        "device_requests": [_gpus(spec.gpus)] if spec.gpus else None,
    }


def _ports(spec: ContainerSpec) -> dict[str, list[int | tuple[str, int]]]:
    ports: dict[str, list[int | tuple[str, int]]] = {}
    for port in spec.ports:
        address = (port.host_ip, port.host_port) if port.host_ip else port.host_port
        ports.setdefault(f"{port.container_port}/tcp", []).append(address)
    return ports


def _restart(text: str) -> dict[str, Any]:
    """``on-failure:3`` carries its count."""
    name, _, count = text.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count)} if count.isdecimal() else {"Name": name}


def _ulimit(text: str) -> Ulimit:
    """``memlock=-1`` or ``nofile=1024:2048`` (soft:hard)."""
    name, _, limits = text.partition("=")
    soft, _, hard = limits.partition(":")
    return Ulimit(name=name, soft=int(soft), hard=int(hard or soft))


def _gpus(text: str) -> DeviceRequest:
    """``all``, a count, or ``device=0,1``."""
    capabilities = [["gpu"]]
    if text.startswith("device="):
        devices = text.removeprefix("device=").split(",")
        return DeviceRequest(device_ids=devices, capabilities=capabilities)
    return DeviceRequest(count=-1 if text == "all" else int(text), capabilities=capabilities)
