"""HostProbe over a handful of files that a test puts in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from core.ports import PathView


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

    def free_bytes(self, path: str) -> int | None:
        return self.free if path in self._folders() else None

    def _folders(self) -> set[str]:
        return {str(parent) for path in self.files for parent in PurePosixPath(path).parents}
