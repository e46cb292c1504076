"""The data folder, made by whoever comes first and before anything is written into it."""

from __future__ import annotations

import errno

from core.errors import StoreError
from core.settings import Settings

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


def make_home(settings: Settings) -> None:
    """The folder and those inside it that everybody needs. Raises StoreError (home_unusable: path, detail; disk_full:
    detail)."""
    try:
        for folder in (settings.home, settings.logs, settings.locks, settings.work):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StoreError("disk_full", detail=str(error)) from error
        detail = error.strerror or str(error)
        raise StoreError("home_unusable", path=str(settings.home), detail=detail) from error
