"""Where data live, how much room they take, and how long raw files stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.ports import Disk
from core.settings import Settings

_LEAST_BYTES = 1 << 20
"""Less is as good as nothing: a transaction needs room for its journal, too."""


@dataclass(frozen=True)
class StorageView:
    """``database`` never shows a password. ``retention_days`` 0: for ever."""

    home: Path
    used_bytes: int
    free_bytes: int
    database: str
    retention_days: int
    artifact_limit_mib: int


class StorageService:
    """Reads only: settings are made where the app is started."""

    def __init__(self, settings: Settings, disk: Disk) -> None:
        self._settings = settings
        self._disk = disk

    def view(self) -> StorageView:
        """As it is now."""
        used_bytes, free_bytes = self._disk.usage(self._settings.home)
        return StorageView(
            self._settings.home,
            used_bytes,
            free_bytes,
            without_password(self._settings.database_url),
            self._settings.retention_days,
            self._settings.artifact_limit_mib,
        )

    def is_full(self) -> bool:
        """Whether nothing can be written any more where data live; costs one look."""
        return self._disk.free(self._settings.home) < _LEAST_BYTES


def without_password(url: str) -> str:
    """A database URL as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    account, _, location = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{account.split(':')[0]}:***@{location}").geturl()
