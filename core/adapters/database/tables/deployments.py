"""Deployments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Index, false
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentRequest, StageMark, StartFacts
from core.domain.finding import Finding
from core.domain.job import Param

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]
Findings = tuple[Finding, ...]
Stages = tuple[StageMark, ...]
Flags = tuple[str, ...]
Words = tuple[str, ...]


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
    request: Mapped[DeploymentRequest | None] = mapped_column(Record(DeploymentRequest))
    accepted: Mapped[Findings] = mapped_column(Record(Findings), server_default="[]")
    stages: Mapped[Stages] = mapped_column(Record(Stages), server_default="[]")
    adopted: Mapped[bool] = mapped_column(server_default=false())
    facts: Mapped[StartFacts] = mapped_column(Record(StartFacts), server_default="{}")


class ContainerCommandTable(Base):
    """What operators ran inside containers."""

    __tablename__ = "container_commands"
    __table_args__ = (Index(None, "deployment_id", "at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    deployment_id: Mapped[str]
    at: Mapped[datetime]
    by: Mapped[str]
    words: Mapped[Words] = mapped_column(Record(Words))
    exit_code: Mapped[int | None]


class ImageFlagsTable(Base):
    """What an image's own ``vllm serve --help=all`` lists, by the image's id."""

    __tablename__ = "image_flags"

    image_id: Mapped[str] = mapped_column(primary_key=True)
    flags: Mapped[Flags] = mapped_column(Record(Flags))
