"""A whole world without a network: a migrated SQLite file, fakes for everything outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore


@pytest.fixture
def database(tmp_path: Path) -> Iterator[DatabaseStore]:
    """An empty results database."""
    url = f"sqlite:///{tmp_path / 'seatrial.db'}"
    migrate(url)
    store = DatabaseStore(url)
    yield store
    store.close()
