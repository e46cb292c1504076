"""A container as the engine knows it, in the words of a ContainerSpec: for adopting it, and for seeing what changed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.container import BindMount, ContainerSpec, PublishedPort

_SECRET = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL", re.IGNORECASE)
_DEFAULT_SHM_BYTES = 64 * 1024**2
_DEFAULTS = {"", "default", "bridge", "private", "shareable", "runc", "no"}


def spec_view(attrs: Mapping[str, Any], image_env: Sequence[str], default_runtime: str = "runc") -> ContainerSpec:
    """From GET /containers/ID/json. What is the image's own (``image_env``) or the engine's default is left out; of a
    variable that looks like a secret only the name is told."""
    host, config = attrs.get("HostConfig") or {}, attrs.get("Config") or {}
    variables = dict(line.partition("=")[::2] for line in config.get("Env") or () if line not in image_env)
    secrets = {name for name in variables if _SECRET.search(name)}
    return ContainerSpec(
        name=str(attrs.get("Name") or "").lstrip("/"),
        image=str(config.get("Image") or ""),
        command=tuple(map(str, config.get("Cmd") or ())),
        mounts=tuple(_mounts(host)),
        ports=tuple(_ports(host.get("PortBindings") or {})),
        env={name: value for name, value in variables.items() if name not in secrets},
        secret_env=dict.fromkeys(sorted(secrets), ""),
        privileged=bool(host.get("Privileged")),
        shm_size=_shm(host.get("ShmSize")),
        ipc=_chosen(host.get("IpcMode")),
        network=_chosen(host.get("NetworkMode")),
        restart=_restart(host.get("RestartPolicy") or {}),
        devices=tuple(str(device.get("PathOnHost")) for device in host.get("Devices") or ()),
        group_add=tuple(map(str, host.get("GroupAdd") or ())),
        cap_add=tuple(str(name).removeprefix("CAP_") for name in host.get("CapAdd") or ()),
        security_opt=tuple(_security(host)),
        ulimits=tuple(_ulimit(limit) for limit in host.get("Ulimits") or ()),
        runtime=None if host.get("Runtime") == default_runtime else _chosen(host.get("Runtime")),
        gpus=_gpus(host.get("DeviceRequests") or ()),
        pid=_chosen(host.get("PidMode")),
        labels=dict(config.get("Labels") or {}),
    )


def _chosen(value: object) -> str | None:
    text = str(value or "")
    return None if text in _DEFAULTS else text


def _shm(size: object) -> str | None:
    return str(size) if isinstance(size, int) and size not in {0, _DEFAULT_SHM_BYTES} else None


def _restart(policy: Mapping[str, Any]) -> str | None:
    name, count = _chosen(policy.get("Name")), int(policy.get("MaximumRetryCount") or 0)
    return f"{name}:{count}" if name == "on-failure" and count else name


def _mounts(host: Mapping[str, Any]) -> Iterator[BindMount]:
    for mount in host.get("Mounts") or ():
        if mount.get("Type") == "bind":
            yield BindMount(str(mount.get("Source")), str(mount.get("Target")), bool(mount.get("ReadOnly")))
    for text in host.get("Binds") or ():
        source, _, rest = str(text).partition(":")
        target, _, options = rest.partition(":")
        if source.startswith("/"):
            yield BindMount(source, target, "ro" in options.split(","))


def _ports(bindings: Mapping[str, Any]) -> Iterator[PublishedPort]:
    for inside, hosts in bindings.items():
        for host in hosts or ():
            if str(host.get("HostPort") or "").isdecimal():
                address = str(host.get("HostIp") or "") or None
                yield PublishedPort(int(host["HostPort"]), int(str(inside).split("/")[0]), address)


def _security(host: Mapping[str, Any]) -> Iterator[str]:
    """The engine adds label=disable by itself where all rights are given, or a namespace of the host (moby,
    daemon/create.go: generateSecurityOpt)."""
    is_added = host.get("Privileged") or "host" in {host.get("IpcMode"), host.get("PidMode")}
    for option in host.get("SecurityOpt") or ():
        if not (is_added and option == "label=disable"):
            yield str(option)


def _ulimit(limit: Mapping[str, Any]) -> str:
    soft, hard = limit.get("Soft"), limit.get("Hard")
    return f"{limit.get('Name')}={soft}" if soft == hard else f"{limit.get('Name')}={soft}:{hard}"


def _gpus(requests: Sequence[Mapping[str, Any]]) -> str | None:
    for request in requests:
        if request.get("DeviceIDs"):
            return f"device={','.join(map(str, request['DeviceIDs']))}"
        count = int(request.get("Count") or 0)
        if count:
            return "all" if count < 0 else str(count)
    return None
