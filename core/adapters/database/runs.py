"""Runs and their measurements, one at a time. Lists are in run_lists.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.adapters.database.connection import STANDINGS_VERSION, mark
from core.adapters.database.run_lists import RunLists, search_text, store_facets
from core.adapters.database.tables import MeasurementTable, RunDetailTable, RunTable
from core.domain.benchmark import (
    Distribution,
    Engine,
    Measurement,
    Run,
    RunHead,
    RunKind,
    RunState,
    tool_words,
    with_tool,
)
from core.domain.run_identity import run_identity, workload_key, workload_label
from core.errors import NotFoundError

_HEAD_COLUMNS = [
    field.name
    for field in fields(RunHead)
    if field.name not in {"command", "provenance", "parts_total", "engine", "state", "kind"}
]

_FROM_THE_WORKLOAD = {"parts_total": None, "workload_label": None, "workload_key": None}


class DatabaseRunStore(RunLists):
    """History. Nothing in it is ever deleted."""

    # ------------------------------------------------------------ runs

    def add(self, run: RunHead) -> None:
        """A sweep (``Run``), or any other kind as a ``RunHead`` (or a subclass of it): for an evaluation give ``kind``,
        ``parts_total`` (datasets), ``workload_label`` ("gsm8k, ceval"), ``workload_key`` (equal where two may be
        compared) and a provenance as a sweep's; keep what else it is in a table of your own, by run id. What history
        filters by is read from the provenance (core.domain.run_identity), again at every merge."""
        with self._database.write() as session:
            row = _run_row(run)
            _identify(row, run.provenance)
            session.add(row)
            session.flush()
            workload = run.workload if isinstance(run, Run) else None
            detail = RunDetailTable(run_id=run.id, workload=workload, command=run.command)
            detail.provenance = run.provenance
            session.add(detail)
            store_facets(session, row)
            session.flush()

    def get(self, run_id: str) -> Run:
        """A sweep. Raises NotFoundError, also for another kind of run."""
        with self._database.read() as session:
            row, detail = _found(session, run_id), session.get_one(RunDetailTable, run_id)
            if detail.workload is None:
                raise NotFoundError(kind="run", id=run_id)
            values = {**_head_values(row, detail), **_FROM_THE_WORKLOAD, "engine": Engine(row.engine)}
            return Run(**values, workload=detail.workload)

    def head(self, run_id: str) -> RunHead:
        """A run of any kind. Raises NotFoundError."""
        with self._database.read() as session:
            return RunHead(**_head_values(_found(session, run_id), session.get_one(RunDetailTable, run_id)))

    def set_state(
        self, run_id: str, state: RunState, *, started_at: datetime | None = None, ended_at: datetime | None = None
    ) -> None:
        """A time that is not given stays as it is; a run that goes on again has no end."""
        with self._database.write() as session:
            mark(session, STANDINGS_VERSION)
            row = _found(session, run_id)
            row.state = state.value
            row.started_at = started_at or row.started_at
            row.ended_at = None if state is RunState.PENDING else ended_at or row.ended_at

    def set_parts(self, run_id: str, done: int, score: float | None = None) -> None:
        """How many steps of an evaluation are done, and its headline score (0..1), None while there is none."""
        with self._database.write() as session:
            row = _found(session, run_id)
            row.points_done, row.score = done, score

    def merge_provenance(self, run_id: str, values: Mapping[str, Any]) -> None:
        with self._database.write() as session:
            mark(session, STANDINGS_VERSION)
            row = _found(session, run_id)
            detail = session.get_one(RunDetailTable, run_id, with_for_update=True)
            detail.provenance = {**detail.provenance, **values}
            _identify(row, detail.provenance)
            store_facets(session, row)

    def set_note(self, run_id: str, note: str) -> None:
        with self._database.write() as session:
            row = _found(session, run_id)
            row.note = note
            row.search_text = search_text(row)

    def retag(self, run_ids: Iterable[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Adds and takes away tags, which are as ``tag_of`` gives them. Raises NotFoundError; then nothing changed."""
        added, removed = tuple(add), set(remove)
        with self._database.write() as session:
            for run_id in run_ids:
                row = _found(session, run_id)
                row.tags = tuple(sorted({*row.tags, *added} - removed))
                row.search_text = search_text(row)
                store_facets(session, row)

    def archive(self, run_ids: Iterable[str], at: datetime | None) -> None:
        """Out of sight since ``at``; None brings them back. Raises NotFoundError; then nothing changed."""
        with self._database.write() as session:
            mark(session, STANDINGS_VERSION)
            for run_id in run_ids:
                _found(session, run_id).archived_at = at

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


def _run_row(run: RunHead) -> RunTable:
    row = RunTable(
        **{name: getattr(run, name) for name in _HEAD_COLUMNS},
        engine=str(run.engine),
        state=run.state.value,
        kind=run.kind.value,
        points_done=0,
        points_total=run.parts_total or 0,
        tool=tool_words(run, ()),
    )
    if isinstance(run, Run):
        load = run.workload
        row.input_tokens, row.output_tokens = load.input_tokens, load.output_tokens
        row.points_total = len(load.points) * load.repeats
        row.workload_key, row.workload_label = workload_key(load), workload_label(load)
    else:
        row.workload_key, row.workload_label = run.workload_key or "", run.workload_label or ""
    return row


def _identify(row: RunTable, provenance: Mapping[str, Any]) -> None:
    """What the history filters by, and what a person may look for."""
    found = run_identity(row.model, row.version_label, provenance)
    row.version_key, row.platform = found.version_key, found.platform
    row.profile, row.image = found.profile, found.image
    row.search_text = search_text(row)


def _head_values(row: RunTable, detail: RunDetailTable) -> dict[str, Any]:
    return {
        **{name: getattr(row, name) for name in _HEAD_COLUMNS},
        "engine": row.engine,
        "state": RunState(row.state),
        "kind": RunKind(row.kind),
        "parts_total": row.points_total,
        "command": detail.command,
        "provenance": detail.provenance,
    }


def _count(run: RunTable, measurement: Measurement) -> None:
    """The list's figures. A point of which too much failed has no throughput worth showing."""
    run.tool = with_tool(run.tool if run.points_done else "", measurement)
    run.points_done += 1
    if not measurement.is_sound:
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
