"""What the downloader needs of a hub."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from core.domain.weights import PARTIAL_SUFFIX, RemoteFile
from core.errors import StoreError, ToolFailed


class Hub(Protocol):
    """One repository of one hub. Both verbs raise AppError, and what the hub's library raises for a network that fails:
    ``transient`` says which of those may be tried again."""

    errors: tuple[type[Exception], ...]
    """What its library raises where a file could not be fetched."""

    def files(self) -> tuple[tuple[RemoteFile, ...], str | None]:
        """Every file, and the commit they are of."""
        ...

    def fetch(self, file: RemoteFile, folder: Path) -> None:
        """Ends with the whole file in its place; goes on from the bytes that are there already."""
        ...

    def is_transient(self, error: BaseException) -> bool:
        """Whether trying again may help."""
        ...


def partial_path(target: Path) -> Path:
    """Where a file grows until it is whole."""
    return target.with_name(target.name + PARTIAL_SUFFIX)


@contextmanager
def disk_errors() -> Iterator[None]:
    """A full or read-only disk in our own words; everything else passes."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreError("disk_full", detail=str(error)) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise ToolFailed("download_not_writable", path=str(error.filename or ""), detail=str(error)) from error
        raise
