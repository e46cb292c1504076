"""Runs and measurements."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.benchmark import Measurement
from core.domain.job import Param
from core.domain.workload import Workload

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


FACET_COLUMNS = (
    "model",
    "version_key",
    "platform",
    "profile",
    "image",
    "workload_key",
    "engine",
    "kind",
    "created_by",
)


class RunTable(Base):
    """What a list shows. ``points_done``, ``tool`` and the two best figures are kept up with every measurement;
    ``search_text`` is what a person may look for, case folded. The wide index holds every column that a list filters
    by, so that any combination is answered from it alone, in the order of the list."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "endpoint_id", "created_at", "id"),
        Index("ix_runs_filters", "created_at", "id", "archived_at", *FACET_COLUMNS, "tags", "search_text"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("endpoints.id"))
    model: Mapped[str]
    version_label: Mapped[str]
    origin: Mapped[str]
    engine: Mapped[str]
    state: Mapped[str]
    seed: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    note: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    job_id: Mapped[str | None]
    input_tokens: Mapped[int | None]
    output_tokens: Mapped[int | None]
    points_done: Mapped[int] = mapped_column(default=0)
    points_total: Mapped[int]
    best_output_tokens_per_s: Mapped[float | None]
    lowest_ttft_p50_ms: Mapped[float | None]
    search_text: Mapped[str]
    kind: Mapped[str] = mapped_column(server_default="sweep")
    version_key: Mapped[str] = mapped_column(server_default="")
    platform: Mapped[str | None]
    profile: Mapped[str | None]
    image: Mapped[str | None]
    workload_key: Mapped[str] = mapped_column(server_default="")
    workload_label: Mapped[str] = mapped_column(server_default="")
    tool: Mapped[str] = mapped_column(server_default="")
    score: Mapped[float | None]
    tags: Mapped[tuple[str, ...]] = mapped_column(Record(tuple[str, ...]), server_default="[]")
    archived_at: Mapped[datetime | None]


class RunDetailTable(Base):
    __tablename__ = "run_details"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    workload: Mapped[Workload | None] = mapped_column(Record(Workload))
    command: Mapped[tuple[str, ...]] = mapped_column(Record(tuple[str, ...]))
    provenance: Mapped[Mapping[str, Any]] = mapped_column(Record(Mapping[str, Any]))


class MeasurementTable(Base):
    """The figures that lists, trends and comparisons aggregate, and last the whole measurement."""

    __tablename__ = "measurements"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    point_index: Mapped[int] = mapped_column(primary_key=True)
    repeat: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    duration_s: Mapped[float]
    concurrency: Mapped[int | None]
    rate_per_s: Mapped[float | None]
    succeeded: Mapped[int]
    failed: Mapped[int]
    requests_per_s: Mapped[float]
    output_tokens_per_s: Mapped[float]
    total_tokens_per_s: Mapped[float]
    ttft_mean_ms: Mapped[float | None]
    ttft_p50_ms: Mapped[float | None]
    ttft_p99_ms: Mapped[float | None]
    tpot_mean_ms: Mapped[float | None]
    tpot_p50_ms: Mapped[float | None]
    tpot_p99_ms: Mapped[float | None]
    itl_mean_ms: Mapped[float | None]
    itl_p99_ms: Mapped[float | None]
    e2el_mean_ms: Mapped[float | None]
    e2el_p50_ms: Mapped[float | None]
    e2el_p99_ms: Mapped[float | None]
    document: Mapped[Measurement] = mapped_column(Record(Measurement))
