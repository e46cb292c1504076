"""Kernel locks on files: held by whoever has the descriptor, and gone with its last holder, however that one ended."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

WORKER_LOCK = "worker.lock"


class FileLock:
    """One exclusive lock. A child that inherits ``fd`` holds it as well, and keeps it after this process is gone.

    Beside the lock the file carries a small record, written by the holder, for those who wait."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    @property
    def fd(self) -> int | None:
        """The held descriptor, None while this process does not hold it."""
        return self._fd

    def take(self) -> bool:
        """Whether it is ours now. Never waits."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        self._fd = fd
        return True

    def write(self, record: Mapping[str, str | int]) -> None:
        """Replaces the record. Only for the holder."""
        if self._fd is None:
            raise RuntimeError("only the holder writes the record")
        data = json.dumps(record).encode()
        os.pwrite(self._fd, data, 0)
        os.ftruncate(self._fd, len(data))

    def let_go(self) -> None:
        """Closes our descriptor; a child's copy still holds the lock."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def lock_path(folder: Path, key: str) -> Path:
    """The lock file of a key that may hold any characters."""
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.lock"


def is_locked(path: Path) -> bool:
    """Whether anybody holds it. Looks with a shared lock, for an instant."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def read_record(path: Path) -> Mapping[str, str | int]:
    """What the last holder wrote; empty where there is none, or where it is being written."""
    try:
        record = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
