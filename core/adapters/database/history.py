"""Kept views, and notes on the time axis."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select

from core.adapters.database.connection import Database
from core.adapters.database.tables import AnnotationTable, SavedViewTable
from core.domain.history import Annotation, SavedView
from core.errors import NotFoundError


class DatabaseViewStore:
    """An archived view is out of the lists, and still opens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, view: SavedView) -> None:
        with self._database.write() as session:
            session.add(SavedViewTable(**_values(view)))
            session.flush()

    def get(self, view_id: str) -> SavedView:
        """Raises NotFoundError."""
        with self._database.read() as session:
            row = session.get(SavedViewTable, view_id)
            if row is None:
                raise NotFoundError(kind="view", id=view_id)
            return SavedView(**{field.name: getattr(row, field.name) for field in fields(SavedView)})

    def list(self, page: str) -> tuple[SavedView, ...]:
        """Those of a page that are not archived, by title."""
        query = select(SavedViewTable).filter_by(page=page, archived_at=None)
        with self._database.read() as session:
            rows = session.scalars(query.order_by(SavedViewTable.title, SavedViewTable.id)).all()
            names = [field.name for field in fields(SavedView)]
            return tuple(SavedView(**{name: getattr(row, name) for name in names}) for row in rows)

    def archive(self, view_id: str, at: datetime | None) -> None:
        """Raises NotFoundError."""
        with self._database.write() as session:
            row = session.get(SavedViewTable, view_id)
            if row is None:
                raise NotFoundError(kind="view", id=view_id)
            row.archived_at = at


class DatabaseAnnotationStore:
    """What happened when."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, annotation: Annotation) -> None:
        with self._database.write() as session:
            session.add(AnnotationTable(**_values(annotation)))
            session.flush()

    def list(self, model: str | None = None) -> tuple[Annotation, ...]:
        """Those that concern a model (all of them where None is given), the oldest first."""
        query = select(AnnotationTable).filter_by(archived_at=None)
        if model is not None:
            query = query.where(or_(AnnotationTable.model.is_(None), AnnotationTable.model == model))
        with self._database.read() as session:
            rows = session.scalars(query.order_by(AnnotationTable.at, AnnotationTable.id)).all()
            names = [field.name for field in fields(Annotation)]
            return tuple(Annotation(**{name: getattr(row, name) for name in names}) for row in rows)

    def archive(self, annotation_id: str, at: datetime | None) -> None:
        """Raises NotFoundError."""
        with self._database.write() as session:
            row = session.get(AnnotationTable, annotation_id)
            if row is None:
                raise NotFoundError(kind="annotation", id=annotation_id)
            row.archived_at = at


def _values(record: SavedView | Annotation) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}
