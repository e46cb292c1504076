"""The machine on which containers run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from core.domain.host import DeviceUser, HostFacts, Listener


@dataclass(frozen=True)
class PathView:
    """What is at a path of the host; ``real_path`` with every link followed."""

    kind: Literal["folder", "file", "absent", "denied"]
    real_path: str


@dataclass(frozen=True)
class FileFacts:
    """``mode``: the permission bits. ``changed_ns``: when it was last written, to know a copy of what was read."""

    size_bytes: int
    uid: int
    gid: int
    mode: int
    changed_ns: int


class HostProbe(Protocol):
    """The machine on which containers run, as this process sees it. Looks only."""

    @property
    def sees_host(self) -> bool:
        """Whether paths and ports here are the engine's own: not so inside a container, or with a remote engine."""
        ...

    def sees(self, path: str) -> bool:
        """Whether this very path is the engine's own: inside a container only in the folders that are shared with it
        (setting SEATRIAL_WEIGHTS)."""
        ...

    @property
    def sees_devices(self) -> bool:
        """Whether device nodes here are the engine's own (setting SEATRIAL_HOST_DEV inside a container)."""
        ...

    def facts(self) -> HostFacts | None:
        """The machine; None where it is another one."""
        ...

    def nodes(self, pattern: str) -> tuple[str, ...]:
        """Device nodes whose path matches the glob, by number."""
        ...

    def node_users(self, nodes: Sequence[str]) -> tuple[DeviceUser, ...]:
        """Processes that have one of them open, as far as this account may see; those of containers with its id."""
        ...

    def look(self, path: str) -> PathView: ...
    def file(self, path: str) -> FileFacts | None:
        """What is known of a file or folder; None where there is none."""
        ...

    def read_start(self, path: str, count: int) -> bytes | None:
        """At most its first ``count`` bytes; None where it cannot be read."""
        ...

    def list_dir(self, path: str) -> tuple[str, ...]:
        """Names, sorted; none where it cannot be read."""
        ...

    def read_json(self, path: str) -> Mapping[str, Any] | None:
        """The object in a JSON file; None where there is none or it cannot be read."""
        ...

    def port_owner(self, port: int, host_ip: str | None = None) -> str | None:
        """The process that listens where ``host_ip:port`` would be bound ("" where it is another account's); None:
        nobody. ``host_ip`` None: every address."""
        ...

    def listeners(self) -> tuple[Listener, ...]:
        """Every TCP port that a process listens on, by number; none where the host cannot be seen."""
        ...

    def free_bytes(self, path: str) -> int | None:
        """Room on the path's disk; None where there is no such path."""
        ...
