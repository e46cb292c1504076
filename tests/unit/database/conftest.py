"""A migrated database per test: SQLite in a file of its own, and (marked real) PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from core.adapters.database.migrations import migrate
from core.adapters.database.store import DatabaseStore
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from tests.postgresql import Cluster


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated database, to be copied."""
    file = tmp_path_factory.mktemp("template") / "seatrial.db"
    migrate(f"sqlite:///{file}")
    return file


KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.real)]


@pytest.fixture(params=KINDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of a database in which there is nothing yet."""
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        return cluster.empty()
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, migrated_file: Path, tmp_path: Path) -> str:
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgresql")
        return cluster.migrated()
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
