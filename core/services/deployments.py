"""Deployments: containers of ours that serve a model, from the plan to the end."""

from __future__ import annotations

import secrets as randomness
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from core.domain.access import Actor, Role
from core.domain.catalog import Catalog
from core.domain.container import ContainerView
from core.domain.deployment import Deployment, DeploymentPlan, DeploymentRequest, DeploymentState, DeploymentView
from core.domain.devices import write_devices
from core.domain.endpoint import Endpoint, Origin
from core.domain.finding import Finding, Severity, blocking
from core.domain.host import DeviceGroup
from core.domain.job import Job, JobKind, JobState, JobView, Reason
from core.errors import (
    DeviceTaken,
    EngineError,
    NameTaken,
    NotFoundError,
    PlanBlocked,
    PortTaken,
    ServerBusy,
    StalePlan,
)
from core.formats.deployment import LABEL
from core.ports import Clock, ContainerEngine, EndpointClient, EngineInfo, HostProbe, JobQueue, Secrets, Store
from core.services.access import require
from core.services.deployment_plan import (
    ENDED,
    LIVING,
    DeploymentPlanner,
    Preflight,
    Registry,
    no_preflight,
    no_registry,
    wants_port,
)
from core.services.deployment_readiness import Readiness
from core.services.deployment_steps import STEPS, DeploymentSteps, Report, ignore, reach
from core.services.device_findings import shared_devices
from core.services.endpoints import EndpointService
from core.services.jobs import JobService
from core.services.offers import Offers, offers
from core.services.start_facts import StartLook
from core.services.waiting import Cancelled, never

SEARCHED_LINES = 20_000
_CANCEL_WAIT_S = 15.0
_CANCEL_POLL_S = 0.2
_BEGUN = LIVING | {DeploymentState.STARTING}
_RUNS = frozenset({"running", "restarting", "paused"})


def nowhere() -> str | None:
    """No address but loopback."""
    return None


@dataclass(frozen=True)
class _Now:
    """What is there at this moment. ``containers``: all by id, None where no engine answers."""

    containers: Mapping[str, ContainerView] | None
    endpoints: Mapping[str, Endpoint]
    active: tuple[JobView, ...]
    outward: str | None = None

    def endpoint_of(self, deployment: Deployment) -> Endpoint | None:
        """None before it is registered, and once a later deployment has taken it over."""
        endpoint = self.endpoints.get(deployment.endpoint_id or "")
        return endpoint if endpoint and endpoint.deployment_id == deployment.id else None

    def busy(self, deployment: Deployment) -> JobView | None:
        """What has begun on its server, else what waits there first."""
        endpoint = self.endpoint_of(deployment)
        keys = {start_key(deployment), *([endpoint.server_key] if endpoint else [])}
        found = [job for job in self.active if job.job.server_key in keys and not job.state.is_finished]
        begun = (job for job in found if job.state is not JobState.QUEUED)
        return next(begun, next(iter(found), None))


class DeploymentService:
    """``store``, ``engine`` and ``jobs`` are each asked for their own word; nothing is kept here. The ``step_*`` verbs
    are the worker's, see core.services.deployment_steps."""

    def __init__(
        self,
        *,
        store: Store,
        queue: JobQueue,
        engine: ContainerEngine,
        endpoints: EndpointService,
        jobs: JobService,
        client: EndpointClient,
        secrets: Secrets,
        clock: Clock,
        probe: HostProbe,
        catalog: Callable[[], Catalog] = Catalog,
        devices: Callable[[], tuple[DeviceGroup, ...]] = tuple,
        preflight: Preflight = no_preflight,
        registry: Registry = no_registry,
        outward: Callable[[], str | None] = nowhere,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._queue = queue
        self._engine = engine
        self._endpoints = endpoints
        self._jobs = jobs
        self._secrets = secrets
        self._clock = clock
        self._sleep = sleep
        self._outward = outward
        self._catalog = catalog
        self._planner = DeploymentPlanner(store, engine, probe, catalog, devices, preflight, registry)
        readiness = Readiness(client, secrets, catalog)
        found = StartLook(probe, catalog, devices)
        self._steps = DeploymentSteps(store, engine, endpoints, readiness, found, secrets, clock, sleep)

    # ------------------------------------------------------------ planning and starting

    def plan(self, request: DeploymentRequest, *, fresh: bool = True) -> DeploymentPlan:
        """What would be started, and what stands against it; nothing is changed. Not ``fresh``: while a person types,
        the engine is asked every other second at most."""
        return self._planner.plan(request, fresh=fresh)

    def in_free_place(self, request: DeploymentRequest) -> DeploymentRequest:
        """The same under a name and at a port that nobody has: its own where they are free, else the next."""
        return self._planner.in_free_place(request)

    def start(self, actor: Actor, plan: DeploymentPlan) -> JobView:
        """Records the deployment, its key and its job, then queues it. Raises NotAllowed, PlanBlocked; StalePlan where
        the world has changed since the plan; NameTaken, PortTaken where somebody was faster by a moment."""
        require(actor, Role.OPERATOR)
        before = {found.id: found.state for found in self._store.deployments.list()}
        fresh = self._planner.plan(plan.request)
        blocks = blocking(fresh.findings)
        if blocks:
            raise PlanBlocked(blocks)
        if fresh.fingerprint != plan.fingerprint:
            raise StalePlan
        if plan.request.replaces is not None:
            self._refuse_busy(plan.request.replaces)
        deployment, job = self._records(actor, fresh)
        with self._store.atomic():
            self._refuse_second(deployment, before, leaving=plan.request.replaces)
            for ref in deployment.spec.secret_env.values():
                self._secrets.put(ref, f"sk-{randomness.token_urlsafe(32)}")
            self._store.deployments.add(deployment)
            self._store.jobs.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _refuse_busy(self, deployment_id: str) -> None:
        busy = self._now().busy(self._store.deployments.get(deployment_id))
        if busy is not None:
            raise ServerBusy(job_id=busy.job.id, title=busy.job.title)

    def _records(self, actor: Actor, plan: DeploymentPlan) -> tuple[Deployment, Job]:
        spec = plan.spec
        devices = plan.arithmetic.devices if plan.arithmetic else ()
        request = replace(plan.request, devices=devices)
        deployment = Deployment(
            id=spec.labels[LABEL],
            name=spec.name,
            spec=spec,
            state=DeploymentState.PLANNED,
            served_name=request.served_name,
            created_at=self._clock.now(),
            created_by=actor.name,
            version_label=request.version_label or default_label(request),
            request=request,
            accepted=accepted(plan.findings),
        )
        job = deployment_job(actor, deployment, start_key(deployment), self._clock.now())
        return replace(deployment, job_id=job.id), job

    def _refuse_second(
        self, deployment: Deployment, before: Mapping[str, DeploymentState], *, leaving: str | None
    ) -> None:
        """Within the transaction that records its start: whoever comes second sees the first, whether its container is
        made already or not. ``before``: the states that the plan was made on; what was there then is the plan's to
        judge, which asked the engine. ``leaving``: whose place it takes."""
        every = self._store.deployments.list()
        pending = {found.id for found in self._planner.pending(every)}
        for other in every:
            moved = other.state in _BEGUN and before.get(other.id) is not other.state
            if other.id == leaving or not (moved or other.id in pending):
                continue
            if other.name == deployment.name:
                raise NameTaken(name=deployment.name)
            for port in deployment.spec.ports:
                if wants_port(other, port.host_port):
                    raise PortTaken(port=port.host_port, owner=other.name)
            shared = shared_devices(deployment, other, self._catalog())
            if shared:
                raise DeviceTaken(devices=write_devices(shared), owner=other.name)

    # ------------------------------------------------------------ reading

    def engine_state(self, *, fresh: bool = True) -> EngineInfo | Reason:
        """The engine, or why there is none. Not ``fresh``: as it was told for the last plan, a glance ago at most."""
        known = None if fresh else self._planner.engine_seen()
        if known is not None:
            return known
        try:
            return self._engine.info()
        except EngineError as error:
            return Reason(error.code, error.params)

    def list(self, include_ended: bool = True) -> tuple[DeploymentView, ...]:
        """The newest first."""
        found, situation = self._store.deployments.list(), self._now()
        views = [self._view(deployment, situation) for deployment in found]
        return tuple(view for view in views if include_ended or view.deployment.state not in ENDED)

    def offers(self, keep: Collection[str] = ()) -> Offers:
        """The endpoints that can be asked for text now (core.services.offers). The engine is asked only where one is
        of a deployment of ours."""
        endpoints = self._endpoints.list()
        ours = any(endpoint.deployment_id for endpoint in endpoints)
        return offers(endpoints, self.list() if ours else (), keep)

    def get(self, deployment_id: str) -> DeploymentView:
        """Raises NotFoundError."""
        return self._view(self._store.deployments.get(deployment_id), self._now())

    def logs(self, deployment_id: str, lines: int = 200, *, search: str = "") -> str:
        """The end of the container's log; empty where there is no container any more. ``search``: of its last
        SEARCHED_LINES only those that hold the text, whatever the case, the last ``lines`` of them. Raises
        NotFoundError for an unknown deployment, EngineUnavailable."""
        container_id = self._store.deployments.get(deployment_id).container_id
        if container_id is None:
            return ""
        try:
            text = search.strip().lower()
            if not text:
                return self._engine.logs_tail(container_id, lines)
            every = self._engine.logs_tail(container_id, SEARCHED_LINES).splitlines()
            return "\n".join([line for line in every if text in line.lower()][-lines:])
        except NotFoundError:
            return ""

    def _now(self) -> _Now:
        """One look at everything that a list needs."""
        containers = None
        with suppress(EngineError):
            containers = {found.id: found for found in self._engine.list()}
        endpoints = {found.id: found for found in self._endpoints.list(include_archived=True)}
        return _Now(containers, endpoints, self._jobs.active(), self._outward())

    def _view(self, deployment: Deployment, now: _Now) -> DeploymentView:
        container = (now.containers or {}).get(deployment.container_id or "")
        if now.containers is not None:
            deployment = merged(deployment, container, self._ended_job(deployment))
        endpoint = now.endpoint_of(deployment)
        busy = now.busy(deployment)
        is_simulated = endpoint is not None and endpoint.origin is Origin.SIMULATED
        where = reach(deployment.spec, now.outward, is_simulated=is_simulated)
        return DeploymentView(deployment, container, endpoint, busy, now.containers is not None, where)

    def _ended_job(self, deployment: Deployment) -> Job | None:
        """The job of a deployment without a container, once it has ended: it will not make one any more."""
        if deployment.container_id is not None or deployment.job_id is None or deployment.state in ENDED:
            return None
        job = self._store.jobs.get(deployment.job_id)
        return job if job.outcome is not None else None

    # ------------------------------------------------------------ stopping, restarting, removing

    def stop(self, actor: Actor, deployment_id: str, cancel_jobs: bool = False) -> None:
        """Raises NotAllowed, NotFoundError, EngineError, and ServerBusy naming what runs on it, unless ``cancel_jobs``:
        then that is cancelled first."""
        require(actor, Role.OPERATOR)
        deployment = self._freed(actor, deployment_id, cancel_jobs)
        state = DeploymentState.STOPPED
        try:
            if deployment.container_id is not None:
                self._engine.stop(deployment.container_id)
        except NotFoundError:
            state = DeploymentState.LOST
        self._store.deployments.set_state(deployment.id, state, at=self._clock.now())

    def restart(self, actor: Actor, deployment_id: str, cancel_jobs: bool = False) -> JobView:
        """Restarts the container (one that is gone is made again) and queues the wait until it serves. Raises as
        ``stop`` does, and what starting a container raises."""
        require(actor, Role.OPERATOR)
        deployment = self._freed(actor, deployment_id, cancel_jobs)
        if deployment.state is DeploymentState.REMOVED:
            raise NotFoundError(kind="deployment", id=deployment_id)
        before = {found.id: found.state for found in self._store.deployments.list()}
        self._refuse_shared(deployment)
        try:
            if deployment.container_id is not None:
                self._engine.restart(deployment.container_id)
        except NotFoundError:
            if deployment.adopted:
                raise  # it was not made by us, and nobody can make it again
            deployment = replace(deployment, container_id=None)
        endpoint = self._now().endpoint_of(deployment)
        key = endpoint.server_key if endpoint and deployment.container_id else start_key(deployment)
        job = deployment_job(actor, deployment, key, self._clock.now())
        again = DeploymentState.STARTING
        cleared = replace(
            deployment, job_id=job.id, state=again, ended_at=None, reason_code=None, reason_params=(), stages=()
        )
        try:
            with self._store.atomic():
                self._refuse_second(deployment, before, leaving=deployment.id)
                self._store.deployments.update(cleared)
                self._store.jobs.add(job)
        except (DeviceTaken, NameTaken, PortTaken):  # somebody was faster by a moment, and has them
            if deployment.container_id is not None:
                self._engine.stop(deployment.container_id)
            raise
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _refuse_shared(self, deployment: Deployment) -> None:
        """While it was stopped, others may have taken its devices."""
        for view in self.list():
            other = view.deployment
            works = other.state in LIVING or other.state in {DeploymentState.PLANNED, DeploymentState.STARTING}
            shared = shared_devices(deployment, other, self._catalog()) if works and other.id != deployment.id else ()
            if shared:
                raise DeviceTaken(devices=write_devices(shared), owner=other.name)

    def remove(self, actor: Actor, deployment_id: str, cancel_jobs: bool = False) -> None:
        """Removes the container, forgets its key and archives its endpoint; the history stays. Of an adopted one only
        our record goes: the container was not ours to make. Raises as ``stop``."""
        require(actor, Role.OPERATOR)
        deployment = self._freed(actor, deployment_id, cancel_jobs)
        if deployment.container_id is not None and not deployment.adopted:
            with suppress(NotFoundError):  # somebody was faster; the rest is ours to tidy
                self._engine.remove(deployment.container_id, force=True)
        endpoint = self._now().endpoint_of(deployment)
        if endpoint is not None and endpoint.archived_at is None:
            self._endpoints.archive(actor, endpoint.id)
        self._store.deployments.set_state(deployment.id, DeploymentState.REMOVED, at=self._clock.now())
        for ref in deployment.spec.secret_env.values():
            self._secrets.delete(ref)

    def _freed(self, actor: Actor, deployment_id: str, cancel_jobs: bool) -> Deployment:
        """The deployment, with nothing running on it."""
        deployment = self._store.deployments.get(deployment_id)
        waited_s = 0.0
        asked: set[str] = set()
        while (busy := self._now().busy(deployment)) is not None:
            if not cancel_jobs or waited_s > _CANCEL_WAIT_S:
                raise ServerBusy(job_id=busy.job.id, title=busy.job.title)
            if busy.job.id not in asked:
                self._jobs.cancel(actor, busy.job.id)
                asked.add(busy.job.id)
                continue
            self._sleep(_CANCEL_POLL_S)
            waited_s += _CANCEL_POLL_S
        return self._store.deployments.get(deployment_id)

    # ------------------------------------------------------------ the worker's

    def step_create(self, deployment_id: str, progress: Report = ignore, is_cancelled: Cancelled = never) -> bool:
        """See DeploymentSteps.create. False where it was cancelled."""
        return self._steps.create(deployment_id, progress, is_cancelled)

    def step_wait_ready(self, deployment_id: str, progress: Report = ignore, is_cancelled: Cancelled = never) -> bool:
        """See DeploymentSteps.wait_ready. False where it was cancelled."""
        return self._steps.wait_ready(deployment_id, progress, is_cancelled)

    def step_register_endpoint(
        self, deployment_id: str, progress: Report = ignore, is_cancelled: Cancelled = never
    ) -> bool:
        """See DeploymentSteps.register. False where it was cancelled."""
        return self._steps.register(deployment_id, progress, is_cancelled)


def deployment_job(actor: Actor, deployment: Deployment, server_key: str, at: datetime) -> Job:
    """The job that brings a deployment up."""
    return Job(
        id=f"job-{uuid.uuid4().hex[:12]}",
        kind=JobKind.DEPLOYMENT,
        title=f"{deployment.name} · {deployment.served_name}",
        server_key=server_key,
        created_at=at,
        created_by=actor.name,
        steps_total=STEPS,
        deployment_id=deployment.id,
    )


def accepted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """What a person has taken upon themselves by starting: the warnings, and the blocks that were overridden."""
    return tuple(found for found in findings if found.severity is Severity.WARN or found.overridden)


def start_key(deployment: Deployment) -> str:
    """The server key of a start: there is no server yet."""
    return f"deployment:{deployment.id}"


def default_label(request: DeploymentRequest) -> str:
    """Weights and image, until somebody gives the version a better name."""
    image = request.image.rsplit("/", 1)[-1]
    return f"{PurePosixPath(request.weights).name} @ {image}"


def merged(deployment: Deployment, container: ContainerView | None, ended_job: Job | None) -> Deployment:
    """What is written and what the engine says, in one state. ``ended_job``: the job that should have made the
    container and will not."""
    if deployment.state in ENDED:
        return deployment
    if container is None:
        return _without_container(deployment, ended_job)
    if container.state in _RUNS:
        waiting = container.state == "restarting" or _started_anew(deployment, container)
        return replace(deployment, state=DeploymentState.LOADING) if waiting else deployment
    if deployment.state in {DeploymentState.STOPPED, DeploymentState.STARTING}:
        return deployment
    reason = (("exit_code", str(container.exit_code)),)
    return replace(deployment, state=DeploymentState.FAILED, reason_code="container_ended", reason_params=reason)


def _started_anew(deployment: Deployment, container: ContainerView) -> bool:
    """By hand, or by the engine after a crash: it loads again, whatever was true before."""
    if deployment.state is DeploymentState.STOPPED:
        return deployment.reason_code is None  # else it runs still because nobody could be told to stop it
    served_run = deployment.facts.served_run
    return deployment.state is DeploymentState.READY and served_run not in {None, container.started_at}


def _without_container(deployment: Deployment, ended_job: Job | None) -> Deployment:
    if deployment.container_id is not None:
        name = (("name", deployment.name),)
        return replace(deployment, state=DeploymentState.LOST, reason_code="container_gone", reason_params=name)
    if ended_job is None:
        return deployment
    if ended_job.reason is None:
        return replace(deployment, state=DeploymentState.STOPPED)
    params = tuple((name, str(value)) for name, value in ended_job.reason.params.items() if value is not None)
    return replace(deployment, state=DeploymentState.FAILED, reason_code=ended_job.reason.code, reason_params=params)
