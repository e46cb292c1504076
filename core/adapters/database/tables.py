"""Every table. Lists read narrow rows; documents (JSON) and bytes lie where no list has to step over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from core.adapters.database.types import Record, UtcDateTime
from core.domain.benchmark import Measurement
from core.domain.container import ContainerSpec
from core.domain.endpoint import EndpointCheck
from core.domain.job import Param
from core.domain.workload import Workload

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


class Base(DeclarativeBase):
    """Constraint names are fixed, so that a migration can name them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012


class EndpointTable(Base):
    __tablename__ = "endpoints"
    __table_args__ = (UniqueConstraint("base_url", "served_name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    base_url: Mapped[str]
    served_name: Mapped[str]
    origin: Mapped[str]
    server_key: Mapped[str]
    version_label: Mapped[str]
    version_verified: Mapped[bool]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    key_ref: Mapped[str | None]
    deployment_id: Mapped[str | None] = mapped_column(ForeignKey("deployments.id"))
    archived_at: Mapped[datetime | None]
    check: Mapped[EndpointCheck | None] = mapped_column(Record(EndpointCheck))


class RunTable(Base):
    """What a list shows. ``points_done`` and the two best figures are kept up with every measurement; ``search_text``
    is what a person may look for, case folded."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "model", "created_at", "id"),
        Index(None, "endpoint_id", "created_at", "id"),
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
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    points_done: Mapped[int] = mapped_column(default=0)
    points_total: Mapped[int]
    best_output_tokens_per_s: Mapped[float | None]
    lowest_ttft_p50_ms: Mapped[float | None]
    search_text: Mapped[str]


class RunDetailTable(Base):
    __tablename__ = "run_details"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    workload: Mapped[Workload] = mapped_column(Record(Workload))
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


class JobTable(Base):
    __tablename__ = "jobs"
    __table_args__ = (Index(None, "created_at", "id"), Index(None, "outcome", "created_at"))

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


class DeploymentTable(Base):
    __tablename__ = "deployments"
    __table_args__ = (Index(None, "created_at", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    spec: Mapped[ContainerSpec] = mapped_column(Record(ContainerSpec))
    state: Mapped[str]
    served_name: Mapped[str]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    version_label: Mapped[str]
    container_id: Mapped[str | None]
    image_digest: Mapped[str | None]
    endpoint_id: Mapped[str | None]
    job_id: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    reason_code: Mapped[str | None]
    reason_params: Mapped[Pairs] = mapped_column(Record(Pairs))


class ArtifactTable(Base):
    __tablename__ = "artifacts"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str]
    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(index=True)


class BlobTable(Base):
    """Bytes that artifacts with the same content share. ``digest`` None: still being written, or its writer died."""

    __tablename__ = "blobs"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str | None] = mapped_column(unique=True)
    chunk_count: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(index=True)


class BlobChunkTable(Base):
    """At most 4 MiB of content each. ``encoding``: zlib, or identity where compressing does not help."""

    __tablename__ = "blob_chunks"

    blob_id: Mapped[str] = mapped_column(ForeignKey("blobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    encoding: Mapped[str]
    content: Mapped[bytes] = mapped_column(LargeBinary)


class AccountTable(Base):
    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    password_hash: Mapped[str]
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]


class SessionTable(Base):
    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("accounts.name"), index=True)
    expires_at: Mapped[datetime]


class PreferenceTable(Base):
    __tablename__ = "preferences"

    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class SecretTable(Base):
    """``token`` is encrypted (core/adapters/secrets.py)."""

    __tablename__ = "secrets"

    ref: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str]


class CounterTable(Base):
    """``data_version``: grows with every write transaction."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
