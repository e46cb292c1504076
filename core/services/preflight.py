"""Preflight: looks at engine, image, weights and host for one request, all at once, before anything is started.

``check`` is what a plan adds to its own reading of the request (its values, the weights folder, name, port, devices).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from core.domain.catalog import Catalog
from core.domain.deployment import DeploymentRequest
from core.domain.finding import Finding
from core.domain.host import DeviceUser, ImageFacts
from core.domain.platform import Platform
from core.domain.preflight import (
    Check,
    PreflightFacts,
    Readable,
    Start,
    checklist,
    platform_of,
    preflight_findings,
)
from core.domain.registry import PUBLIC, PullSource, registry_of
from core.errors import EngineError
from core.formats import docker_flags, vllm_serve
from core.ports import ContainerEngine, EngineInfo, HostProbe
from core.services.hosts import HostService, free_above
from core.services.weights_findings import architecture_findings
from core.services.weights_reading import WeightsReader

_TP = ("--tensor-parallel-size", "-tp")
_PP = ("--pipeline-parallel-size", "-pp")
_DP = ("--data-parallel-size", "-dp")
_EVERYBODY = 0o004
_GLANCE_S = 2.0
"""How old the engine's word may be. Starting the container asks it again."""


@dataclass(frozen=True)
class Preflight:
    """What was found, and what was looked at."""

    findings: tuple[Finding, ...]
    facts: PreflightFacts

    def checks(self, plan_findings: Sequence[Finding]) -> tuple[Check, ...]:
        """The checklist of a plan: ``plan_findings`` are all of its findings, these among them."""
        return checklist(plan_findings, self.facts)


@dataclass(frozen=True)
class _Glance:
    """``asked``: for which image and nodes."""

    asked: tuple[str, tuple[str, ...]]
    at_s: float
    engine: EngineInfo | None
    image: ImageFacts | None
    users: tuple[DeviceUser, ...]


class PreflightService:
    """Reads only. What does not answer or cannot be seen is left out here: the plan says that no engine answers."""

    def __init__(
        self,
        engine: ContainerEngine,
        probe: HostProbe,
        hosts: HostService,
        catalog: Callable[[], Catalog],
        source: Callable[[str], PullSource] = PullSource,
        deployed: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """``source``: under which name, and as whom, an image would be pulled. ``deployed``: ids of the containers of
        our deployments, whose devices the plan knows."""
        self._engine = engine
        self._probe = probe
        self._hosts = hosts
        self._catalog = catalog
        self._source = source
        self._deployed = deployed
        self._weights = WeightsReader(probe)
        self._last: _Glance | None = None

    def check(self, request: DeploymentRequest) -> tuple[Finding, ...]:
        """Every finding, the blocking ones first. Profile and platform are the request's own; where it names no
        platform, the image tells it."""
        return self.look(request).findings

    def look(self, request: DeploymentRequest) -> Preflight:
        """As ``check``, with the facts for the checklist."""
        catalog = self._catalog()
        platform = catalog.platforms.get(request.platform or "") or platform_of(request.image, catalog)
        entry = catalog.entry(request.profile) if request.profile else None
        facts = self._facts(request, platform)
        wrong_model = architecture_findings(request, self._probe, entry.model if entry else None)
        return Preflight((*wrong_model, *preflight_findings(facts)), facts)

    def _facts(self, request: DeploymentRequest, platform: Platform | None) -> PreflightFacts:
        group = self._hosts.devices_of(platform) if platform else None
        folder = self._weights.folder(request.weights)
        seen = self._glance(request.image, group.nodes if group else ())
        return PreflightFacts(
            start=_start(request, folder.size_bytes if folder else None),
            platform=platform,
            host=self._probe.facts(),
            devices=group,
            sees_devices=self._probe.sees_devices,
            sees_ports=self._probe.sees_host,
            users=seen.users,
            image=seen.image,
            image_name=request.image,
            engine_architecture=seen.engine.architecture if seen.engine else None,
            image_disk=self._image_disk(seen.engine),
            login_missing=self._login_missing(request.image) if seen.engine and not seen.image else None,
            closed=self._closed(request, folder.names if folder else ()) if seen.image else (),
        )

    def _glance(self, image: str, nodes: tuple[str, ...]) -> _Glance:
        """The engine's word, and who has devices open: both cost more than all else, and a plan is made with every
        keystroke."""
        last, now_s = self._last, time.monotonic()
        if last is not None and last.asked == (image, nodes) and now_s - last.at_s < _GLANCE_S:
            return last
        try:
            engine, found = self._engine.info(), self._engine.image(image) if image else None
        except EngineError:
            engine, found = None, None
        self._last = _Glance((image, nodes), now_s, engine, found, self._strangers(nodes))
        return self._last

    def _strangers(self, nodes: Sequence[str]) -> tuple[DeviceUser, ...]:
        """Who has a node open, without our own deployments; a container by its name."""
        ours = set(self._deployed())
        users = [user for user in self._probe.node_users(nodes) if user.container not in ours]
        names: dict[str, str] = {}
        if any(user.container for user in users):
            with suppress(EngineError):
                names = {found.id: found.name for found in self._engine.list()}
        return tuple(
            replace(user, container=names.get(user.container, user.container[:12])) if user.container else user
            for user in users
        )

    def _login_missing(self, image: str) -> str | None:
        source = self._source(image)
        registry = registry_of(source.reference)
        return registry if source.login is None and registry not in PUBLIC else None

    def _image_disk(self, engine: EngineInfo | None) -> tuple[str, int] | None:
        if engine is None or not engine.root_dir or not self._probe.sees(engine.root_dir):
            return None
        free = free_above(self._probe, engine.root_dir)
        return None if free is None else (engine.root_dir, free)

    def _closed(self, request: DeploymentRequest, names: Sequence[str]) -> tuple[Readable, ...]:
        """What not everybody may read: the folder that is mounted, the model's own, its files."""
        base = request.weights.rstrip("/")
        paths = [base.rsplit("/", 1)[0], base, *(f"{base}/{name}" for name in names)]
        facts = ((path, self._probe.file(path)) for path in paths)
        return tuple(
            Readable(path, one.uid, one.gid, one.mode) for path, one in facts if one and not one.mode & _EVERYBODY
        )


def _start(request: DeploymentRequest, weights_bytes: int | None) -> Start:
    tp, pp, devices = _ranks(request.serve_args)
    return Start(
        tp=tp,
        pp=pp,
        devices=len(request.devices) or devices,
        shm_bytes=docker_flags.size_bytes(request.shm_size) if request.shm_size else None,
        host_ipc=request.ipc == "host",
        weights_bytes=weights_bytes,
    )


def _ranks(args: Sequence[str]) -> tuple[int, int, int]:
    """TP, PP, and how many ranks they make, times the data-parallel copies."""
    tp, pp, dp = (vllm_serve.int_argument(args, *names) or 1 for names in (_TP, _PP, _DP))
    return tp, pp, tp * pp * dp
