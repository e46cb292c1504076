"""Raw files: compressed, content-addressed, in chunks, written and read as streams."""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import ArtifactTable, BlobChunkTable, BlobTable
from core.errors import NotFoundError, StoreError
from core.ports import ArtifactRow

CHUNK_BYTES = 4 * 1024 * 1024
_MIB = 1024 * 1024
_ABANDONED_AFTER = timedelta(days=1)  # no single file takes this long to write
_COLUMNS = [getattr(ArtifactTable, name) for name in ArtifactRow.__dataclass_fields__]


class DatabaseArtifactStore:
    """Each chunk is its own short transaction, so that a large file never holds the database's write lock."""

    def __init__(self, database: Database, now: Callable[[], datetime], limit_mib: int) -> None:
        self._database = database
        self._now = now
        self._limit_mib = limit_mib

    def save(self, run_id: str, name: str, media_type: str, chunks: Iterable[bytes]) -> ArtifactRow:
        """Raises StoreError (artifact_too_large: name, limit_mib)."""
        known = self._find(run_id, name)
        if known is not None:
            return known
        blob_id = self._open_blob()
        try:
            size_bytes, digest = self._write(blob_id, name, chunks)
            return self._close_blob(blob_id, ArtifactRow("", run_id, name, media_type, size_bytes, digest, self._now()))
        except BaseException:
            self._drop_blob(blob_id)
            raise

    def list(self, run_id: str) -> tuple[ArtifactRow, ...]:
        """By name; no byte of them is read."""
        query = select(*_COLUMNS).where(ArtifactTable.run_id == run_id).order_by(ArtifactTable.name)
        with self._database.read() as session:
            return tuple(ArtifactRow(*row) for row in session.execute(query))

    def get(self, artifact_id: str) -> ArtifactRow:
        """Raises NotFoundError."""
        with self._database.read() as session:
            row = session.execute(select(*_COLUMNS).where(ArtifactTable.id == artifact_id)).one_or_none()
        if row is None:
            raise NotFoundError(kind="artifact", id=artifact_id)
        return ArtifactRow(*row)

    def read(self, artifact_id: str) -> Iterator[bytes]:
        """Chunk by chunk. Raises NotFoundError, also where retention has dropped the bytes."""
        query = select(BlobTable.id, BlobTable.chunk_count).join(ArtifactTable).where(ArtifactTable.id == artifact_id)
        with self._database.read() as session:
            blob = session.execute(query).one_or_none()
        if blob is None:
            raise NotFoundError(kind="artifact", id=artifact_id)
        for position in range(blob.chunk_count):
            yield self._chunk(blob.id, position, artifact_id)

    def sweep(self, before: datetime) -> int:
        """Drops the bytes of artifacts older than ``before``, and what an interrupted writer left; how many artifacts.
        Their rows stay: name, size and digest."""
        younger = exists().where(ArtifactTable.blob_id == BlobTable.id, ArtifactTable.created_at >= before)
        kept = exists().where(BlobChunkTable.blob_id == BlobTable.id)
        old = select(BlobTable.id).where(BlobTable.digest.is_not(None), ~younger, kept)
        with self._database.read() as session:
            blobs = session.scalars(old).all()
        dropped = sum(self._drop_bytes(blob_id) for blob_id in blobs)
        self._drop_abandoned()
        return dropped

    # ------------------------------------------------------------ writing

    def _find(self, run_id: str, name: str) -> ArtifactRow | None:
        query = select(*_COLUMNS).where(ArtifactTable.run_id == run_id, ArtifactTable.name == name)
        with self._database.read() as session:
            row = session.execute(query).one_or_none()
        return ArtifactRow(*row) if row else None

    def _open_blob(self) -> str:
        blob_id = uuid.uuid4().hex
        with self._database.write(counted=False) as session:
            session.add(BlobTable(id=blob_id, digest=None, chunk_count=0, created_at=self._now()))
        return blob_id

    def _write(self, blob_id: str, name: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        size_bytes, digest = 0, hashlib.sha256()
        for position, content in enumerate(_rechunked(chunks)):
            size_bytes += len(content)
            if size_bytes > self._limit_mib * _MIB:
                raise StoreError("artifact_too_large", name=name, limit_mib=self._limit_mib)
            digest.update(content)
            encoding, stored = _compressed(content)
            with self._database.write(counted=False) as session:
                session.add(BlobChunkTable(blob_id=blob_id, position=position, encoding=encoding, content=stored))
                session.get_one(BlobTable, blob_id).chunk_count = position + 1
        return size_bytes, digest.hexdigest()

    def _close_blob(self, blob_id: str, row: ArtifactRow) -> ArtifactRow:
        """Joins the file with its bytes: the ones just written, or the same ones that were there already."""
        with self._database.write() as session:
            known = self._find(row.run_id, row.name)
            if known is not None:
                _delete_blob(session, blob_id)
                return known
            shared = _blob_with_bytes(session, row.digest)
            if shared is None:
                _adopt_digest(session, blob_id, row.digest)
            else:
                _delete_blob(session, blob_id)
            artifact = ArtifactTable(**{**vars(row), "id": uuid.uuid4().hex, "blob_id": shared or blob_id})
            session.add(artifact)
            session.flush()
            return ArtifactRow(*(getattr(artifact, field) for field in ArtifactRow.__dataclass_fields__))

    def _drop_blob(self, blob_id: str) -> None:
        with self._database.write(counted=False) as session:
            _delete_blob(session, blob_id)

    # ------------------------------------------------------------ reading and retention

    def _chunk(self, blob_id: str, position: int, artifact_id: str) -> bytes:
        with self._database.read() as session:
            chunk = session.get(BlobChunkTable, (blob_id, position))
        if chunk is None:
            raise NotFoundError(kind="artifact", id=artifact_id)
        return zlib.decompress(chunk.content) if chunk.encoding == "zlib" else chunk.content

    def _drop_bytes(self, blob_id: str) -> int:
        with self._database.write() as session:
            session.execute(delete(BlobChunkTable).where(BlobChunkTable.blob_id == blob_id))
            return len(session.scalars(select(ArtifactTable.id).where(ArtifactTable.blob_id == blob_id)).all())

    def _drop_abandoned(self) -> None:
        since = self._now() - _ABANDONED_AFTER
        with self._database.write(counted=False) as session:
            unfinished = select(BlobTable.id).where(BlobTable.digest.is_(None), BlobTable.created_at < since)
            for blob_id in session.scalars(unfinished).all():
                _delete_blob(session, blob_id)


def _blob_with_bytes(session: Session, digest: str) -> str | None:
    kept = exists().where(BlobChunkTable.blob_id == BlobTable.id)
    return session.scalars(select(BlobTable.id).where(BlobTable.digest == digest, kept)).one_or_none()


def _adopt_digest(session: Session, blob_id: str, digest: str) -> None:
    """Takes the digest over from a blob whose bytes retention has dropped, with the artifacts that pointed there."""
    hollow = session.scalars(select(BlobTable).where(BlobTable.digest == digest)).one_or_none()
    if hollow is not None:
        for artifact in session.scalars(select(ArtifactTable).where(ArtifactTable.blob_id == hollow.id)):
            artifact.blob_id = blob_id
        session.flush()
        session.delete(hollow)
        session.flush()
    session.get_one(BlobTable, blob_id).digest = digest


def _delete_blob(session: Session, blob_id: str) -> None:
    session.execute(delete(BlobChunkTable).where(BlobChunkTable.blob_id == blob_id))
    session.execute(delete(BlobTable).where(BlobTable.id == blob_id))


def _compressed(content: bytes) -> tuple[str, bytes]:
    """Level 1: the records are text that shrinks tenfold at any level, and a worker's time is not for compressing."""
    smaller = zlib.compress(content, 1)
    return ("zlib", smaller) if len(smaller) < len(content) else ("identity", content)


def _rechunked(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of CHUNK_BYTES, the last one shorter; an empty file has no piece."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= CHUNK_BYTES:
            yield bytes(buffer[:CHUNK_BYTES])
            del buffer[:CHUNK_BYTES]
    if buffer:
        yield bytes(buffer)
