"""Pinned baselines, and the runs that measured a noise floor."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base


class BaselineTable(Base):
    __tablename__ = "baselines"

    model: Mapped[str] = mapped_column(primary_key=True)
    workload_key: Mapped[str] = mapped_column(primary_key=True)
    workload_label: Mapped[str]
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    pinned_at: Mapped[datetime]
    pinned_by: Mapped[str]


class NoiseRunTable(Base):
    """The floor itself is read off the run's measurements: it can always be derived again."""

    __tablename__ = "noise_runs"
    __table_args__ = (Index(None, "machine", "engine", "created_at"),)

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    machine: Mapped[str]
    engine: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
