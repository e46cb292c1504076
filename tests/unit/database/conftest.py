"""A migrated SQLite database per test, in a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore
from tests.fakes.clock import FakeClock


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated database, to be copied."""
    file = tmp_path_factory.mktemp("template") / "seatrial.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(migrated_file: Path, tmp_path: Path) -> str:
    file = tmp_path / "seatrial.db"
    file.write_bytes(migrated_file.read_bytes())
    return f"sqlite:///{file}"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(url: str, clock: FakeClock) -> Iterator[DatabaseStore]:
    opened = DatabaseStore(url, now=clock.now, artifact_limit_mib=16, busy_timeout_s=0.2)
    yield opened
    opened.close()
