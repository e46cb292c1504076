"""The engine's own database: JSON in it, nothing of it readable by others, and nobody waits for its lock for ever."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.job import JobKind
from core.errors import StoreError
from core.jobs import database
from core.jobs.queue import DbosQueue
from tests.fakes.fresh_database import fresh_store


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def queue(file: Path, tmp_path: Path) -> Iterator[DbosQueue]:
    queue = DbosQueue(f"sqlite:///{file}", tmp_path / "worker.lock", fresh_store(tmp_path).jobs)
    yield queue
    queue.close()


def test_a_queued_job_is_json_and_never_a_pickle(queue: DbosQueue, file: Path) -> None:
    queue.enqueue("job-1", JobKind.BENCHMARK, "address:127.0.0.1:8000", {})
    with closing(sqlite3.connect(file)) as connection:
        (how,) = connection.execute("SELECT serialization FROM workflow_status").fetchone()
        (inputs,) = connection.execute("SELECT inputs FROM workflow_input").fetchone()
    assert (how, json.loads(inputs)["positionalArgs"]) == ("portable_json", ["job-1"])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_locked_database_is_told_and_not_waited_for(
    queue: DbosQueue, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_LOCK_WAIT_S", 0.02)
    assert queue.states(["job-1"]) == {}
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for act in (
            lambda: queue.enqueue("job-1", JobKind.BENCHMARK, "address:127.0.0.1:8000", {}),
            lambda: queue.cancel("job-1"),
            lambda: queue.resume("job-1"),
        ):
            with pytest.raises(StoreError) as caught:
                act()
            assert caught.value.code == "store_locked"
    queue.enqueue("job-1", JobKind.BENCHMARK, "address:127.0.0.1:8000", {})
    assert list(queue.states(["job-1"])) == ["job-1"]
