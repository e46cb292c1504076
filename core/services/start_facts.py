"""What a start finds: weights, profile, devices and driver as they are then, for every run that measures it later."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace

from core.domain.catalog import Catalog, CatalogEntry
from core.domain.deployment import Deployment, StartFacts
from core.domain.host import DeviceGroup
from core.formats import records, vllm_serve
from core.formats.serve_settings import read_settings
from core.ports import HostProbe
from core.services.fingerprint import weights_fingerprint

_NODE_NAME = re.compile(r"/dev/([a-z_]+)")
_DIGITS = 12
_VERSION_BYTES = 200


class StartLook:
    """For the worker: reading a large model's headers takes seconds, and no page waits for it."""

    def __init__(
        self, probe: HostProbe, catalog: Callable[[], Catalog], devices: Callable[[], tuple[DeviceGroup, ...]]
    ) -> None:
        self._probe = probe
        self._catalog = catalog
        self._devices = devices

    def look(self, deployment: Deployment) -> StartFacts:
        """The deployment's facts, with these as they are now; None each where it cannot be seen."""
        request = deployment.request
        if request is None:
            return deployment.facts
        platform = self._catalog().platforms.get(request.platform or "")
        group = next((one for one in self._devices() if platform and platform.id in one.platforms), None)
        return replace(
            deployment.facts,
            weights_fingerprint=weights_fingerprint(self._probe, request.weights),
            profile_revision=profile_revision(self._catalog(), request.profile),
            device_kind=platform.device_nodes if platform else None,
            devices=_used(deployment) if platform and platform.has_devices else None,
            devices_there=group.count if group else None,
            driver=self._driver(platform.device_nodes) if platform and platform.device_nodes else None,
        )

    def _driver(self, nodes: str) -> str | None:
        """The version of the kernel module that is named as its nodes are (Linux: /sys/module/NAME/version)."""
        name, host = _NODE_NAME.match(nodes), self._probe.facts()
        if name is None or not self._probe.sees_devices or (host is not None and host.simulated):
            return None
        told = self._probe.read_start(f"/sys/module/{name[1]}/version", _VERSION_BYTES)
        return told.decode("utf-8", "replace").strip() or None if told else None


def profile_revision(catalog: Catalog, key: str | None) -> str | None:
    """Another one with every change of what the catalog says of model or profile."""
    entry = catalog.entry(key) if key else None
    if entry is None:
        return None
    return hashlib.sha256(records.dumps(CatalogEntry, entry).encode()).hexdigest()[:_DIGITS]


def _used(deployment: Deployment) -> int:
    """How many it has to itself: those it was given, else a rank each."""
    given = len(deployment.request.devices) if deployment.request else 0
    serve = vllm_serve.parse(deployment.spec.command)
    settings = read_settings(serve.args if serve else ())
    return given or (settings.tp or 1) * (settings.pp or 1)
