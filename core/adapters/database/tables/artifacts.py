"""Raw files: compressed, content-addressed, in chunks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.domain.job import Param

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


class ArtifactTable(Base):
    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)


class BlobTable(Base):
    """Bytes that artifacts with the same content share. ``digest`` None: still being written, or its writer died."""

    __tablename__ = "blobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str | None] = mapped_column(unique=True)
    chunk_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)


class BlobChunkTable(Base):
    """At most 4 MiB of content each. ``encoding``: zlib, or identity where compressing does not help."""

    __tablename__ = "blob_chunks"

    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    encoding: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)
