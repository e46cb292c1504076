"""What the engine's JSON says, in our own records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from core.domain.container import ContainerView, PublishedPort
from core.domain.host import ImageFacts
from core.ports import EngineInfo

_NEVER = "0001-01-01"


def engine_view(info: Mapping[str, Any]) -> EngineInfo:
    """From GET /info."""
    return EngineInfo(
        id=str(info.get("ID") or ""),
        version=str(info.get("ServerVersion") or ""),
        architecture=str(info.get("Architecture") or ""),
        cpus=int(info.get("NCPU") or 0),
        memory_bytes=int(info.get("MemTotal") or 0),
        root_dir=str(info.get("DockerRootDir") or ""),
    )


def view(attrs: Mapping[str, Any]) -> ContainerView:
    """From GET /containers/ID/json. The exit code of one that runs is None: the engine says 0."""
    state, config = attrs.get("State") or {}, attrs.get("Config") or {}
    status, started_at = str(state.get("Status", "")), str(state.get("StartedAt") or _NEVER)
    ended = status in {"exited", "dead", "restarting"}
    return ContainerView(
        id=str(attrs["Id"]),
        name=str(attrs.get("Name") or "").lstrip("/"),
        image=str(config.get("Image") or ""),
        image_id=str(attrs.get("Image") or ""),
        state=status,
        started_at=None if started_at.startswith(_NEVER) else started_at,
        exit_code=int(state.get("ExitCode", 0)) if ended else None,
        oom_killed=bool(state.get("OOMKilled")),
        restart_count=int(attrs.get("RestartCount") or 0),
        labels=dict(config.get("Labels") or {}),
        ports=tuple(_ports((attrs.get("HostConfig") or {}).get("PortBindings") or {})),
        error=str(state.get("Error") or "") or None,
    )


def image_view(attrs: Mapping[str, Any]) -> ImageFacts:
    """From GET /images/NAME/json, or an item of GET /images/json, which tells neither architecture nor user."""
    config = attrs.get("Config") or {}
    return ImageFacts(
        id=str(attrs.get("Id") or ""),
        names=tuple(name for name in attrs.get("RepoTags") or () if name != "<none>:<none>"),
        architecture=str(attrs.get("Architecture") or ""),
        size_bytes=int(attrs.get("Size") or 0),
        user=str(config.get("User") or ""),
    )


def loaded_names(lines: Iterable[str]) -> tuple[str, ...]:
    """From what POST /images/load answers: ``Loaded image: NAME``, or ``Loaded image ID: sha256:...``."""
    said = [line.strip().partition(": ") for line in lines]
    return tuple(name for words, _, name in said if words in {"Loaded image", "Loaded image ID"})


def _ports(bindings: Mapping[str, Any]) -> Iterator[PublishedPort]:
    for inside, hosts in bindings.items():
        for host in hosts or ():
            if str(host.get("HostPort") or "").isdecimal():
                container_port = int(inside.partition("/")[0])
                yield PublishedPort(int(host["HostPort"]), container_port, host.get("HostIp") or None)
