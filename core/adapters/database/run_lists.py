"""Lists of runs. Any combination of filters is answered from one wide index, in the order of the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeAlias

from sqlalchemy import Select, String, func, select, tuple_, type_coerce
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.run_trends import daily
from core.adapters.database.tables import MeasurementTable, RunFacetTable, RunTable
from core.domain.benchmark import Page, RunKind, RunRow, RunState
from core.domain.history import DailyRun, Facet, FacetValue, PointFigures, RunFilter, Shelf, TrendFigure

Columns: TypeAlias = "Select[*tuple[Any, ...]]"
_ROW_COLUMNS = [getattr(RunTable, field.name) for field in fields(RunRow)]
_NEWEST_FIRST = (RunTable.created_at.desc(), RunTable.id.desc())
_EVERYTHING = RunFilter()
_CHUNK = 500
_OFTEN = 5_000
_TRIED = 5
"""The newest runs of a kind that are looked at for one that has measured something."""


class RunLists:
    """The reading half of the run store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, offset: int, limit: int, where: RunFilter = _EVERYTHING, total: int | None = None) -> Page[RunRow]:
        """The newest first. ``total`` spares the count where the caller knows it."""
        ids = _filtered(select(RunTable.id), where).order_by(*_NEWEST_FIRST).limit(limit).offset(offset)
        # The inner query walks an index to the offset; only the rows of the page are fetched.
        rows = select(*_ROW_COLUMNS).where(RunTable.id.in_(ids)).order_by(*_NEWEST_FIRST)
        with self._database.read() as session:
            found = tuple(_list_row(row._mapping) for row in session.execute(rows))
            is_last = 0 < len(found) < limit or (not found and offset == 0)
            if total is None:
                total = offset + len(found) if is_last else self._count(session, where)
        return Page(found, total, offset)

    def rows(self, run_ids: Sequence[str]) -> tuple[RunRow, ...]:
        """These runs, in the order asked for; unknown ones are left out."""
        with self._database.read() as session:
            query = select(*_ROW_COLUMNS).where(RunTable.id.in_(run_ids))
            found = {row.id: _list_row(row._mapping) for row in session.execute(query)}
        return tuple(found[run_id] for run_id in run_ids if run_id in found)

    def ids(self, where: RunFilter, limit: int) -> tuple[str, ...]:
        """What the filter finds, the newest first; at most ``limit``."""
        with self._database.read() as session:
            query = _filtered(select(RunTable.id), where).order_by(*_NEWEST_FIRST).limit(limit)
            return tuple(session.scalars(query))

    def newest(self, beside: Mapping[tuple[str, str], str]) -> Mapping[tuple[str, str], RunRow]:
        """By (model, workload key): the newest measured run on the shelf but the one that is named. One walk along the
        index finds what is measured often; a second one, for what was not among the newest, looks for that alone."""
        found: dict[tuple[str, str], list[str]] = {key: [] for key in beside}
        with self._database.read() as session:
            _walk(session, found, beside, _OFTEN)
            _walk(session, found, {key: run_id for key, run_id in beside.items() if not found[key]}, None)
        rows = {row.id: row for row in self.rows([run_id for ids in found.values() for run_id in ids])}
        measured = {
            key: [rows[one] for one in ids if one in rows and rows[one].points_done] for key, ids in found.items()
        }
        return {key: those[0] for key, those in measured.items() if those}

    def points(self, run_ids: Sequence[str]) -> tuple[PointFigures, ...]:
        """The figures of every point of these runs, by run, point and repeat."""
        columns = [getattr(MeasurementTable, field.name) for field in fields(PointFigures)]
        order = (MeasurementTable.run_id, MeasurementTable.point_index, MeasurementTable.repeat)
        with self._database.read() as session:
            query = select(*columns).where(MeasurementTable.run_id.in_(run_ids)).order_by(*order)
            return tuple(PointFigures(*row) for row in session.execute(query))

    def daily(
        self, where: RunFilter, figure: TrendFigure, concurrency: int | None, *, runs: int, days: int
    ) -> tuple[DailyRun, ...]:
        """Of the newest ``runs`` that the filter finds, the middle one of each day and version, the newest first; at
        most ``days``."""
        found = _filtered(select(RunTable.id, RunTable.created_at, RunTable.version_key), where)
        newest = found.order_by(*_NEWEST_FIRST).limit(runs)
        return daily(self._database, newest, figure, concurrency, days=days)

    def count(self, where: RunFilter = _EVERYTHING) -> int:
        """How many runs the filter finds."""
        with self._database.read() as session:
            return self._count(session, where)

    def models(self) -> tuple[str, ...]:
        """Every model that was measured, by name."""
        return tuple(choice.value for choice in self.facets().get(Facet.MODEL, ()))

    def facets(self) -> Mapping[Facet, tuple[FacetValue, ...]]:
        """Every filter's choices, by label. A facet that no run has is left out."""
        found: dict[Facet, list[FacetValue]] = {}
        with self._database.read() as session:
            for row in session.scalars(select(RunFacetTable).order_by(RunFacetTable.label)):
                found.setdefault(Facet(row.facet), []).append(FacetValue(row.value, row.label))
        return {facet: tuple(choices) for facet, choices in found.items()}

    def _count(self, session: Session, where: RunFilter) -> int:
        total: int = session.scalars(_filtered(select(func.count()).select_from(RunTable), where)).one()
        return total


def _walk(
    session: Session, found: dict[tuple[str, str], list[str]], beside: Mapping[tuple[str, str], str], limit: int | None
) -> None:
    """Down the list, the newest first, until enough runs of every model and workload are found."""
    left = len(beside)
    for run_id, model, workload_key in session.execute(_alike(beside).limit(limit)) if beside else ():
        key = (model, workload_key)
        if len(found[key]) == _TRIED or run_id == beside[key]:
            continue
        found[key].append(run_id)
        left -= len(found[key]) == _TRIED
        if not left:
            return


def _alike(beside: Mapping[tuple[str, str], str]) -> Select[str, str, str]:
    query = select(RunTable.id, RunTable.model, RunTable.workload_key).where(RunTable.archived_at.is_(None))
    query = query.where(RunTable.workload_key.in_({workload for _, workload in beside}))  # the rarest word first
    query = query.where(tuple_(RunTable.model, RunTable.workload_key).in_(list(beside)))
    return query.order_by(*_NEWEST_FIRST).execution_options(yield_per=_CHUNK)


def store_facets(session: Session, row: RunTable) -> None:
    """Keeps the filters' choices up with a run; a label follows its run's newest words."""
    values = {
        Facet.MODEL: row.model,
        Facet.VERSION: row.version_key,
        Facet.PLATFORM: row.platform,
        Facet.PROFILE: row.profile,
        Facet.IMAGE: row.image,
        Facet.WORKLOAD: row.workload_key,
        Facet.ENGINE: row.engine,
        Facet.KIND: row.kind,
        Facet.PERSON: row.created_by,
    }
    labels = {
        Facet.VERSION: " ".join([row.model, row.version_label]).strip(),
        Facet.WORKLOAD: row.workload_label,
    }
    named = [(facet, value, labels.get(facet, value)) for facet, value in values.items() if value]
    for facet, value, label in [*named, *((Facet.TAG, tag, tag) for tag in row.tags or ())]:
        session.merge(RunFacetTable(facet=facet.value, value=value, label=label))


def search_text(row: RunTable) -> str:
    """Everything a person may look for."""
    words = (row.model, row.version_label, row.workload_label, row.note, *(row.tags or ()), row.created_by, row.id)
    return " ".join(words).casefold()


def _filtered(query: Columns, where: RunFilter) -> Columns:
    if where.run_ids is not None:
        query = query.where(RunTable.id.in_(where.run_ids))
    elif where.endpoint_id is not None:
        query = query.where(RunTable.endpoint_id == where.endpoint_id)
    if where.shelf is not Shelf.ALL:
        archived = RunTable.archived_at.is_not(None)
        query = query.where(archived if where.shelf is Shelf.ARCHIVED else RunTable.archived_at.is_(None))
    if where.since is not None:
        query = query.where(RunTable.created_at >= where.since)
    if where.until is not None:
        query = query.where(RunTable.created_at < where.until)
    query = _of_facets(query, where.facets)
    for word in where.text.casefold().split():  # after the facets: they are compared sooner
        query = query.where(RunTable.search_text.contains(word, autoescape=True))
    return query


def _of_facets(query: Columns, facets: Mapping[Facet, str]) -> Columns:
    for facet, value in facets.items():
        if facet is Facet.TAG:
            query = query.where(type_coerce(RunTable.tags, String).contains(f'"{value}"', autoescape=True))
        else:
            query = query.where(getattr(RunTable, facet.value) == value)
    return query


def _list_row(columns: Mapping[Any, Any]) -> RunRow:
    return RunRow(**{**columns, "state": RunState(columns["state"]), "kind": RunKind(columns["kind"])})
