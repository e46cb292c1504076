"""A container, wholly described. The command on the screen, the compose file and the SDK call are spellings of this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class BindMount:
    """A host folder inside the container; a source that is a mere name is a volume of the engine's own."""

    source: str
    target: str
    read_only: bool = False

    @property
    def is_volume(self) -> bool:
        """Whether the engine keeps it under a name."""
        return re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*", self.source) is not None


@dataclass(frozen=True)
class PublishedPort:
    """``host_ip`` None: every address of the host."""

    host_port: int
    container_port: int
    host_ip: str | None = None


@dataclass(frozen=True)
class ContainerSpec:
    """``env`` is shown; ``secret_env`` names variables whose values are looked up when the container starts and are
    never shown, logged or stored. ``command`` follows the image, one item per argument."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    mounts: tuple[BindMount, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    secret_env: Mapping[str, str] = field(default_factory=dict)
    privileged: bool = False
    shm_size: str | None = None
    ipc: str | None = None
    network: str | None = None
    restart: str | None = None
    devices: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    runtime: str | None = None
    gpus: str | None = None
    pid: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    detach: bool = True


@dataclass(frozen=True)
class ContainerView:
    """A container as the engine tells it. ``state``: created, running, restarting, exited, paused, dead."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    started_at: str | None
    exit_code: int | None
    oom_killed: bool
    restart_count: int
    labels: Mapping[str, str]
    ports: tuple[PublishedPort, ...]
    error: str | None = None
