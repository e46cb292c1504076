"""Endpoints, each with its last check."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from core.adapters.database.connection import Database
from core.adapters.database.tables import EndpointTable
from core.domain.endpoint import Endpoint, EndpointCheck, Origin
from core.errors import NotFoundError

_KEPT = {"check", "archived_at"}  # these have verbs of their own: an older view must not undo a newer check


class DatabaseEndpointStore:
    """One row per (base URL, served name)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, endpoint: Endpoint) -> None:
        with self._database.write() as session:
            session.add(EndpointTable(**_columns(endpoint)))
            session.flush()

    def update(self, endpoint: Endpoint) -> None:
        """Everything but the check and the archive mark. Raises NotFoundError."""
        with self._database.write() as session:
            row = _found(session.get(EndpointTable, endpoint.id), endpoint.id)
            for name, value in _columns(endpoint).items():
                if name not in _KEPT:
                    setattr(row, name, value)

    def get(self, endpoint_id: str) -> Endpoint:
        with self._database.read() as session:
            return _endpoint(_found(session.get(EndpointTable, endpoint_id), endpoint_id))

    def find(self, base_url: str, served_name: str) -> Endpoint | None:
        """Archived ones too."""
        query = select(EndpointTable).filter_by(base_url=base_url, served_name=served_name)
        with self._database.read() as session:
            row = session.scalars(query).one_or_none()
            return _endpoint(row) if row else None

    def list(self, include_archived: bool = False) -> tuple[Endpoint, ...]:
        """The oldest first."""
        query = select(EndpointTable).order_by(EndpointTable.created_at, EndpointTable.id)
        if not include_archived:
            query = query.where(EndpointTable.archived_at.is_(None))
        with self._database.read() as session:
            return tuple(_endpoint(row) for row in session.scalars(query))

    def save_check(self, endpoint_id: str, check: EndpointCheck) -> None:
        with self._database.write() as session:
            _found(session.get(EndpointTable, endpoint_id), endpoint_id).check = check

    def archive(self, endpoint_id: str, at: datetime | None) -> None:
        with self._database.write() as session:
            _found(session.get(EndpointTable, endpoint_id), endpoint_id).archived_at = at


def _found(row: EndpointTable | None, endpoint_id: str) -> EndpointTable:
    if row is None:
        raise NotFoundError(kind="endpoint", id=endpoint_id)
    return row


def _columns(endpoint: Endpoint) -> dict[str, object]:
    return {**vars(endpoint), "origin": endpoint.origin.value}


def _endpoint(row: EndpointTable) -> Endpoint:
    return Endpoint(
        id=row.id,
        name=row.name,
        base_url=row.base_url,
        served_name=row.served_name,
        origin=Origin(row.origin),
        server_key=row.server_key,
        version_label=row.version_label,
        version_verified=row.version_verified,
        created_at=row.created_at,
        created_by=row.created_by,
        key_ref=row.key_ref,
        deployment_id=row.deployment_id,
        archived_at=row.archived_at,
        check=row.check,
    )
