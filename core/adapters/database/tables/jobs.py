"""Jobs and their live progress."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.job import Param

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


class JobTable(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "outcome", "created_at"),
        Index(None, "created_by", "ended_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    server_key: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    steps_total: Mapped[int]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("runs.id"), index=True)
    deployment_id: Mapped[str | None] = mapped_column(ForeignKey("deployments.id"), index=True)
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason_code: Mapped[str | None]
    reason_params: Mapped[Params | None] = mapped_column(Record(Params))


class JobProgressTable(Base):
    __tablename__ = "job_progress"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), primary_key=True)
    step: Mapped[int]
    label: Mapped[str]
    done: Mapped[int]
    total: Mapped[int | None]
    unit: Mapped[str]
    rate_per_s: Mapped[float | None]
    eta_s: Mapped[float | None]
    updated_at: Mapped[datetime]
    detail: Mapped[Params] = mapped_column(Record(Params))


class WorkerBeatTable(Base):
    __tablename__ = "worker_beats"

    worker_id: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
