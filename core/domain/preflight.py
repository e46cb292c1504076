"""Preflight: what a host must have before a container is started on it. Each of these costs minutes when vLLM finds it.

Pure: facts in, findings out. Who gathers the facts: services.preflight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.domain.catalog import Catalog
from core.domain.finding import Finding, Severity
from core.domain.host import DeviceGroup, DeviceUser, HostFacts, ImageFacts, architecture_name
from core.domain.platform import Platform

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
Params = dict[str, str | int | float | bool | None]
GIB = 1024**3
_SHM_LEAST_BYTES = GIB
_DOCKER_SHM_BYTES = 64 * 1024**2
"""What docker gives a container that asks for nothing (docs.docker.com, ``--shm-size``)."""
IMAGE_ROOM_BYTES = 40 * GIB
"""Room that an image that is yet to be pulled may need: vLLM images unpack to 10 to 35 GiB."""


@dataclass(frozen=True)
class Start:
    """What a request asks of the host. ``devices``: ranks, one a device."""

    tp: int = 1
    pp: int = 1
    devices: int = 1
    shm_bytes: int | None = None
    host_ipc: bool = False
    weights_bytes: int | None = None


@dataclass(frozen=True)
class Readable:
    """A weights file's owner and mode bits, to be held against the image's user."""

    path: str
    uid: int
    gid: int
    mode: int


@dataclass(frozen=True)
class PreflightFacts:
    """Everything that was looked at. ``host`` None: its folders, memory and devices cannot be seen from here."""

    start: Start = Start()
    platform: Platform | None = None
    host: HostFacts | None = None
    devices: DeviceGroup | None = None
    sees_devices: bool = True
    users: tuple[DeviceUser, ...] = ()
    image: ImageFacts | None = None
    image_name: str = ""
    engine_architecture: str | None = None
    image_disk: tuple[str, int] | None = None
    login_missing: str | None = None
    """The registry of an image that is yet to be pulled, where it is a private one and no login is kept for it."""
    sees_ports: bool = True
    """Whether ports that processes listen on can be seen; those of containers the engine tells."""
    closed: tuple[Readable, ...] = ()
    """Weights files and folders that not everybody may read."""


def platform_of(image: str, catalog: Catalog) -> Platform | None:
    """The platform that an image is made for, by its repository. Where several share it, what differs is left out: only
    what none of them takes is forbidden, only what all of them want is expected."""
    repository = image.partition("@")[0].rpartition(":")[0] if ":" in image.rpartition("/")[2] else image
    ids = {one.id for one in catalog.images.values() if f"/{repository}".endswith("/" + _bare(one.repository))}
    found = [platform for platform in catalog.platforms.values() if platform.image in ids]
    if len(found) < 2:
        return found[0] if found else None
    if len({platform.device_nodes for platform in found}) > 1:
        return None
    first = found[0]
    return replace(
        first,
        name=first.vendor,
        card=None,
        host=None,
        architectures=tuple(dict.fromkeys(name for one in found for name in one.architectures)),
        forbidden_flags=_in_all(first.forbidden_flags, [one.forbidden_flags for one in found]),
        forbidden_env=_in_all(first.forbidden_env, [one.forbidden_env for one in found]),
        serve_always=_in_all(first.serve_always, [one.serve_always for one in found]),
    )


def _in_all(names: Iterable[str], lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    return tuple(name for name in names if all(name in one for one in lists))


def _bare(repository: str) -> str:
    """Without the registry that a team configures."""
    return repository.rpartition("}/")[2]


def preflight_findings(facts: PreflightFacts) -> tuple[Finding, ...]:
    """Everything at once, the blocking ones first."""
    found = [
        *_image(facts),
        *_login(facts),
        *_disk(facts),
        *_readable(facts),
        *_devices(facts),
        *_memory(facts),
        *_shm(facts),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


# ---------------------------------------------------------------- image and disk


def _image(facts: PreflightFacts) -> Iterator[Finding]:
    if facts.image is None or facts.engine_architecture is None:
        return
    own, host = architecture_name(facts.image.architecture), architecture_name(facts.engine_architecture)
    if own and host and own != host:
        params: Params = {"image": facts.image_name, "architecture": own, "host": host}
        yield Finding("image_architecture", BLOCK, "image", params)


def _login(facts: PreflightFacts) -> Iterator[Finding]:
    if facts.image is None and facts.login_missing is not None:
        params: Params = {"image": facts.image_name, "registry": facts.login_missing}
        yield Finding("registry_login_missing", WARN, "image", params)


def _disk(facts: PreflightFacts) -> Iterator[Finding]:
    if facts.image is None and facts.image_disk is not None:
        path, free = facts.image_disk
        if free < IMAGE_ROOM_BYTES:
            params: Params = {"path": path, "free_gib": round(free / GIB), "needed_gib": IMAGE_ROOM_BYTES // GIB}
            yield Finding("disk_short_for_image", WARN, "image", params)


def _readable(facts: PreflightFacts) -> Iterator[Finding]:
    """Root reads everything. A user by name cannot be held against numbers: then it is said, not refused."""
    if facts.image is None or not facts.closed:
        return
    user, _, group = facts.image.user.partition(":")
    if user in {"", "root", "0"}:
        return
    first = facts.closed[0]
    if not user.isdecimal():
        params: Params = {"path": first.path, "user": user}
        yield Finding("weights_user_unsure", WARN, "weights", params)
        return
    refused = [one for one in facts.closed if not may_read(one, int(user), int(group) if group.isdecimal() else 0)]
    if refused:
        params = {"path": refused[0].path, "user": user, "count": len(refused)}
        yield Finding("weights_unreadable", BLOCK, "weights", params)


def may_read(file: Readable, uid: int, gid: int) -> bool:
    """By owner, group and others' bits; POSIX takes the first that applies."""
    if uid == 0:
        return True
    if uid == file.uid:
        return bool(file.mode & 0o400)
    return bool(file.mode & (0o040 if gid == file.gid else 0o004))


# ---------------------------------------------------------------- devices


def _devices(facts: PreflightFacts) -> Iterator[Finding]:
    platform, group = facts.platform, facts.devices
    if platform is None or platform.device_nodes is None:
        return
    if group is None or not group.count:
        yield _no_devices(platform, sees=facts.sees_devices)
        return
    yield from _others(facts)
    if platform.iommu == "off" and facts.host is not None and facts.host.iommu:
        yield Finding("iommu_on", WARN, "devices", {"platform": platform.name}, platform.source)


def _no_devices(platform: Platform, *, sees: bool) -> Finding:
    params: Params = {"nodes": platform.device_nodes or "", "platform": platform.name}
    if sees:
        return Finding("devices_none", BLOCK, "devices", params, derived=True)
    return Finding("devices_not_visible", WARN, "devices", params)


def _others(facts: PreflightFacts) -> Iterator[Finding]:
    """Who has a device open and is no container of ours: a process, or a container as a whole. A monitor may: so it is
    a warning."""
    by_process: dict[tuple[str, int], list[str]] = {}
    by_container: dict[str, list[str]] = {}
    for user in facts.users:
        if user.container is not None:
            by_container.setdefault(user.container, []).append(user.node)
        else:
            by_process.setdefault((user.process, user.pid), []).append(user.node)
    for name, nodes in by_container.items():
        told: Params = {"container": name, "node": nodes[0], "count": len(set(nodes))}
        yield Finding("device_in_container", WARN, "devices", told)
    for (process, pid), nodes in by_process.items():
        params: Params = {"process": process, "pid": pid, "node": nodes[0], "count": len(nodes)}
        yield Finding("device_in_use", WARN, "devices", params)


# ---------------------------------------------------------------- memory


def _memory(facts: PreflightFacts) -> Iterator[Finding]:
    host, platform = facts.host, facts.platform
    if host is None or platform is None:
        return
    yield from _below_vendor(host, platform)
    weights = facts.start.weights_bytes
    if weights is None:
        return
    if platform.device_nodes is None and host.memory_bytes is not None and weights > host.memory_bytes:
        params: Params = {"weights_gib": round(weights / GIB), "memory_gib": round(host.memory_bytes / GIB)}
        yield Finding("memory_short_for_weights", BLOCK, "weights", params)


def _below_vendor(host: HostFacts, platform: Platform) -> Iterator[Finding]:
    needs = platform.host
    if needs and needs.memory_gib and host.memory_bytes and host.memory_bytes < needs.memory_gib * GIB * 0.95:
        params: Params = {
            "available": round(host.memory_bytes / GIB),
            "needed": needs.memory_gib,
            "platform": platform.name,
        }
        yield Finding("memory_below_vendor", WARN, "devices", params, platform.source)
    if needs and needs.cpus and host.cpus and host.cpus < needs.cpus:
        params = {"available": host.cpus, "needed": needs.cpus, "platform": platform.name}
        yield Finding("cpus_below_vendor", NOTE, "devices", params, platform.source)


def _shm(facts: PreflightFacts) -> Iterator[Finding]:
    start, host = facts.start, facts.host
    if start.host_ipc:
        if host is not None and host.shm_bytes is not None and start.devices > 1 and host.shm_bytes < _SHM_LEAST_BYTES:
            yield Finding("host_shm_small", WARN, "ipc", {"size_mib": host.shm_bytes // 1024**2})
        return
    size = _DOCKER_SHM_BYTES if start.shm_bytes is None else start.shm_bytes
    if start.devices > 1 and size < _SHM_LEAST_BYTES:
        yield Finding("shm_small", WARN, "shm_size", {"size_mib": size // 1024**2, "devices": start.devices})
    if host is not None and host.memory_bytes is not None and size > host.memory_bytes:
        params: Params = {"size_gib": round(size / GIB), "memory_gib": round(host.memory_bytes / GIB)}
        yield Finding("shm_over_memory", WARN, "shm_size", params)


# ---------------------------------------------------------------- the checklist


class CheckName(StrEnum):
    """What is checked, in the order it is read."""

    ENGINE = "engine"
    IMAGE = "image"
    WEIGHTS = "weights"
    DEVICES = "devices"
    MEMORY = "memory"
    NETWORK = "network"
    ARGUMENTS = "arguments"


class CheckState(StrEnum):
    """How a check went; unknown: it could not be looked at from here."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    BLOCK = "block"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Check:
    """One line of the checklist. ``facts`` fill its sentence (render/texts [preflight])."""

    name: CheckName
    state: CheckState
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


_BY_FIELD: Mapping[str | None, CheckName] = {
    None: CheckName.ENGINE,
    "image": CheckName.IMAGE,
    "weights": CheckName.WEIGHTS,
    "devices": CheckName.DEVICES,
    "shm_size": CheckName.MEMORY,
    "ipc": CheckName.MEMORY,
    "host_port": CheckName.NETWORK,
    "container_port": CheckName.NETWORK,
    "host_ip": CheckName.NETWORK,
    "container_name": CheckName.NETWORK,
}
_MEMORY_CODES = frozenset({"memory_below_vendor", "cpus_below_vendor"})


def checklist(findings: Iterable[Finding], facts: PreflightFacts) -> tuple[Check, ...]:
    """Every check with what was found; those without a finding are ok, or unknown where nothing could be seen."""
    sorted_in: dict[CheckName, list[Finding]] = {name: [] for name in CheckName}
    for finding in findings:
        name = _BY_FIELD.get(finding.field, CheckName.ARGUMENTS)
        sorted_in[CheckName.MEMORY if finding.code in _MEMORY_CODES else name].append(finding)
    return tuple(_check(name, tuple(found), facts) for name, found in sorted_in.items())


def _check(name: CheckName, found: Sequence[Finding], facts: PreflightFacts) -> Check:
    return Check(name, _state(name, found, facts), tuple(found), _told(name, facts))


def _state(name: CheckName, found: Sequence[Finding], facts: PreflightFacts) -> CheckState:
    for severity in Severity:
        if any(finding.severity is severity for finding in found):
            return CheckState(severity.value)
    no_engine = facts.engine_architecture is None
    unseen = {
        CheckName.ENGINE: no_engine,
        CheckName.IMAGE: no_engine,
        CheckName.NETWORK: no_engine or not facts.sees_ports,
        CheckName.DEVICES: facts.platform is None,
        CheckName.MEMORY: facts.host is None,
    }
    return CheckState.UNKNOWN if unseen.get(name) else CheckState.OK


def _told(name: CheckName, facts: PreflightFacts) -> Mapping[str, str | int | float | bool | None]:
    start, host = facts.start, facts.host
    if name is CheckName.ENGINE:
        return {"architecture": facts.engine_architecture}
    if name is CheckName.IMAGE:
        return {"image": facts.image_name, "size_bytes": facts.image.size_bytes if facts.image else None}
    if name is CheckName.WEIGHTS:
        return {"size_bytes": start.weights_bytes}
    if name is CheckName.DEVICES:
        available = facts.devices.count if facts.devices else None
        return {"needed": start.devices, "available": available, "tp": start.tp, "pp": start.pp}
    if name is CheckName.MEMORY:
        return {"memory_bytes": host.memory_bytes if host else None}
    return {}
