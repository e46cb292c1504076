"""Holds files against what their hub says of them: size, and SHA-256 or Git's own hash of a blob."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from core.domain.weights import RemoteFile

_CHUNK_BYTES = 8 * 1024 * 1024
Count = Callable[[int], None]


def is_sound(file: RemoteFile, folder: Path, count: Count) -> bool:
    """Reads the whole file, telling ``count`` of every piece. Without a hash its size has to do."""
    path = folder / file.path
    if not path.is_file() or path.stat().st_size != file.size_bytes:
        return False
    if file.sha256 is not None:
        return _digest(hashlib.sha256(), path, count) == file.sha256
    if file.git_sha1 is not None:
        blob = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)
        return _digest(blob, path, count) == file.git_sha1
    count(file.size_bytes)
    return True


def _digest(digest: hashlib._Hash, path: Path, count: Count) -> str:
    with path.open("rb") as stream:
        for chunk in _chunks(stream.read):
            digest.update(chunk)
            count(len(chunk))
    return digest.hexdigest()


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK_BYTES):
        yield chunk


class Verified:
    """Which files were found sound, by size and time of their last change: a line each, so that a child which is killed
    loses one file's work."""

    def __init__(self, file: str) -> None:
        self._file = Path(file) if file else None
        self._known = self._read()

    def has(self, file: RemoteFile, folder: Path) -> bool:
        """Whether it was, and is still the same."""
        return self._mark(file, folder) in self._known

    def add(self, file: RemoteFile, folder: Path) -> None:
        """Remembers it."""
        mark = self._mark(file, folder)
        self._known.add(mark)
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as stream:
                stream.write(mark + "\n")

    def _read(self) -> set[str]:
        if self._file is None or not self._file.exists():
            return set()
        return set(self._file.read_text(encoding="utf-8").splitlines())

    def _mark(self, file: RemoteFile, folder: Path) -> str:
        path = folder / file.path
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return json.dumps([file.path, file.size_bytes, file.sha256 or file.git_sha1, changed])
