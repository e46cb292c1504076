"""HostProbe over a handful of files that a test puts in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from core.domain.host import DeviceUser, HostFacts, Listener, in_order
from core.ports import FileFacts, PathView

WHOLE = b"\x02" + bytes(7) + b"{}"
"""A safetensors file without tensors."""
HOST = HostFacts("fake", "Linux", "x86_64", 128, 1 << 40, 1 << 39, 1 << 38, iommu=False)


class FakeHostProbe:
    """``files``: path -> what is in it (a JSON object, or anything); folders are where files are. ``links``: path ->
    where it really leads. ``ports``: who listens."""

    def __init__(self, files: Mapping[str, Any] | None = None, *, sees_host: bool = True) -> None:
        self.files: dict[str, Any] = dict(files or {})
        self.links: dict[str, str] = {}
        self.denied: set[str] = set()
        self.ports: dict[int, str] = {}
        self.free = 1 << 40
        self.sees_host = sees_host
        self.sees_devices = sees_host
        self.shared: set[str] = set()
        self.host: HostFacts | None = HOST if sees_host else None
        self.devices: tuple[str, ...] = ()
        self.users: tuple[DeviceUser, ...] = ()
        self.owners: dict[str, tuple[int, int, int]] = {}
        """Path -> uid, gid, mode; others are root's and readable by all."""
        self.sizes: dict[str, int] = {}

    def sees(self, path: str) -> bool:
        return self.sees_host or any(PurePosixPath(path).is_relative_to(folder) for folder in self.shared)

    def facts(self) -> HostFacts | None:
        return self.host

    def nodes(self, pattern: str) -> tuple[str, ...]:
        return in_order(node for node in self.devices if fnmatchcase(node, pattern))

    def node_users(self, nodes: Sequence[str]) -> tuple[DeviceUser, ...]:
        return tuple(user for user in self.users if user.node in nodes)

    def file(self, path: str) -> FileFacts | None:
        kind = self.look(path).kind
        if kind not in {"file", "folder"}:
            return None
        content = self.files.get(path)
        size = len(content) if isinstance(content, bytes) else 0
        uid, gid, mode = self.owners.get(path, (0, 0, 0o755 if kind == "folder" else 0o644))
        return FileFacts(self.sizes.get(path, size), uid, gid, mode, 1)

    def read_start(self, path: str, count: int) -> bytes | None:
        content = self.files.get(path)
        return content[:count] if isinstance(content, bytes) else None

    def look(self, path: str) -> PathView:
        real = self.links.get(path, path)
        if path in self.denied:
            return PathView("denied", real)
        if path in self.files:
            return PathView("file", real)
        return PathView("folder" if path in self._folders() else "absent", real)

    def list_dir(self, path: str) -> tuple[str, ...]:
        paths = {*map(PurePosixPath, self.files), *map(PurePosixPath, self._folders())}
        return tuple(sorted(found.name for found in paths if str(found.parent) == path and str(found) != path))

    def read_json(self, path: str) -> Mapping[str, Any] | None:
        content = self.files.get(path)
        return content if isinstance(content, dict) else None

    def port_owner(self, port: int, host_ip: str | None = None) -> str | None:
        return self.ports.get(port)

    def listeners(self) -> tuple[Listener, ...]:
        return tuple(Listener(port, self.ports[port]) for port in sorted(self.ports)) if self.sees_host else ()

    def free_bytes(self, path: str) -> int | None:
        return self.free if path in self._folders() else None

    def _folders(self) -> set[str]:
        return {str(parent) for path in self.files for parent in PurePosixPath(path).parents}
