"""What would be started, and what stands against it. Nothing is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from core.domain.container import ContainerView
from core.domain.deployment import Deployment, DeploymentPlan, DeploymentRequest, DeploymentState
from core.domain.finding import Finding, Severity
from core.errors import EngineError, EngineUnavailable
from core.formats import compose, docker_cli, records
from core.formats.deployment import LABEL, container_spec
from core.ports import ContainerEngine, HostProbe, Store
from core.services.request_findings import request_findings
from core.services.weights_findings import weights_findings

BLOCK, NOTE = Severity.BLOCK, Severity.NOTE
ENDED = frozenset({DeploymentState.FAILED, DeploymentState.LOST, DeploymentState.REMOVED})
"""States that only a new start can leave."""
_HOLDS_PORT = frozenset({"running", "restarting", "paused"})


@dataclass(frozen=True)
class Situation:
    """What a plan depends on beside its request. ``pending``: deployments under way whose container is not made yet;
    they hold their name and port already. ``problem`` says why no engine answers."""

    containers: tuple[ContainerView, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    pending: tuple[Deployment, ...] = ()
    image_id: str | None = None
    problem: Finding | None = None


class DeploymentPlanner:
    """Looks at engine, host and store, and puts the findings beside their fields."""

    def __init__(self, store: Store, engine: ContainerEngine, probe: HostProbe) -> None:
        self._store = store
        self._engine = engine
        self._probe = probe

    def plan(self, request: DeploymentRequest) -> DeploymentPlan:
        """The container that ``request`` would become, and every finding at once."""
        request = tidy(request)
        situation = self._look(request)
        spec = container_spec(request, deployment_id(request, situation.deployments))
        findings = tuple(self._findings(request, situation))
        return DeploymentPlan(
            request=request,
            spec=spec,
            docker_run=docker_cli.render_shell(spec),
            compose=compose.render(spec),
            findings=tuple(sorted(findings, key=lambda finding: list(Severity).index(finding.severity))),
            fingerprint=_fingerprint(request, situation, findings),
            added=docker_cli.additions(spec),
        )

    def _look(self, request: DeploymentRequest) -> Situation:
        deployments = self._store.deployments.list()
        situation = Situation(deployments=deployments, pending=self.pending(deployments))
        try:
            containers = self._engine.list()
            image_id = self._engine.image_digest(request.image) if request.image else None
        except EngineUnavailable as error:
            return replace(situation, problem=Finding("engine_unavailable", BLOCK, None, error.params))
        except EngineError as error:  # for instance a name that cannot be an image's
            return replace(situation, problem=Finding(error.code, BLOCK, "image", error.params))
        return replace(situation, containers=containers, image_id=image_id)

    def pending(self, deployments: Sequence[Deployment]) -> tuple[Deployment, ...]:
        """Those whose job is to make a container and has not ended."""
        open_ids = {job.id for job in self._store.jobs.unfinished()}
        waiting = (found for found in deployments if found.container_id is None and found.state not in ENDED)
        return tuple(found for found in waiting if found.job_id in open_ids)

    def _findings(self, request: DeploymentRequest, situation: Situation) -> Iterator[Finding]:
        own = tuple(request_findings(request))
        yield from own
        yield from weights_findings(request, self._probe)
        if situation.problem is not None:
            if situation.problem.field not in {finding.field for finding in own}:
                yield situation.problem
            return
        if situation.image_id is None and not any(finding.field == "image" for finding in own):
            yield Finding("image_will_be_pulled", NOTE, "image", {"image": request.image})
        yield from _name_findings(request, situation)
        yield from self._port_findings(request, situation)

    def _port_findings(self, request: DeploymentRequest, situation: Situation) -> Iterator[Finding]:
        port = request.host_port
        holder = next((found.name for found in situation.containers if _publishes(found, port)), None)
        holder = holder or next((found.name for found in situation.pending if wants_port(found, port)), None)
        if holder is None and 0 < port < 65536 and self._probe.sees_host:
            holder = self._probe.port_owner(port, request.host_ip)
        if holder:
            yield Finding("port_taken", BLOCK, "host_port", {"port": port, "owner": holder})
        elif holder is not None:
            yield Finding("port_in_use", BLOCK, "host_port", {"port": port})


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
    found = sorted(f"{finding.code}/{finding.field}" for finding in findings)
    facts = [deployment_id(request, situation.deployments), situation.image_id or "", *found]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
