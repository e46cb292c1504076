"""EndpointStore in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.domain.endpoint import Endpoint, EndpointCheck
from core.errors import NotFoundError


class FakeEndpointStore:
    """Holds endpoints by id; ``find`` sees archived ones too."""

    def __init__(self) -> None:
        self._rows: dict[str, Endpoint] = {}

    def add(self, endpoint: Endpoint) -> None:
        assert endpoint.id not in self._rows
        assert self.find(endpoint.base_url, endpoint.served_name) is None
        self._rows[endpoint.id] = endpoint

    def update(self, endpoint: Endpoint) -> None:
        known = self.get(endpoint.id)
        self._rows[endpoint.id] = replace(endpoint, check=known.check, archived_at=known.archived_at)

    def get(self, endpoint_id: str) -> Endpoint:
        if endpoint_id not in self._rows:
            raise NotFoundError(kind="endpoint", id=endpoint_id)
        return self._rows[endpoint_id]

    def find(self, base_url: str, served_name: str) -> Endpoint | None:
        rows = self._rows.values()
        return next((row for row in rows if (row.base_url, row.served_name) == (base_url, served_name)), None)

    def list(self, include_archived: bool = False) -> tuple[Endpoint, ...]:
        return tuple(row for row in self._rows.values() if include_archived or row.archived_at is None)

    def save_check(self, endpoint_id: str, check: EndpointCheck) -> None:
        self._rows[endpoint_id] = replace(self.get(endpoint_id), check=check)

    def archive(self, endpoint_id: str, at: datetime | None) -> None:
        self._rows[endpoint_id] = replace(self.get(endpoint_id), archived_at=at)
