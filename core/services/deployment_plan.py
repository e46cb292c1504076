"""What would be started, and what stands against it. Nothing is changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.domain.catalog import Catalog
from core.domain.container import ContainerView
from core.domain.deployment import Deployment, DeploymentPlan, DeploymentRequest, DeploymentState
from core.domain.finding import Finding, Severity
from core.domain.host import DeviceGroup, DeviceUser, node_number
from core.domain.platform import Platform
from core.errors import EngineError, EngineUnavailable
from core.formats import compose, docker_cli, records
from core.formats.deployment import LABEL, NO_DEVICES, container_spec, device_options, without_keys
from core.ports import ContainerEngine, EngineInfo, HostProbe, Store
from core.services.device_findings import device_findings, held_devices, with_devices
from core.services.profile_findings import arithmetic, flag_findings, memory_findings, profile_findings
from core.services.request_findings import request_findings
from core.services.weights_findings import own_context, weights_findings
from core.services.weights_reading import WeightsReader

BLOCK, NOTE = Severity.BLOCK, Severity.NOTE
ENDED = frozenset({DeploymentState.FAILED, DeploymentState.LOST, DeploymentState.REMOVED})
"""States that only a new start can leave."""
LIVING = frozenset({DeploymentState.LOADING, DeploymentState.READY})
"""With a container that works."""
Preflight = Callable[[DeploymentRequest], tuple[Finding, ...]]
"""What the host says of a request (services.preflight)."""
Registry = Callable[[str, bool], tuple[Finding, ...]]
"""What an image's registry has against pulling it, and whether to wait for its word (services.registry_look)."""
GLANCE_S = 2.0
"""How old the engine's word may be while a person types."""
_LAST_PORT = 65535
_HOLDS_PORT = frozenset({"running", "restarting", "paused"})


@dataclass(frozen=True)
class Situation:
    """What a plan depends on beside its request. ``pending``: deployments under way whose container is not made yet;
    they hold their name, port and devices already; ``living``: those whose container works. ``open_elsewhere``: devices
    that somebody else works on. ``problem`` says why no engine answers. ``leaving``: the container that makes way for
    the new one."""

    catalog: Catalog
    containers: tuple[ContainerView, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    pending: tuple[Deployment, ...] = ()
    image_id: str | None = None
    architecture: str | None = None
    there: int | None = None
    held: Mapping[int, str] = field(default_factory=dict)
    open_elsewhere: frozenset[int] = frozenset()
    living: tuple[Deployment, ...] = ()
    problem: Finding | None = None
    leaving: Deployment | None = None


@dataclass(frozen=True)
class _EngineWord:
    """What engine and host said, and when (monotonic seconds)."""

    at_s: float
    groups: tuple[DeviceGroup, ...]
    containers: tuple[ContainerView, ...]
    image_id: str | None
    architecture: str | None
    problem: Finding | None
    users: tuple[DeviceUser, ...] = ()
    engine: EngineInfo | None = None


class DeploymentPlanner:
    """Looks at engine, host, catalog and store, and puts the findings beside their fields."""

    def __init__(
        self,
        store: Store,
        engine: ContainerEngine,
        probe: HostProbe,
        catalog: Callable[[], Catalog],
        devices: Callable[[], tuple[DeviceGroup, ...]],
        preflight: Preflight,
        registry: Registry,
    ) -> None:
        self._store = store
        self._engine = engine
        self._probe = probe
        self._catalog = catalog
        self._devices = devices
        self._preflight = preflight
        self._registry = registry
        self._reader = WeightsReader(probe)
        self._words: dict[str, _EngineWord] = {}

    def plan(self, request: DeploymentRequest, *, fresh: bool = True) -> DeploymentPlan:
        """The container that ``request`` would become, and every finding at once. Not ``fresh``: the engine's word may
        be GLANCE_S old."""
        asked = tidy(request)
        catalog = self._catalog()
        platform = catalog.platforms.get(asked.platform or "")
        situation = self._look(asked, catalog, platform, fresh)
        resolved = _with_devices(asked, platform, situation) if platform else asked
        options = device_options(platform, resolved.devices) if platform else NO_DEVICES
        shown, _ = without_keys(resolved)  # one that was typed is refused below, and stands in no command meanwhile
        spec = container_spec(shown, deployment_id(resolved, situation.deployments), options)
        facts = arithmetic(resolved, catalog, situation.there, self._weights_bytes(resolved))
        findings = [*self._findings(asked, resolved, platform, situation, fresh)]
        findings += memory_findings(facts, platform) if platform else ()
        once = {(found.code, found.field, *sorted(found.params.items())): found for found in reversed(findings)}
        kept = tuple(_set_aside(finding, asked.overrides) for finding in reversed(once.values()))
        return DeploymentPlan(
            request=asked,
            spec=spec,
            docker_run=docker_cli.render_shell(spec),
            compose=compose.render(spec),
            findings=tuple(sorted(kept, key=lambda finding: list(Severity).index(finding.severity))),
            fingerprint=_fingerprint(resolved, situation, kept),
            added=docker_cli.additions(spec),
            arithmetic=facts,
            image_id=situation.image_id,
        )

    def in_free_place(self, request: DeploymentRequest) -> DeploymentRequest:
        """Name and port where no container, no deployment that works and no start under way is."""
        deployments = self._store.deployments.list()
        pending = self.pending(deployments)
        word = self._engine_word(request, fresh=False)
        kept = [found for found in word.containers if not replaceable(found, deployments)]
        names = {found.name for found in kept} | {found.name for found in pending}
        ports = {port.host_port for found in word.containers if found.state in _HOLDS_PORT for port in found.ports}
        ports |= {port.host_port for found in (*pending, *_living(deployments, word)) for port in found.spec.ports}
        name, port, count = request.container_name, request.host_port, 2
        while name in names:
            name, count = f"{request.container_name}_{count}", count + 1
        while port in ports and port < _LAST_PORT:
            port += 1
        return replace(request, container_name=name, host_port=port)

    # ------------------------------------------------------------ looking

    def engine_seen(self) -> EngineInfo | None:
        """As it answered for the last plan, at most GLANCE_S ago."""
        word = next(iter(self._words.values()), None)
        return word.engine if word and time.monotonic() - word.at_s < GLANCE_S else None

    def _look(self, request: DeploymentRequest, catalog: Catalog, platform: Platform | None, fresh: bool) -> Situation:
        deployments = self._store.deployments.list()
        leaving = next((found for found in deployments if found.id == request.replaces), None)
        if leaving is not None and leaving.state is DeploymentState.REMOVED:
            leaving = None
        pending = tuple(found for found in self.pending(deployments) if found is not leaving)
        word = self._engine_word(request, fresh)
        there = _devices_there(word.groups, platform) if platform else None
        living = _living(deployments, word)
        others = [found for found in (*pending, *living) if found is not leaving]
        containers = tuple(found for found in word.containers if leaving is None or found.id != leaving.container_id)
        return Situation(
            catalog=catalog,
            containers=containers,
            deployments=deployments,
            pending=pending,
            image_id=word.image_id,
            architecture=word.architecture,
            there=there,
            held=held_devices(others, platform, catalog) if platform else {},
            open_elsewhere=_open_elsewhere(word, platform, deployments) if platform else frozenset(),
            problem=word.problem,
            leaving=leaving,
            living=tuple(found for found in living if found is not leaving),
        )

    def _engine_word(self, request: DeploymentRequest, fresh: bool) -> _EngineWord:
        known = self._words.get(request.image)
        now_s = time.monotonic()
        if known is not None and not fresh and now_s - known.at_s < GLANCE_S:
            return known
        word = self._ask_engine(request.image, now_s)
        self._words = {request.image: word}
        return word

    def _ask_engine(self, image: str, now_s: float) -> _EngineWord:
        groups = self._devices()
        users = self._probe.node_users([node for group in groups for node in group.nodes])
        nothing = _EngineWord(now_s, groups, (), None, None, None, users)
        try:
            containers = self._engine.list()
            engine = self._engine.info()
            word = replace(nothing, containers=containers, architecture=engine.architecture, engine=engine)
            return replace(word, image_id=self._engine.image_digest(image) if image else None)
        except EngineUnavailable as error:
            return replace(nothing, problem=Finding("engine_unavailable", BLOCK, None, error.params))
        except EngineError as error:  # for instance a name that cannot be an image's
            return replace(nothing, problem=Finding(error.code, BLOCK, "image", error.params))

    def _weights_bytes(self, request: DeploymentRequest) -> int | None:
        """All weight files together; None where there are none to be seen."""
        folder = self._reader.folder(request.weights)
        return folder.size_bytes or None if folder else None

    def pending(self, deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
        """Those whose job is to make a container and has not ended."""
        open_ids = {job.id for job in self._store.jobs.unfinished()}
        waiting = (found for found in deployments if found.container_id is None and found.state not in ENDED)
        return tuple(found for found in waiting if found.job_id in open_ids)

    def _findings(
        self,
        asked: DeploymentRequest,
        resolved: DeploymentRequest,
        platform: Platform | None,
        situation: Situation,
        fresh: bool,
    ) -> Iterator[Finding]:
        own = tuple(request_findings(asked))
        yield from own
        yield from weights_findings(asked, self._probe, self._reader)
        yield from self._rule_findings(asked, situation)
        if platform is not None:
            yield from device_findings(asked, resolved, platform, situation.there, situation.held)
        yield from self._preflight(resolved)
        if situation.problem is not None:
            if situation.problem.field not in {finding.field for finding in own}:
                yield situation.problem
            return
        if situation.image_id is None and not any(finding.field == "image" for finding in own):
            yield Finding("image_will_be_pulled", NOTE, "image", {"image": asked.image})
            yield from self._registry(asked.image, fresh)
        if situation.leaving is not None:
            yield Finding("deployment_replaced", NOTE, "container_name", {"name": situation.leaving.name})
        yield from _name_findings(asked, situation)
        yield from self._port_findings(asked, situation)

    def _rule_findings(self, asked: DeploymentRequest, situation: Situation) -> Iterator[Finding]:
        catalog, own = situation.catalog, own_context(asked, self._probe)
        ruled = tuple(profile_findings(asked, catalog, situation.architecture, own))
        yield from ruled
        told = {str(finding.params["flag"]) for finding in ruled if "flag" in finding.params}
        yield from flag_findings(asked, catalog, self._image_flags(situation.image_id), told)

    def _image_flags(self, image_id: str | None) -> tuple[str, ...] | None:
        """None where the image was not asked yet, or could not tell."""
        return (self._store.deployments.image_flags(image_id) or None) if image_id else None

    def _port_findings(self, request: DeploymentRequest, situation: Situation) -> Iterator[Finding]:
        port = request.host_port
        holder = next((found.name for found in situation.containers if _publishes(found, port)), None)
        others = (*situation.pending, *situation.living)  # the engine tells no port of one on the host's network
        holder = holder or next((found.name for found in others if wants_port(found, port)), None)
        leaves = situation.leaving is not None and wants_port(situation.leaving, port)
        if holder is None and not leaves and 0 < port < 65536 and self._probe.sees_host:
            holder = self._probe.port_owner(port, request.host_ip)
        if holder:
            yield Finding("port_taken", BLOCK, "host_port", {"port": port, "owner": holder})
        elif holder is not None:
            yield Finding("port_in_use", BLOCK, "host_port", {"port": port})


def no_preflight(request: DeploymentRequest) -> tuple[Finding, ...]:
    """Where no host can be looked at."""
    return ()


def no_registry(image: str, wait: bool) -> tuple[Finding, ...]:
    """Where no registry can be asked."""
    return ()


def tidy(request: DeploymentRequest) -> DeploymentRequest:
    """Without the blanks that come with copied text; an empty choice is none."""
    return replace(
        request,
        image=request.image.strip(),
        weights=request.weights.strip().rstrip("/") or request.weights.strip(),
        served_name=request.served_name.strip(),
        container_name=request.container_name.strip(),
        host_ip=(request.host_ip or "").strip() or None,
        shm_size=(request.shm_size or "").strip() or None,
        ipc=(request.ipc or "").strip() or None,
        restart=(request.restart or "").strip() or None,
        network=(request.network or "").strip() or None,
        pid=(request.pid or "").strip() or None,
        runtime=(request.runtime or "").strip() or None,
        gpus=(request.gpus or "").strip() or None,
        version_label=request.version_label.strip(),
    )


def deployment_id(request: DeploymentRequest, deployments: Sequence[Deployment]) -> str:
    """The same for the same request until a deployment of that name is made: what is shown is what is started, and two
    clicks on one plan mean one container."""
    latest = next((found.id for found in deployments if found.name == request.container_name), "")
    text = records.dumps(DeploymentRequest, request) + latest
    return f"dep-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def replaceable(container: ContainerView, deployments: Sequence[Deployment]) -> bool:
    """Whether it is what a failed start of ours left behind: it has ended, and may be removed for the next try."""
    owner = container.labels.get(LABEL)
    failed = {found.id for found in deployments if found.state is DeploymentState.FAILED}
    return owner in failed and container.state not in _HOLDS_PORT


def _devices_there(groups: Iterable[DeviceGroup], platform: Platform) -> int | None:
    """None where none are known: that is preflight's to say."""
    found = (group for group in groups if platform.id in group.platforms)
    return next((group.count for group in found if group.count), None)


def _with_devices(request: DeploymentRequest, platform: Platform, found: Situation) -> DeploymentRequest:
    return with_devices(request, platform, found.there, found.held, found.open_elsewhere)


def _open_elsewhere(word: _EngineWord, platform: Platform, deployments: Sequence[Deployment]) -> frozenset[int]:
    """Numbers of the platform's devices that somebody works on who is no deployment of ours."""
    ours = {found.container_id for found in deployments}
    nodes = {node for group in word.groups if platform.id in group.platforms for node in group.nodes}
    return frozenset(node_number(user.node) for user in word.users if user.node in nodes and _other(user, ours))


def _other(user: DeviceUser, ours: Collection[str | None]) -> bool:
    return user.container is None or user.container not in ours


def _living(deployments: Sequence[Deployment], word: _EngineWord) -> tuple[Deployment, ...]:
    """Those whose container works; where no engine answers, those that last did."""
    if word.problem is not None:
        return tuple(found for found in deployments if found.state in LIVING)
    working = {found.id for found in word.containers if found.state in _HOLDS_PORT}
    return tuple(found for found in deployments if found.container_id in working)


def _set_aside(finding: Finding, overrides: Sequence[str]) -> Finding:
    """A block from a derived fact that a person has overridden; a stated limit stays."""
    overridden = finding.derived and finding.severity is BLOCK and finding.code in overrides
    return replace(finding, overridden=True) if overridden else finding


def _name_findings(request: DeploymentRequest, situation: Situation) -> Iterator[Finding]:
    name = request.container_name
    holder = next((found for found in situation.containers if found.name == name), None)
    if holder is not None and replaceable(holder, situation.deployments):
        yield Finding("container_replaced", NOTE, "container_name", {"name": name})
    elif holder is not None or any(found.name == name for found in situation.pending):
        yield Finding("name_taken", BLOCK, "container_name", {"name": name})


def _publishes(container: ContainerView, port: int) -> bool:
    return container.state in _HOLDS_PORT and any(published.host_port == port for published in container.ports)


def wants_port(deployment: Deployment, port: int) -> bool:
    """Whether its container publishes the port, or will."""
    return any(published.host_port == port for published in deployment.spec.ports)


def _fingerprint(request: DeploymentRequest, situation: Situation, findings: Sequence[Finding]) -> str:
    """Changes with the request, the image behind its name, an earlier deployment of the name, and what is found."""
    found = sorted(f"{finding.code}/{finding.field}/{finding.overridden}" for finding in findings)
    facts = [deployment_id(request, situation.deployments), situation.image_id or "", *found]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
