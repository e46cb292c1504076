"""What every run remembers of the server it measured: snapshots, so that history stays true after edits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.domain.container import ContainerSpec
from core.domain.deployment import Deployment
from core.domain.endpoint import Endpoint, EndpointCheck
from core.formats import records

_ENDPOINT = (
    "id",
    "name",
    "base_url",
    "served_name",
    "server_key",
    "version_label",
    "version_verified",
    "deployment_id",
)
_FACTS = ("weights_fingerprint", "profile_revision", "device_kind", "devices", "devices_there", "driver")


def provenance(
    endpoint: Endpoint, deployment: Deployment | None, *, product_version: str, host: Mapping[str, Any]
) -> dict[str, Any]:
    """Endpoint, its last check, the host that measures, and the container where it is ours."""
    check = endpoint.check
    return {
        "endpoint": endpoint_snapshot(endpoint),
        "check": _plain(EndpointCheck, check) if check else None,
        "server_version": check.server_version if check else None,
        "product_version": product_version,
        "host": dict(host),
        **(_container_snapshot(deployment) if deployment else {}),
    }


def endpoint_snapshot(endpoint: Endpoint) -> dict[str, Any]:
    """Without the key; whether there is one."""
    return {
        **{name: getattr(endpoint, name) for name in _ENDPOINT},
        "origin": endpoint.origin.value,
        "has_key": endpoint.key_ref is not None,
    }


def _container_snapshot(deployment: Deployment) -> dict[str, Any]:
    request = deployment.request
    return {
        "container_spec": _plain(ContainerSpec, deployment.spec),
        "container_id": deployment.container_id,
        "image_digest": deployment.image_digest,
        "platform": request.platform if request else None,
        "profile": request.profile if request else None,
        **{name: getattr(deployment.facts, name) for name in _FACTS},
    }


def _plain(kind: type[Any], value: Any) -> Any:
    return json.loads(records.dumps(kind, value))
