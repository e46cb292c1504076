"""A whole world without a network: a migrated SQLite file, fakes for everything outside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty results database, to be copied: migrating takes longer than most tests."""
    file = tmp_path_factory.mktemp("migrated") / "seatrial.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[DatabaseStore]:
    """An empty results database."""
    store = DatabaseStore(f"sqlite:///{shutil.copy(migrated, tmp_path)}")
    yield store
    store.close()
