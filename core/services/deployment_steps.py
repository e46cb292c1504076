"""A deployment's start, step by step: what a worker does. Every step may be called again after a crash, by any worker,
and goes on from what is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from core.domain.access import Actor, Role
from core.domain.container import ContainerSpec, ContainerView
from core.domain.deployment import Deployment, DeploymentState, Reach
from core.domain.endpoint import Origin, canonical_url, host_and_port
from core.domain.finding import Finding
from core.domain.job import Param, Progress
from core.domain.storyboard import SERVED, stage_of
from core.errors import (
    AppError,
    ContainerFailed,
    EndpointError,
    EngineError,
    EngineUnavailable,
    NotFoundError,
    PlanBlocked,
    Rejected,
    StoreError,
)
from core.formats.deployment import LABEL
from core.formats.vllm_log import StartProgress, StartStage, explain_failure, read_start
from core.ports import Clock, ContainerEngine, Secrets, Store
from core.services.deployment_plan import replaceable
from core.services.deployment_readiness import Readiness
from core.services.endpoints import EndpointService
from core.services.start_facts import StartLook
from core.services.waiting import Cancelled, never, unless

STEPS = 3
"""Create the container, wait until it serves, register its endpoint."""
Report = Callable[[Progress], None]
_POLL_S = 1.0
_LOG_LINES = 1500
_COMPLETION_TRIES = 3
_STOP_TIMEOUT_S = 1
_EVERYWHERE = {None, "", "0.0.0.0", "::"}
_HERE = "127.0.0.1"
_LOOPBACK = {"localhost", "::1"}


STOP_PENDING = "stop_pending"
"""Why a deployment is stopped whose container could not be told yet."""
_GONE = "container_gone"
_PASSING = frozenset({EngineError.default_code, "store_locked", "disk_full"})
"""An engine's answer of no special kind (HTTP 500), and a database that cannot be written right now."""
_PASSING_TRIES = 5


def ignore(progress: Progress) -> None:
    """Tells nobody."""


def base_url(spec: ContainerSpec) -> str:
    """Where this machine reaches the server in the container."""
    port = spec.ports[0]
    host = _HERE if port.host_ip in _EVERYWHERE else str(port.host_ip)
    return canonical_url(f"http://{f'[{host}]' if ':' in host else host}:{port.host_port}")


def reach(spec: ContainerSpec, outward: str | None, *, is_simulated: bool) -> Reach | None:
    """Where clients reach it: by ``outward``, this machine's name or address, where it listens on every address. A
    stand-in listens on loopback alone. None where no port is published."""
    if not spec.ports:
        return None
    here, ip = base_url(spec), spec.ports[0].host_ip
    if is_simulated or (ip in _EVERYWHERE and outward is None):
        return Reach(here, is_local=True)
    if ip in _EVERYWHERE:
        return Reach(canonical_url(f"http://{outward}:{spec.ports[0].host_port}"), is_local=False)
    return Reach(here, is_local=host_and_port(here)[0] in _LOOPBACK or str(ip).startswith("127."))


def server_key(engine_id: str, container_id: str) -> str:
    """The key under which everything that loads this server takes turns."""
    return f"container:{engine_id}/{container_id}"


@dataclass
class _Watch:
    """What one wait has seen so far."""

    deployment: Deployment
    progress: StartProgress = field(default_factory=StartProgress)
    refusals: int = 0


class DeploymentSteps:
    """Raises AppError where a step cannot be done, after the deployment's state tells why. Cancelled, a step stops the
    container and returns False. While no engine answers, a step waits: the container may be alive and loading."""

    def __init__(
        self,
        store: Store,
        engine: ContainerEngine,
        endpoints: EndpointService,
        readiness: Readiness,
        found: StartLook,
        secrets: Secrets,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._engine = engine
        self._endpoints = endpoints
        self._readiness = readiness
        self._found = found
        self._secrets = secrets
        self._clock = clock
        self._sleep = sleep
        self._marked: set[tuple[str, str, str]] = set()

    # ------------------------------------------------------------ the container

    def create(self, deployment_id: str, report: Report = ignore, is_cancelled: Cancelled = never) -> bool:
        """Pulls the image if it is missing, then creates or adopts the container and sees that it runs. Raises
        EngineError (also ImageMissing, NameTaken, PortTaken, ContainerFailed) and StoreError (secret_unreadable)."""
        deployment = self._live(deployment_id)
        return self._until(deployment, 0, report, is_cancelled, lambda: self._create(deployment, report, is_cancelled))

    def _create(self, deployment: Deployment, report: Report, is_cancelled: Cancelled) -> bool:
        self._store.deployments.set_state(deployment.id, DeploymentState.STARTING, at=self._clock.now())
        secrets = self._secret_values(deployment.spec)
        if not self._pull(deployment, report, is_cancelled):
            return False
        self._tell(report, 0, "create", deployment)
        view = self._container(deployment, secrets)
        if view.state not in {"running", "restarting"}:
            self._engine.start(view.id)
        before = self._store.deployments.get(deployment.id)
        started = replace(
            before,
            state=DeploymentState.LOADING,
            container_id=view.id,
            image_digest=view.image_id,
            facts=replace(before.facts, restarts=view.restart_count, served_run=None),
        )
        self._store.deployments.update(started)
        self._remember(started, is_cancelled)
        return True

    def _remember(self, started: Deployment, is_cancelled: Cancelled) -> None:
        """While it loads: which weights, devices and driver these are."""
        facts = unless(is_cancelled, partial(self._found.look, started))
        if facts is not None:
            self._store.deployments.update(replace(self._store.deployments.get(started.id), facts=facts))

    def _container(self, deployment: Deployment, secrets: dict[str, str]) -> ContainerView:
        """Made, or found again; whatever stood in its place makes way at the last moment."""
        if deployment.adopted:
            return self._engine.get(deployment.container_id or "")
        if deployment.request is not None and deployment.request.replaces is not None:
            self._make_way(deployment.request.replaces)
        self._clear_failed(deployment)
        return self._engine.create_or_adopt(deployment.spec, secrets)

    def _make_way(self, deployment_id: str) -> None:
        """Removes the container of the deployment that is replaced. Its endpoint is taken over by name and address."""
        leaving = self._store.deployments.get(deployment_id)
        if leaving.state is DeploymentState.REMOVED:
            return
        if leaving.container_id is not None:
            with suppress(NotFoundError):
                self._engine.remove(leaving.container_id, force=True)
        self._store.deployments.set_state(leaving.id, DeploymentState.REMOVED, at=self._clock.now())

    def _secret_values(self, spec: ContainerSpec) -> dict[str, str]:
        values = {name: self._secrets.get(ref) for name, ref in spec.secret_env.items()}
        for name, ref in spec.secret_env.items():
            if values[name] is None:
                raise StoreError("secret_unreadable", ref=ref)
        return {name: value for name, value in values.items() if value is not None}

    def _pull(self, deployment: Deployment, report: Report, is_cancelled: Cancelled) -> bool:
        """False where it was cancelled meanwhile."""
        image = deployment.spec.image
        if deployment.adopted or self._engine.image_digest(image) is not None:
            return True
        self._tell(report, 0, "pull", deployment)
        over = threading.Event()

        def pull() -> bool:
            for done, total in self._engine.pull(image):
                if over.is_set():
                    return False
                self._tell(report, 0, "pull", deployment, done=done, total=total, unit="bytes")
            return True

        try:
            return unless(is_cancelled, pull) is True
        finally:
            over.set()

    def _clear_failed(self, deployment: Deployment) -> None:
        """Removes what an earlier failed start of ours left under this name."""
        deployments = self._store.deployments.list()
        for found in self._engine.list(LABEL):
            other = found.labels.get(LABEL) != deployment.id
            if other and found.name == deployment.spec.name and replaceable(found, deployments):
                self._engine.remove(found.id, force=True)

    # ------------------------------------------------------------ until it serves

    def wait_ready(self, deployment_id: str, report: Report = ignore, is_cancelled: Cancelled = never) -> bool:
        """Until ``/health`` and one real answer come, however long the weights take. Raises ContainerFailed with the
        cause that the log tells (formats.vllm_log; container_gone: name) and Rejected (start_completion_failed:
        status, detail) where the server is up and cannot work."""
        watch = _Watch(self._live(deployment_id))
        return self._until(watch.deployment, 1, report, is_cancelled, lambda: self._ready(watch, report, is_cancelled))

    def _ready(self, watch: _Watch, report: Report, is_cancelled: Cancelled) -> bool:
        deployment = watch.deployment
        run = self._look(watch)
        self._tell_stage(report, deployment, watch.progress)
        try:
            url = base_url(deployment.spec)
            told = partial(self._tell, report, 1, "check", deployment)
            if not self._readiness.serves(deployment, url, told, is_cancelled):
                return False
        except EndpointError as refusal:
            watch.refusals += 1
            if watch.refusals >= _COMPLETION_TRIES:
                raise _given_up(refusal) from refusal
            return False
        self._mark(deployment, SERVED)
        found = self._store.deployments.get(deployment.id)
        served = replace(found.facts, served_run=run)
        self._store.deployments.update(
            replace(found, state=DeploymentState.READY, facts=served, ended_at=None, reason_code=None, reason_params=())
        )
        return True

    def _look(self, watch: _Watch) -> str | None:
        """How far the log says it is; since when the container runs. Raises ContainerFailed where it has ended, or ends
        again and again."""
        deployment = watch.deployment
        container_id = deployment.container_id or ""
        try:
            view = self._engine.get(container_id)
            restarted = view.restart_count > deployment.facts.restarts and not deployment.adopted
            if view.state in {"exited", "dead", "restarting"} or restarted:
                raise self._failure(deployment, view)
            watch.progress = read_start(self._engine.logs_tail(container_id, _LOG_LINES), watch.progress)
            return view.started_at
        except NotFoundError as error:
            raise ContainerFailed(_GONE, name=deployment.spec.name) from error

    def _failure(self, deployment: Deployment, view: ContainerView) -> ContainerFailed:
        log = self._engine.logs_tail(view.id, _LOG_LINES)
        if (mark := stage_of(read_start(log).stage.value)) is not None and log:
            self._mark(deployment, mark)  # a start that fails at once is over before anybody looks
        reason = explain_failure(f"{view.error or ''}\n{log}", view.exit_code, view.oom_killed, deployment.spec.env)
        failure = ContainerFailed(reason.code, **reason.params)
        if view.state != "exited" and not deployment.adopted:  # its restart policy would start it for ever
            self._engine.stop(view.id, _STOP_TIMEOUT_S)
        return failure

    # ------------------------------------------------------------ the endpoint

    def register(self, deployment_id: str, report: Report = ignore, is_cancelled: Cancelled = never) -> bool:
        """Makes the endpoint that every other page offers. Raises EndpointError with the check's first finding."""
        deployment = self._live(deployment_id)
        return self._until(deployment, 2, report, is_cancelled, lambda: self._register(deployment, report))

    def _register(self, deployment: Deployment, report: Report) -> bool:
        self._tell(report, 2, "register", deployment)
        try:
            endpoint = self._endpoints.attach(
                Actor(deployment.created_by, Role.OPERATOR),
                base_url(deployment.spec),
                key=self._readiness.key_of(deployment),
                served_name=deployment.served_name,
                version_label=deployment.version_label,
                origin=Origin.DEPLOYED,
                server_key=server_key(self._engine.info().id, deployment.container_id or ""),
                deployment_id=deployment.id,
            )
        except PlanBlocked as error:
            raise _as_error(error.findings) from error
        self._store.deployments.update(replace(self._store.deployments.get(deployment.id), endpoint_id=endpoint.id))
        return True

    # ------------------------------------------------------------ waiting, failing, giving way

    def _until(
        self,
        deployment: Deployment,
        step: int,
        report: Report,
        is_cancelled: Cancelled,
        attempt: Callable[[], bool],
    ) -> bool:
        """Tries until it is done; False where it was cancelled meanwhile, and what was begun is undone. An engine that
        is away is waited for, an answer of it that says nothing is asked for again; every other error is written into
        the deployment before it is raised."""
        stumbles = 0
        while not is_cancelled():
            try:
                if attempt():
                    return True
                stumbles = 0
            except EngineUnavailable:
                self._tell(report, step, "away", deployment)
            except AppError as error:
                stumbles += 1
                if error.code not in _PASSING or stumbles >= _PASSING_TRIES:
                    self._fail(deployment.id, error)
                    raise
            if not is_cancelled():
                self._sleep(_POLL_S)
        return self._cancelled(deployment)

    def _live(self, deployment_id: str) -> Deployment:
        deployment = self._store.deployments.get(deployment_id)
        if deployment.state is DeploymentState.REMOVED:
            raise NotFoundError(kind="deployment", id=deployment_id)
        return deployment

    def _fail(self, deployment_id: str, error: AppError) -> None:
        params = {name: str(value) for name, value in error.params.items() if value is not None}
        self._store.deployments.set_state(
            deployment_id,
            DeploymentState.LOST if error.code == _GONE else DeploymentState.FAILED,
            at=self._clock.now(),
            reason_code=error.code,
            reason_params=params,
        )

    def _cancelled(self, deployment: Deployment) -> bool:
        """A start that is not wanted any more must not keep devices busy. Returns False."""
        if deployment.adopted:  # it works for somebody: only our word about it ends
            self._store.deployments.set_state(deployment.id, DeploymentState.REMOVED, at=self._clock.now())
            return False
        try:
            for container_id in self._containers_of(deployment):
                with suppress(NotFoundError):
                    self._engine.stop(container_id, _STOP_TIMEOUT_S)
        except EngineError:  # the worker stops it once the engine is back (core.services.deployment_care)
            self._store.deployments.set_state(
                deployment.id, DeploymentState.STOPPED, at=self._clock.now(), reason_code=STOP_PENDING
            )
            return False
        self._store.deployments.set_state(deployment.id, DeploymentState.STOPPED, at=self._clock.now())
        return False

    def _containers_of(self, deployment: Deployment) -> set[str]:
        """Also one that was made in the moment in which the engine went, before we were told of it."""
        known = self._store.deployments.get(deployment.id).container_id
        labelled = {found.id for found in self._engine.list(f"{LABEL}={deployment.id}")}
        return labelled | ({known} if known else set())

    def _mark(self, deployment: Deployment, stage: str) -> None:
        """Remembers when the start came to a stage; asked for often, written once."""
        mark = (deployment.job_id or "", deployment.id, stage)
        if mark not in self._marked:
            self._marked.add(mark)
            self._store.deployments.mark_stage(deployment.id, stage, self._clock.now())

    def _tell_stage(self, report: Report, deployment: Deployment, progress: StartProgress) -> None:
        if progress.stage is StartStage.WEIGHTS and progress.shards_total:
            done, total = progress.shards_done, progress.shards_total
            self._tell(report, 1, "weights", deployment, done=done, total=total, unit="shards")
        else:
            stage = StartStage.WARMUP if progress.stage is StartStage.READY else progress.stage
            self._tell(report, 1, stage.value, deployment)

    def _tell(
        self,
        report: Report,
        step: int,
        stage: str,
        deployment: Deployment,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: str = "seconds",
    ) -> None:
        """What has no count of its own tells the seconds since the deployment was asked for."""
        if (mark := stage_of(stage)) is not None:
            self._mark(deployment, mark)
        now = self._clock.now()
        elapsed_s = max(int((now - deployment.created_at).total_seconds()), 0)
        detail: dict[str, Param] = {"stage": stage, "elapsed_s": elapsed_s}
        counted = elapsed_s if done is None else done
        report(Progress(step, f"start_{stage}", counted, total, unit, None, None, now, detail))


def _given_up(refusal: EndpointError) -> EndpointError:
    params = {name: refusal.params.get(name) for name in ("url", "status", "detail")}
    plain = params["status"] and refusal.code == Rejected.default_code
    return Rejected("start_completion_failed", **params) if plain else refusal


def _as_error(findings: tuple[Finding, ...]) -> EndpointError:
    first = findings[0]
    return EndpointError(first.code, **first.params)
