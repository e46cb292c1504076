"""WAL, transactions, other processes, a locked database and a full disk."""

from __future__ import annotations

import errno
import multiprocessing
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import event, text

from core.adapters.database.connection import Database, open_engine
from core.adapters.database.failures import translated
from core.adapters.database.store import DatabaseStore
from core.errors import NotFoundError, StoreError
from core.formats.records import RecordError
from tests.fakes import samples

SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@contextmanager
def other_writer(url: str) -> Iterator[None]:
    """Another program that holds the write lock."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        with closing(connection):
            yield
        return
    with open_engine(url, 1).execution_options(writes=True).begin():
        yield


@SQLITE
def test_pragmas(url: str) -> None:
    with Database(url, busy_timeout_s=1.5).read() as session:
        names = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        found = [session.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]
    assert found == ["wal", 1500, 1, 1]


def test_a_locked_database_still_reads_and_says_why_it_does_not_write(store: DatabaseStore, url: str) -> None:
    store.preferences.set("language", "en")
    with other_writer(url):
        assert store.preferences.get("language") == "en"
        with pytest.raises(StoreError) as caught:
            store.preferences.set("language", "zh")
    assert caught.value.code == "store_locked"
    store.preferences.set("language", "zh")
    assert store.preferences.get("language") == "zh"


@SQLITE
def test_a_full_disk_keeps_what_was_saved(store: DatabaseStore, url: str) -> None:
    store.endpoints.add(samples.endpoint())
    store.runs.add(samples.run())
    store.runs.save_measurement("run-1", samples.measurement(0))
    full = DatabaseStore(url)

    @event.listens_for(full._database._engine, "connect")
    def limit(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite: the size it has now

    with pytest.raises(StoreError) as caught:
        full.artifacts.save("run-1", "raw", "text/plain", [bytes(range(256)) * 16_384])
    assert caught.value.code == "disk_full"
    assert full.runs.measurements("run-1") == (samples.measurement(0),)
    assert full.artifacts.list("run-1") == ()
    assert store.artifacts.save("run-1", "raw", "text/plain", [b"fits again"]).size_bytes == 10


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk_full"),
        (OSError(errno.EACCES, "Permission denied"), "store_error"),
        (RecordError("Workload: 1 fields do not fit"), "store_error"),
    ],
)
def test_errors_of_the_disk(error: Exception, code: str) -> None:
    with pytest.raises(StoreError) as caught, translated():
        raise error
    assert caught.value.code == code
    assert str(error) in str(caught.value.params["detail"])


def test_a_damaged_document_is_one_clear_error(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    with store._database.write() as session:
        session.execute(text("""UPDATE endpoints SET "check" = '{"reachable": "perhaps"}'"""))
    with pytest.raises(StoreError, match="EndpointCheck"):
        store.endpoints.get("ep-1")


def test_times_are_utc_both_ways(store: DatabaseStore) -> None:
    here = datetime(2026, 1, 2, 11, 4, 5, tzinfo=timezone(timedelta(hours=8)))
    store.endpoints.add(samples.endpoint(created_at=here))
    found = store.endpoints.get("ep-1").created_at
    assert found == here
    assert found.utcoffset() == timedelta(0)
    assert found.hour == 3


def test_a_time_without_a_zone_is_not_stored(store: DatabaseStore) -> None:
    with pytest.raises(StoreError, match="zone"):
        store.endpoints.add(samples.endpoint(created_at=datetime(2026, 1, 2)))  # noqa: DTZ001
    assert store.endpoints.list() == ()


def test_atomic_is_all_or_nothing(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    version = store.data_version()
    with pytest.raises(NotFoundError), store.atomic():
        store.runs.add(samples.run())
        assert store.runs.get("run-1").model == "tiny"
        store.jobs.mark_started("no such job", samples.NOW)
    assert store.runs.page(0, 10).total == 0
    assert store.data_version() == version
    with store.atomic():
        store.runs.add(samples.run())
        store.jobs.add(samples.job())
    assert store.jobs.get("job-1").run_id == "run-1"
    assert store.data_version() == version + 1


def test_foreign_keys_hold(store: DatabaseStore) -> None:
    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        store.runs.add(samples.run(endpoint_id="nowhere"))


def test_the_version_grows_with_what_caches_keep(store: DatabaseStore, url: str) -> None:
    store.endpoints.add(samples.endpoint())
    store.runs.add(samples.run())
    store.jobs.add(samples.job())
    version = store.data_version()
    store.jobs.save_progress("job-1", samples.progress())
    store.jobs.beat("worker-1", samples.NOW)
    assert store.data_version() == version
    DatabaseStore(url).runs.save_measurement("run-1", samples.measurement())
    assert store.data_version() == version + 1


def _measure(url: str, repeats: range) -> None:
    store = DatabaseStore(url)
    for repeat in repeats:
        store.runs.save_measurement("run-1", samples.measurement(0, repeat))


def test_two_processes_write_and_nothing_is_lost_or_doubled(store: DatabaseStore, url: str) -> None:
    store.endpoints.add(samples.endpoint())
    store.runs.add(replace(samples.run(), workload=samples.workload((16,), repeats=60)))
    version = store.data_version()
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_measure, args=(url, part)) for part in (range(40), range(20, 60))]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert [one.repeat for one in store.runs.measurements("run-1")] == list(range(60))
    row = store.runs.page(0, 1).rows[0]
    assert (row.points_done, row.points_total) == (60, 60)
    assert store.data_version() - version == 60 + 20  # the 20 that found their point there count as a write too


@SQLITE
def test_a_second_one_in_the_process_takes_no_locks_away_from_the_first(store: DatabaseStore, url: str) -> None:
    """Another process that leaves would take itself for the last, and remove the log that we write to."""
    store.preferences.set("first", "1")
    Database(url)
    file = url.removeprefix("sqlite:///")
    leave = f"import sqlite3; c = sqlite3.connect({file!r}); c.execute('SELECT count(*) FROM preferences'); c.close()"
    subprocess.run([sys.executable, "-c", leave], check=True)
    store.preferences.set("second", "2")
    look = f"import sqlite3; print(sqlite3.connect({file!r}).execute('SELECT count(*) FROM preferences').fetchone())"
    assert subprocess.run([sys.executable, "-c", look], check=True, capture_output=True, text=True).stdout == "(2,)\n"


@pytest.mark.parametrize("url", ["nothing://at/all", "mysql+nodriver://at/all", "mysql+aiomysql://at/all"])
def test_a_kind_of_database_that_is_unknown_or_has_no_driver_here_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match=r"nothing|nodriver|aiomysql") as caught:
        DatabaseStore(url)
    assert caught.value.code == "database_url_bad"


def test_what_is_no_address_of_a_database_is_refused() -> None:
    with pytest.raises(StoreError) as caught:
        DatabaseStore("the big one")
    assert caught.value.code == "database_url_bad"
