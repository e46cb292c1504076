"""The machine on which containers run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class PathView:
    """What is at a path of the host; ``real_path`` with every link followed."""

    kind: Literal["folder", "file", "absent", "denied"]
    real_path: str


class HostProbe(Protocol):
    """The machine on which containers run, as this process sees it. Looks only."""

    @property
    def sees_host(self) -> bool:
        """Whether paths and ports here are the engine's own: not so inside a container, or with a remote engine."""
        ...

    def look(self, path: str) -> PathView: ...
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

    def free_bytes(self, path: str) -> int | None:
        """Room on the path's disk; None where there is no such path."""
        ...
