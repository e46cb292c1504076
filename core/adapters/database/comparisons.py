"""Pinned baselines, and the runs that measured a noise floor."""

from __future__ import annotations

from sqlalchemy import select

from core.adapters.database.connection import Database
from core.adapters.database.tables import BaselineTable, NoiseRunTable
from core.domain.baseline import Baseline, NoiseRun


class DatabaseBaselineStore:
    """One row a model and workload."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(self, baseline: Baseline) -> None:
        with self._database.write() as session:
            session.merge(BaselineTable(**vars(baseline)))

    def unpin(self, model: str, workload_key: str) -> None:
        with self._database.write() as session:
            row = session.get(BaselineTable, (model, workload_key))
            if row is not None:
                session.delete(row)

    def get(self, model: str, workload_key: str) -> Baseline | None:
        with self._database.read() as session:
            row = session.get(BaselineTable, (model, workload_key))
            return _baseline(row) if row else None

    def list(self) -> tuple[Baseline, ...]:
        query = select(BaselineTable).order_by(BaselineTable.model, BaselineTable.workload_label)
        with self._database.read() as session:
            return tuple(map(_baseline, session.scalars(query)))


class DatabaseNoiseStore:
    """Rows are added and read, never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: NoiseRun) -> None:
        with self._database.write() as session:
            session.add(NoiseRunTable(**vars(run)))
            session.flush()

    def list(self, machine: str, engine: str) -> tuple[NoiseRun, ...]:
        query = (
            select(NoiseRunTable).filter_by(machine=machine, engine=engine).order_by(NoiseRunTable.created_at.desc())
        )
        with self._database.read() as session:
            return tuple(
                NoiseRun(row.run_id, row.machine, row.engine, row.created_at, row.created_by)
                for row in session.scalars(query)
            )


def _baseline(row: BaselineTable) -> Baseline:
    return Baseline(row.model, row.workload_key, row.workload_label, row.run_id, row.pinned_at, row.pinned_by)
