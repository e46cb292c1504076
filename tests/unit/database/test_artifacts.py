"""Raw files in and out, by content, within the limit, and their retention."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.adapters.database.artifacts import CHUNK_BYTES
from core.adapters.database.store import DatabaseStore
from core.adapters.database.tables import BlobChunkTable, BlobTable
from core.errors import NotFoundError, StoreError
from tests.fakes import samples
from tests.fakes.clock import FakeClock

TEXT = b'{"ttft_ms": 200.1}\n' * 300_000  # 5.7 MB


@pytest.fixture(autouse=True)
def runs(store: DatabaseStore) -> None:
    store.endpoints.add(samples.endpoint())
    store.runs.add(samples.run())
    store.runs.add(samples.run(id="run-2"))


def stored(store: DatabaseStore) -> tuple[int, int, int]:
    """Blobs, chunks, bytes on disk."""
    with store._database.read() as session:
        blobs = session.scalar(select(func.count()).select_from(BlobTable))
        chunks = session.scalar(select(func.count()).select_from(BlobChunkTable))
        size = session.scalar(select(func.sum(func.length(BlobChunkTable.content))))
    return blobs or 0, chunks or 0, size or 0


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [1_000_003, CHUNK_BYTES, len(TEXT)])
def test_what_goes_in_comes_out(store: DatabaseStore, size: int) -> None:
    row = store.artifacts.save("run-1", "requests.jsonl", "application/x-ndjson", pieces(TEXT, size))
    assert (row.size_bytes, row.digest) == (len(TEXT), hashlib.sha256(TEXT).hexdigest())
    chunks = list(store.artifacts.read(row.id))
    assert b"".join(chunks) == TEXT
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, len(TEXT) - CHUNK_BYTES]
    assert stored(store)[2] < len(TEXT) / 50
    assert store.artifacts.list("run-1") == (row,) == (store.artifacts.get(row.id),)
    assert store.artifacts.list("run-2") == ()


def test_bytes_that_do_not_shrink_are_kept_as_they_are(store: DatabaseStore) -> None:
    noise = os.urandom(100_000)
    row = store.artifacts.save("run-1", "requests.jsonl.gz", "application/gzip", [noise])
    assert b"".join(store.artifacts.read(row.id)) == noise
    assert stored(store) == (1, 1, 100_000)


def test_an_empty_file(store: DatabaseStore) -> None:
    row = store.artifacts.save("run-1", "log", "text/plain", [])
    assert (row.size_bytes, b"".join(store.artifacts.read(row.id))) == (0, b"")
    other = store.artifacts.save("run-2", "log", "text/plain", [])
    assert b"".join(store.artifacts.read(other.id)) == b""


def test_the_same_name_again_is_the_first(store: DatabaseStore) -> None:
    first = store.artifacts.save("run-1", "log", "text/plain", [b"first"])
    assert store.artifacts.save("run-1", "log", "text/plain", [b"second"]) == first
    assert b"".join(store.artifacts.read(first.id)) == b"first"


def test_the_same_content_is_stored_once(store: DatabaseStore) -> None:
    one = store.artifacts.save("run-1", "a", "text/plain", [TEXT])
    two = store.artifacts.save("run-2", "b", "text/plain", [TEXT])
    assert one.id != two.id
    assert stored(store)[:2] == (1, 2)
    assert b"".join(store.artifacts.read(two.id)) == TEXT


def test_a_file_over_the_limit_leaves_nothing(store: DatabaseStore) -> None:
    endless = iter(lambda: b"x" * 1_000_000, None)
    with pytest.raises(StoreError) as caught:
        store.artifacts.save("run-1", "huge", "text/plain", endless)
    assert caught.value.code == "artifact_too_large"
    assert caught.value.params == {"name": "huge", "limit_mib": 16}
    assert stored(store) == (0, 0, 0)


def test_a_source_that_breaks_leaves_nothing(store: DatabaseStore) -> None:
    def broken() -> Iterator[bytes]:
        yield TEXT
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        store.artifacts.save("run-1", "log", "text/plain", broken())
    assert stored(store) == (0, 0, 0)
    assert store.artifacts.list("run-1") == ()


def test_retention_drops_bytes_and_keeps_the_row(store: DatabaseStore, clock: FakeClock) -> None:
    old = store.artifacts.save("run-1", "old", "text/plain", [b"old"])
    shared = store.artifacts.save("run-1", "shared", "text/plain", [b"shared"])
    clock.advance(timedelta(days=40).total_seconds())
    young = store.artifacts.save("run-2", "young", "text/plain", [b"shared"])
    assert store.artifacts.sweep(clock.now() - timedelta(days=30)) == 1
    assert store.artifacts.sweep(clock.now() - timedelta(days=30)) == 0
    with pytest.raises(NotFoundError):
        b"".join(store.artifacts.read(old.id))
    assert store.artifacts.list("run-1") == (old, shared)
    assert b"".join(store.artifacts.read(shared.id)) == b"".join(store.artifacts.read(young.id)) == b"shared"


def test_content_that_was_dropped_can_come_back(store: DatabaseStore, clock: FakeClock) -> None:
    old = store.artifacts.save("run-1", "old", "text/plain", [b"again"])
    clock.advance(10)
    store.artifacts.sweep(clock.now())
    new = store.artifacts.save("run-2", "new", "text/plain", [b"again"])
    assert b"".join(store.artifacts.read(new.id)) == b"".join(store.artifacts.read(old.id)) == b"again"


def test_what_a_dead_writer_left_is_swept(store: DatabaseStore, clock: FakeClock) -> None:
    blob_id = store.artifacts._open_blob()
    store.artifacts._write(blob_id, "half", [TEXT])
    clock.advance(timedelta(hours=1).total_seconds())
    store.artifacts.sweep(samples.NOW)
    assert stored(store)[0] == 1  # it may still be at work
    clock.advance(timedelta(days=2).total_seconds())
    store.artifacts.sweep(samples.NOW)
    assert stored(store) == (0, 0, 0)


def test_an_unknown_artifact(store: DatabaseStore) -> None:
    with pytest.raises(NotFoundError):
        store.artifacts.get("x")
    with pytest.raises(NotFoundError):
        list(store.artifacts.read("x"))
