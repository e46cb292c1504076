"""Folders of weights."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.weights import RemoteFile

Files = tuple[RemoteFile, ...]
Patterns = tuple[str, ...]


class WeightsFolderTable(Base):
    __tablename__ = "weights_folders"
    __table_args__ = (Index(None, "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    repo: Mapped[str]
    revision: Mapped[str]
    endpoint: Mapped[str]
    patterns: Mapped[Patterns] = mapped_column(Record(Patterns))
    commit: Mapped[str | None]
    files: Mapped[Files] = mapped_column(Record(Files))
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"), index=True)
    verified_at: Mapped[datetime | None]
