"""The engine's own database, which is disposable: everything that matters is in the results database."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from core.adapters.database.connection import sqlite_file
from core.adapters.database.failures import translated
from core.errors import StoreError

if TYPE_CHECKING:
    from dbos import Serializer

APPLICATION = "seatrial"
APPLICATION_VERSION = "jobs-1"
"""Pinned: the engine's default is a hash of the workflows' source, and a worker of another version would leave begun
jobs alone while they block their servers. Raise it only when a begun job can no longer be taken up."""

QUEUE = "servers"
"""One partition per server, one job at a time in each."""

_LOCK_WAIT_S = 5.0


def prepare(url: str) -> None:
    """Makes the database, or brings it up to date; quick where there is nothing to do. Raises StoreError.

    A SQLite file is put into WAL before the engine opens it (afterwards it would be refused as locked), and belongs to
    its owner alone: whoever can write to it decides what the worker does."""
    from dbos import DBOS  # half a second that only those who meet a job should pay

    _calm_its_logger()
    file = sqlite_file(url)
    with translated():
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            with _sqlite_errors(), closing(sqlite3.connect(file, timeout=30.0)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
        DBOS.migrate(url)


def refuse_when_locked(url: str) -> None:
    """The engine waits for a locked SQLite file for ever; a person should not. Raises StoreError (store_locked)."""
    file = sqlite_file(url)
    if file is None:
        return
    with _sqlite_errors(), closing(sqlite3.connect(file, timeout=_LOCK_WAIT_S, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def serializer() -> Serializer:
    """JSON. The engine's default is pickle, with which a writable database runs code in web and worker."""
    from dbos._serialization import DBOSPortableJSON  # not exported by its package

    return DBOSPortableJSON


def _calm_its_logger() -> None:
    """Its words go where ours go; left alone it writes to the console by itself."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        code = "store_locked" if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) else "store_error"
        raise StoreError("disk_full" if name.startswith("SQLITE_FULL") else code, detail=str(error)) from error
