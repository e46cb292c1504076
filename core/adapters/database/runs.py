"""Runs and their measurements. A list reads ``runs`` alone; documents are read for one run at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import MeasurementTable, RunDetailTable, RunTable
from core.domain.benchmark import Distribution, Engine, Measurement, Page, Run, RunRow, RunState
from core.errors import NotFoundError

_ROW_COLUMNS = [getattr(RunTable, field.name) for field in fields(RunRow)]


class DatabaseRunStore:
    """History. Nothing in it is ever deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------ runs

    def add(self, run: Run) -> None:
        with self._database.write() as session:
            session.add(_run_row(run))
            session.flush()
            detail = RunDetailTable(run_id=run.id, workload=run.workload, command=run.command)
            detail.provenance = run.provenance
            session.add(detail)
            session.flush()

    def get(self, run_id: str) -> Run:
        with self._database.read() as session:
            return _run(_found(session, run_id), session.get_one(RunDetailTable, run_id))

    def set_state(
        self, run_id: str, state: RunState, *, started_at: datetime | None = None, ended_at: datetime | None = None
    ) -> None:
        """A time that is not given stays as it is; a run that goes on again has no end."""
        with self._database.write() as session:
            row = _found(session, run_id)
            row.state = state.value
            row.started_at = started_at or row.started_at
            row.ended_at = None if state is RunState.PENDING else ended_at or row.ended_at

    def merge_provenance(self, run_id: str, values: Mapping[str, Any]) -> None:
        with self._database.write() as session:
            _found(session, run_id)
            detail = session.get_one(RunDetailTable, run_id, with_for_update=True)
            detail.provenance = {**detail.provenance, **values}

    def set_note(self, run_id: str, note: str) -> None:
        with self._database.write() as session:
            row = _found(session, run_id)
            row.note = note
            row.search_text = _search_text(row)

    # ------------------------------------------------------------ lists

    def page(
        self,
        offset: int,
        limit: int,
        *,
        model: str | None = None,
        endpoint_id: str | None = None,
        text: str | None = None,
    ) -> Page[RunRow]:
        """The newest first. ``text`` looks into model, version, note, person and id, whatever the case."""
        query = _filtered(select(RunTable.id), model, endpoint_id, text)
        ids = query.order_by(RunTable.created_at.desc(), RunTable.id.desc()).limit(limit).offset(offset)
        count = _filtered(select(func.count()).select_from(RunTable), model, endpoint_id, text)
        # The inner query walks an index to the offset; only the rows of the page are fetched.
        rows = (
            select(*_ROW_COLUMNS).where(RunTable.id.in_(ids)).order_by(RunTable.created_at.desc(), RunTable.id.desc())
        )
        with self._database.read() as session:
            found = tuple(_list_row(row._mapping) for row in session.execute(rows))
            is_last = 0 < len(found) < limit or (not found and offset == 0)
            total = offset + len(found) if is_last else session.scalars(count).one()
        return Page(found, total, offset)

    def models(self) -> tuple[str, ...]:
        """Every model that was measured, by name."""
        with self._database.read() as session:
            return tuple(session.scalars(select(RunTable.model).distinct().order_by(RunTable.model)))

    # ------------------------------------------------------------ measurements

    def save_measurement(self, run_id: str, measurement: Measurement) -> bool:
        """Locks the run's row first, so that two writers of the same point cannot both find it missing."""
        with self._database.write() as session:
            run = _found(session, run_id, lock=True)
            key = (run_id, measurement.point_index, measurement.repeat)
            if session.get(MeasurementTable, key) is not None:
                return False
            session.add(_measurement_row(run_id, measurement))
            _count(run, measurement)
            session.flush()
        return True

    def measurements(self, run_id: str) -> tuple[Measurement, ...]:
        """By point, then repeat."""
        query = (
            select(MeasurementTable.document)
            .where(MeasurementTable.run_id == run_id)
            .order_by(MeasurementTable.point_index, MeasurementTable.repeat)
        )
        with self._database.read() as session:
            return tuple(session.scalars(query))

    def has_measurement(self, run_id: str, point_index: int, repeat: int) -> bool:
        query = select(MeasurementTable.repeat).filter_by(run_id=run_id, point_index=point_index, repeat=repeat)
        with self._database.read() as session:
            return session.scalars(query).one_or_none() is not None


def _found(session: Session, run_id: str, *, lock: bool = False) -> RunTable:
    row = session.get(RunTable, run_id, with_for_update=lock or None)
    if row is None:
        raise NotFoundError(kind="run", id=run_id)
    return row


def _filtered(query: Select[Any], model: str | None, endpoint_id: str | None, text: str | None) -> Select[Any]:
    if model is not None:
        query = query.where(RunTable.model == model)
    if endpoint_id is not None:
        query = query.where(RunTable.endpoint_id == endpoint_id)
    for word in (text or "").casefold().split():
        query = query.where(RunTable.search_text.contains(word, autoescape=True))
    return query


def _run_row(run: Run) -> RunTable:
    row = RunTable(
        id=run.id,
        endpoint_id=run.endpoint_id,
        model=run.model,
        version_label=run.version_label,
        origin=run.origin,
        engine=run.engine.value,
        state=run.state.value,
        seed=run.seed,
        created_at=run.created_at,
        created_by=run.created_by,
        note=run.note,
        started_at=run.started_at,
        ended_at=run.ended_at,
        job_id=run.job_id,
        input_tokens=run.workload.input_tokens,
        output_tokens=run.workload.output_tokens,
        points_done=0,
        points_total=len(run.workload.points) * run.workload.repeats,
    )
    row.search_text = _search_text(row)
    return row


def _search_text(row: RunTable) -> str:
    return " ".join((row.model, row.version_label, row.note, row.created_by, row.id)).casefold()


def _run(row: RunTable, detail: RunDetailTable) -> Run:
    return Run(
        id=row.id,
        endpoint_id=row.endpoint_id,
        model=row.model,
        version_label=row.version_label,
        origin=row.origin,
        engine=Engine(row.engine),
        workload=detail.workload,
        state=RunState(row.state),
        seed=row.seed,
        created_at=row.created_at,
        created_by=row.created_by,
        command=detail.command,
        note=row.note,
        started_at=row.started_at,
        ended_at=row.ended_at,
        job_id=row.job_id,
        provenance=detail.provenance,
    )


def _list_row(columns: Mapping[Any, Any]) -> RunRow:
    return RunRow(**{**columns, "state": RunState(columns["state"])})


def _count(run: RunTable, measurement: Measurement) -> None:
    """The list's figures. A point without a success has no throughput worth showing."""
    run.points_done += 1
    if measurement.requests.succeeded == 0:
        return
    rate, best = measurement.output_tokens_per_s, run.best_output_tokens_per_s
    run.best_output_tokens_per_s = rate if best is None else max(best, rate)
    ttft, lowest = measurement.ttft_ms, run.lowest_ttft_p50_ms
    if ttft is not None:
        run.lowest_ttft_p50_ms = ttft.p50 if lowest is None else min(lowest, ttft.p50)


def _measurement_row(run_id: str, measurement: Measurement) -> MeasurementTable:
    ttft, tpot = _Figures(measurement.ttft_ms), _Figures(measurement.tpot_ms)
    itl, e2el = _Figures(measurement.itl_ms), _Figures(measurement.e2el_ms)
    return MeasurementTable(
        run_id=run_id,
        point_index=measurement.point_index,
        repeat=measurement.repeat,
        started_at=measurement.started_at,
        duration_s=measurement.duration_s,
        concurrency=measurement.concurrency,
        rate_per_s=measurement.rate_per_s,
        succeeded=measurement.requests.succeeded,
        failed=measurement.requests.failed,
        requests_per_s=measurement.requests_per_s,
        output_tokens_per_s=measurement.output_tokens_per_s,
        total_tokens_per_s=measurement.total_tokens_per_s,
        ttft_mean_ms=ttft.mean,
        ttft_p50_ms=ttft.p50,
        ttft_p99_ms=ttft.p99,
        tpot_mean_ms=tpot.mean,
        tpot_p50_ms=tpot.p50,
        tpot_p99_ms=tpot.p99,
        itl_mean_ms=itl.mean,
        itl_p99_ms=itl.p99,
        e2el_mean_ms=e2el.mean,
        e2el_p50_ms=e2el.p50,
        e2el_p99_ms=e2el.p99,
        document=measurement,
    )


class _Figures:
    """A distribution's columns; None throughout where there is none."""

    def __init__(self, values: Distribution | None) -> None:
        self.mean = values.mean if values else None
        self.p50 = values.p50 if values else None
        self.p99 = values.p99 if values else None
