"""Endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.adapters.database.tables.base import Base
from core.adapters.database.types import Record
from core.domain.endpoint import EndpointCheck
from core.domain.job import Param

Params = Mapping[str, Param]
Pairs = tuple[tuple[str, str], ...]


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
