"""What stands around the runs: the choices of their filters, kept views, notes on the time axis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record


class RunFacetTable(Base):
    """Every value that a run has had in a column with few of them: a filter's choices, without a look at the runs."""

    __tablename__ = "run_facets"

    facet: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]


class SavedViewTable(Base):
    __tablename__ = "saved_views"
    __table_args__ = (Index(None, "page", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    page: Mapped[str]
    title: Mapped[str]
    state: Mapped[Mapping[str, str]] = mapped_column(Record(Mapping[str, str]))
    run_ids: Mapped[tuple[str, ...]] = mapped_column(Record(tuple[str, ...]))
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    archived_at: Mapped[datetime | None]


class AnnotationTable(Base):
    __tablename__ = "annotations"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    text: Mapped[str]
    model: Mapped[str | None]
    platform: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    archived_at: Mapped[datetime | None]
