"""An empty results database without the cost of its migrations: made once per test run, then copied."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore


def fresh_store(folder: Path) -> DatabaseStore:
    """A store over ``folder/seatrial.db``."""
    return DatabaseStore(f"sqlite:///{fresh_file(folder)}")


def fresh_file(folder: Path) -> Path:
    """``folder/seatrial.db``, where the product looks for it in its data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.copy(_migrated(), folder / "seatrial.db")


@cache
def _migrated() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="seatrial-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    file = folder / "seatrial.db"
    migrate(f"sqlite:///{file}")
    store = DatabaseStore(f"sqlite:///{file}")
    store.ping()
    store.close()  # the last connection moves the write-ahead log into the file
    return file
