"""The one place where the database's and the disk's own errors become StoreErrors."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from core.errors import StoreError
from core.formats.records import RecordError

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT}
# SQLite's result codes by name; PostgreSQL's SQLSTATE: lock_not_available, deadlock_detected, serialization_failure,
# query_canceled by lock_timeout, disk_full.
_LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40P01", "40001")
_FULL = ("SQLITE_FULL", "53100")


@contextmanager
def translated() -> Iterator[None]:
    """Raises StoreError (store_locked, disk_full, store_error; params: detail) for the database's and the disk's."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _store_error(error) from error
    except RecordError as error:
        raise StoreError(detail=str(error)) from error
    except OSError as error:
        code = "disk_full" if error.errno in _NO_SPACE else "store_error"
        raise StoreError(code, detail=str(error)) from error


def _store_error(error: SQLAlchemyError) -> StoreError:
    origin = error.orig if isinstance(error, DBAPIError) else None
    detail = str(origin or error).strip().split("\n")[0]
    name = getattr(origin, "sqlite_errorname", None) or getattr(origin, "sqlstate", None) or ""
    if name.startswith(_LOCKED):
        return StoreError("store_locked", detail=detail)
    if name.startswith(_FULL):
        return StoreError("disk_full", detail=detail)
    return StoreError(detail=detail)
