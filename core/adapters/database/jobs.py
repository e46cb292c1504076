"""Jobs, their latest progress, and the workers' heartbeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.adapters.database.connection import Database
from core.adapters.database.tables import JobProgressTable, JobTable, WorkerBeatTable
from core.domain.benchmark import Page
from core.domain.job import Job, JobKind, JobState, Progress, Reason
from core.errors import NotFoundError


class DatabaseJobStore:
    """What outlives the job engine's own, disposable database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------ jobs

    def add(self, job: Job) -> None:
        with self._database.write() as session:
            session.add(_row(job))
            session.flush()

    def get(self, job_id: str) -> Job:
        with self._database.read() as session:
            return _job(_found(session, job_id))

    def page(self, offset: int, limit: int) -> Page[Job]:
        """The newest first."""
        query = select(JobTable).order_by(JobTable.created_at.desc(), JobTable.id.desc()).limit(limit).offset(offset)
        with self._database.read() as session:
            total = session.scalars(select(func.count()).select_from(JobTable)).one()
            return Page(tuple(_job(row) for row in session.scalars(query)), total, offset)

    def unfinished(self) -> tuple[Job, ...]:
        """The oldest first."""
        query = select(JobTable).where(JobTable.outcome.is_(None)).order_by(JobTable.created_at, JobTable.id)
        with self._database.read() as session:
            return tuple(_job(row) for row in session.scalars(query))

    def ended_since(self, at: datetime, person: str, limit: int) -> tuple[Job, ...]:
        """What a person started and what has ended after ``at``, the newest end first."""
        query = select(JobTable).where(JobTable.created_by == person, JobTable.ended_at > at)
        with self._database.read() as session:
            rows = session.scalars(query.order_by(JobTable.ended_at.desc(), JobTable.id.desc()).limit(limit))
            return tuple(_job(row) for row in rows)

    def mark_started(self, job_id: str, at: datetime) -> None:
        """The first start counts."""
        with self._database.write() as session:
            row = _found(session, job_id)
            row.started_at = row.started_at or at

    def finish(self, job_id: str, outcome: JobState, at: datetime, reason: Reason | None = None) -> None:
        with self._database.write() as session:
            row = _found(session, job_id)
            row.outcome, row.ended_at = outcome.value, at
            row.reason_code = reason.code if reason else None
            row.reason_params = dict(reason.params) if reason else None

    def reopen(self, job_id: str) -> None:
        with self._database.write() as session:
            row = _found(session, job_id)
            row.outcome = row.ended_at = row.reason_code = row.reason_params = None

    # ------------------------------------------------------------ live words

    def save_progress(self, job_id: str, progress: Progress) -> None:
        """Replaces the last word."""
        with self._database.write(counted=False) as session:
            session.merge(JobProgressTable(job_id=job_id, **vars(progress)))

    def progress(self, job_ids: Sequence[str]) -> Mapping[str, Progress]:
        query = select(JobProgressTable).where(JobProgressTable.job_id.in_(job_ids))
        with self._database.read() as session:
            return {row.job_id: _progress(row) for row in session.scalars(query)}

    def beat(self, worker_id: str, at: datetime) -> None:
        with self._database.write(counted=False) as session:
            session.merge(WorkerBeatTable(worker_id=worker_id, at=at))

    def last_beat(self) -> datetime | None:
        with self._database.read() as session:
            return session.scalars(select(func.max(WorkerBeatTable.at))).one()


def _found(session: Session, job_id: str) -> JobTable:
    row = session.get(JobTable, job_id)
    if row is None:
        raise NotFoundError(kind="job", id=job_id)
    return row


def _row(job: Job) -> JobTable:
    return JobTable(
        id=job.id,
        kind=job.kind.value,
        title=job.title,
        server_key=job.server_key,
        created_at=job.created_at,
        created_by=job.created_by,
        steps_total=job.steps_total,
        run_id=job.run_id,
        deployment_id=job.deployment_id,
        started_at=job.started_at,
        ended_at=job.ended_at,
        outcome=job.outcome.value if job.outcome else None,
        reason_code=job.reason.code if job.reason else None,
        reason_params=dict(job.reason.params) if job.reason else None,
    )


def _job(row: JobTable) -> Job:
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        title=row.title,
        server_key=row.server_key,
        created_at=row.created_at,
        created_by=row.created_by,
        steps_total=row.steps_total,
        run_id=row.run_id,
        deployment_id=row.deployment_id,
        started_at=row.started_at,
        ended_at=row.ended_at,
        outcome=JobState(row.outcome) if row.outcome else None,
        reason=Reason(row.reason_code, row.reason_params or {}) if row.reason_code else None,
    )


def _progress(row: JobProgressTable) -> Progress:
    return Progress(
        step=row.step,
        label=row.label,
        done=row.done,
        total=row.total,
        unit=row.unit,
        rate_per_s=row.rate_per_s,
        eta_s=row.eta_s,
        updated_at=row.updated_at,
        detail=row.detail,
    )
