"""Endpoints that begin or cease to answer: a worker looks at them again and again."""

from __future__ import annotations

from core.ports import EndpointClient, Store
from core.services.deployments import DeploymentService
from core.services.endpoints import EndpointService


class EndpointWatch:
    """Asks each for its health, and checks anew what is no longer as its last check said. That has to look so twice: a
    server may be slow for a moment. One at which something is at work is left alone, since it is being measured; so is
    one whose deployment does not serve, which says so itself."""

    def __init__(
        self, store: Store, client: EndpointClient, endpoints: EndpointService, deployments: DeploymentService
    ) -> None:
        self._store = store
        self._client = client
        self._endpoints = endpoints
        self._deployments = deployments
        self._seen: dict[str, bool] = {}
        self._checked: dict[str, bool] = {}

    def look(self) -> None:
        """Stores nothing where all is as it was, or was checked for the same reason already. Raises StoreError."""
        busy = {job.server_key for job in self._store.jobs.unfinished()}
        down = self._deployments.offers().down
        other: dict[str, bool] = {}
        for endpoint in self._endpoints.list():
            if endpoint.check is None or endpoint.server_key in busy or endpoint.id in down:
                continue
            is_healthy = self._client.is_healthy(endpoint.base_url)
            if is_healthy is not endpoint.check.reachable:
                other[endpoint.id] = is_healthy
        self._checked = {key: health for key, health in self._checked.items() if other.get(key) is health}
        for endpoint_id in [key for key, health in other.items() if self._seen.get(key) is health]:
            if endpoint_id not in self._checked:
                self._endpoints.refresh(endpoint_id)
                self._checked[endpoint_id] = other[endpoint_id]
        self._seen = other
