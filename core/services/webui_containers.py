"""An Open WebUI of our own: planned, started, connected and proved by a job; stopped, restarted, removed."""

from __future__ import annotations

import hashlib
import secrets as randomness
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from core.domain.access import Actor, Role
from core.domain.catalog import Catalog
from core.domain.container import ContainerView
from core.domain.finding import Finding, Severity, blocking
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.serving import arm_tag, image_reference
from core.domain.webui import (
    Access,
    Network,
    Upstream,
    WebUi,
    WebUiStartPlan,
    WebUiStartRequest,
    is_published,
)
from core.errors import EngineError, EngineUnavailable, NotFoundError, PlanBlocked, StalePlan
from core.formats import docker_cli, records
from core.formats.openwebui_container import (
    PASSWORD,
    SECRET_KEY,
    UPSTREAM_KEYS,
    container_spec,
    secret_ref,
    upstream_keys,
    volume_ref,
)
from core.ports import Clock, ContainerEngine, HostProbe, JobQueue, Secrets, Store
from core.services.access import require
from core.services.webui_secrets import new_password, token_ref, undo_ref
from core.services.webui_upstreams import UpstreamFinder

STEPS = 4
"""Create, wait until it answers, connect, prove."""
KEY_PREFIX = "webui:"
_HOLDS_PORT = frozenset({"running", "restarting", "paused"})
_IMAGES = ("open-webui", "vast-webui")
_BLOCK, _WARN, _NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE


class WebUiContainers:
    """``catalog`` and ``registries`` tell which images are offered. The steps of the job are in webui_steps."""

    def __init__(
        self,
        *,
        store: Store,
        queue: JobQueue,
        engine: ContainerEngine,
        finder: UpstreamFinder,
        secrets: Secrets,
        clock: Clock,
        probe: HostProbe,
        catalog: Callable[[], Catalog],
        registries: Mapping[str, str],
    ) -> None:
        self._store = store
        self._queue = queue
        self._engine = engine
        self._finder = finder
        self._secrets = secrets
        self._clock = clock
        self._probe = probe
        self._catalog = catalog
        self._registries = dict(registries)

    # ------------------------------------------------------------ planning

    def images(self) -> tuple[str, ...]:
        """What the catalog knows for this engine's architecture: the project's own image first, then vendors'."""
        architecture = "x86_64"
        with suppress(EngineError):
            architecture = self._engine.info().architecture
        arm = architecture in {"aarch64", "arm64"}
        found = [self._catalog().images[name] for name in _IMAGES if name in self._catalog().images]
        tags = [(image, arm_tag(image, image.default_tag) if arm else image.default_tag) for image in found]
        return tuple(image_reference(image, tag, self._registries) for image, tag in tags if tag)

    def plan(self, request: WebUiStartRequest) -> WebUiStartPlan:
        """What would be started, and what stands against it; nothing is changed."""
        request = _tidy(request)
        upstreams, findings = self._finder.for_container(request.upstreams, on_host=request.network is Network.HOST)
        spec = container_spec(request, upstreams, self._id(request))
        found = (*_request_findings(request), *findings, *self._situation(request))
        order = list(Severity)
        found = tuple(sorted(found, key=lambda finding: order.index(finding.severity)))
        facts = [records.dumps(WebUiStartRequest, request), self._id(request), *(one.code for one in found)]
        return WebUiStartPlan(
            request=request,
            spec=spec,
            docker_run=docker_cli.render_shell(spec),
            findings=found,
            fingerprint=hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16],
        )

    def _id(self, request: WebUiStartRequest) -> str:
        """The same for the same request until one is started: two clicks on one plan mean one container."""
        earlier = len(self._store.webuis.list(include_removed=True))
        text = f"{records.dumps(WebUiStartRequest, replace(request, password=None))}{earlier}"
        return f"ui-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def _situation(self, request: WebUiStartRequest) -> Iterator[Finding]:
        try:
            containers = self._engine.list()
            here = bool(request.image) and self._engine.image_digest(request.image) is not None
            volume_there = bool(request.volume) and self._engine.has_volume(request.volume)
        except EngineUnavailable as error:
            yield Finding("engine_unavailable", _BLOCK, None, error.params)
            return
        except EngineError as error:
            yield Finding(error.code, _BLOCK, "image", error.params)
            return
        if request.image and not here:
            yield Finding("image_will_be_pulled", _NOTE, "image", {"image": request.image})
        if volume_there and request.password is None and self._kept_password(request) is not None:
            yield Finding("webui_volume_known", _NOTE, "volume", {"volume": request.volume, "email": request.email})
        elif volume_there:
            yield Finding("webui_volume_there", _WARN, "volume", {"volume": request.volume})
        elif is_published(request.email, request.password):
            yield Finding("webui_published_password", _BLOCK, "password", {"email": request.email})
        if any(found.name == request.container_name for found in containers):
            yield Finding("name_taken", _BLOCK, "container_name", {"name": request.container_name})
        yield from self._port(request, containers)

    def _port(self, request: WebUiStartRequest, containers: tuple[ContainerView, ...]) -> Iterator[Finding]:
        holders = (
            found.name
            for found in containers
            if found.state in _HOLDS_PORT and any(port.host_port == request.port for port in found.ports)
        )
        holder = next(holders, None)
        if holder is None and self._probe.sees_host and 0 < request.port < 65536:
            holder = self._probe.port_owner(request.port)
        if holder:
            yield Finding("port_taken", _BLOCK, "port", {"port": request.port, "owner": holder})
        elif holder is not None:
            yield Finding("port_in_use", _BLOCK, "port", {"port": request.port})

    # ------------------------------------------------------------ starting

    def start(self, actor: Actor, plan: WebUiStartPlan) -> tuple[WebUi, str | None]:
        """Records it, its secrets and its job, and queues that; also the administrator's password, to be shown once,
        None where the person has given it. Raises NotAllowed, PlanBlocked, StalePlan, NameTaken."""
        require(actor, Role.OPERATOR)
        fresh = self.plan(plan.request)
        if blocks := blocking(fresh.findings):
            raise PlanBlocked(blocks)
        if fresh.fingerprint != plan.fingerprint:
            raise StalePlan
        request, webui_id = plan.request, self._id(plan.request)
        upstreams, _ = self._finder.for_container(request.upstreams, on_host=request.network is Network.HOST)
        kept = self._kept_password(request) if self._engine.has_volume(request.volume) else None
        password = request.password or kept or new_password()
        job = self._job(actor, webui_id, request.container_name)
        webui = self._webui(actor, plan, webui_id, job.id)
        with self._store.atomic():
            self._store.webuis.add(webui)
            self._store.jobs.add(job)
            self._keep_secrets(webui_id, request, password, upstreams)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return webui, password if request.password is None else None

    def _webui(self, actor: Actor, plan: WebUiStartPlan, webui_id: str, job_id: str) -> WebUi:
        request = plan.request
        return WebUi(
            id=webui_id,
            name=request.container_name,
            url=f"http://127.0.0.1:{request.port}",
            created_at=self._clock.now(),
            created_by=actor.name,
            admin_email=request.email,
            token_kept=True,
            wishes=request.wishes,
            spec=plan.spec,
            wanted=request.upstreams,
            job_id=job_id,
        )

    def _keep_secrets(
        self, webui_id: str, request: WebUiStartRequest, password: str, upstreams: tuple[Upstream, ...]
    ) -> None:
        """The secret key is ours to keep, and belongs to the volume: with another one a container that is made again
        would log everybody out."""
        secret_key = self._secrets.get(volume_ref(request.volume, SECRET_KEY)) or randomness.token_urlsafe(32)
        self._secrets.put(secret_ref(webui_id, PASSWORD), password)
        self._secrets.put(secret_ref(webui_id, SECRET_KEY), secret_key)
        self._secrets.put(secret_ref(webui_id, UPSTREAM_KEYS), upstream_keys(upstreams))

    def _kept_password(self, request: WebUiStartRequest) -> str | None:
        """Of the administrator whom we made in this volume, where it outlived its container."""
        kept = self._secrets.get(volume_ref(request.volume, PASSWORD)) or ""
        email, _, password = kept.partition("\n")
        return password if email and email == request.email.lower() else None

    def _keep_with_volume(self, webui: WebUi, volume: str) -> None:
        password = self._secrets.get(secret_ref(webui.id, PASSWORD))
        secret_key = self._secrets.get(secret_ref(webui.id, SECRET_KEY))
        if password is not None and webui.admin_email is not None:
            self._secrets.put(volume_ref(volume, PASSWORD), f"{webui.admin_email.lower()}\n{password}")
        if secret_key is not None:
            self._secrets.put(volume_ref(volume, SECRET_KEY), secret_key)

    def _job(self, actor: Actor, webui_id: str, name: str) -> Job:
        return Job(
            id=f"job-{uuid.uuid4().hex[:12]}",
            kind=JobKind.WEBUI,
            title=name,
            server_key=f"{KEY_PREFIX}{webui_id}",
            created_at=self._clock.now(),
            created_by=actor.name,
            steps_total=STEPS,
        )

    # ------------------------------------------------------------ looking and changing

    def container(self, webui: WebUi) -> ContainerView | None:
        """Its container as it is now; None where there is none, or no engine answers."""
        try:
            return self._engine.get(webui.container_id) if webui.container_id else None
        except (NotFoundError, EngineError):
            return None

    def logs(self, webui_id: str, lines: int = 200) -> str:
        """The end of its log; empty where there is no container. Raises EngineUnavailable."""
        container_id = self._store.webuis.get(webui_id).container_id
        try:
            return self._engine.logs_tail(container_id, lines) if container_id else ""
        except NotFoundError:
            return ""

    def stop(self, actor: Actor, webui_id: str) -> None:
        """Chats are kept in its volume. Raises NotAllowed, NotFoundError, EngineError."""
        require(actor, Role.OPERATOR)
        self._engine.stop(self._container_id(webui_id))

    def restart(self, actor: Actor, webui_id: str, access: Access | None = None) -> JobView:
        """Stops, starts (or makes it again where it is gone) and queues the wait, the connection and the proof.
        ``access``: whose sign-in the job may use, where the password that was made here counts no more. Raises
        NotAllowed, NotFoundError, EngineError."""
        require(actor, Role.OPERATOR)
        webui = self._store.webuis.get(webui_id)
        if access is not None:
            self._secrets.put(token_ref(webui_id), access.token)
        with suppress(NotFoundError):
            if webui.container_id is not None:
                self._engine.restart(webui.container_id)
        job = self._job(actor, webui_id, webui.name)
        with self._store.atomic():
            self._store.jobs.add(job)
            self._store.webuis.update(replace(webui, job_id=job.id, token_kept=True))
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def remove(self, actor: Actor, webui_id: str, *, with_volume: bool = False) -> None:
        """Removes the container; accounts and chats stay in the volume, and its secret key and administrator's password
        with it, unless it is asked for as well. Raises NotAllowed, NotFoundError, EngineError."""
        require(actor, Role.OPERATOR)
        webui = self._store.webuis.get(webui_id)
        with suppress(NotFoundError):
            if webui.container_id is not None:
                self._engine.remove(webui.container_id, force=True)
        if webui.spec is not None:
            volume = webui.spec.mounts[0].source
            if with_volume:
                self._engine.remove_volume(volume)
                self._secrets.delete(volume_ref(volume, PASSWORD))
                self._secrets.delete(volume_ref(volume, SECRET_KEY))
            else:
                self._keep_with_volume(webui, volume)
        self._store.webuis.update(replace(webui, removed_at=self._clock.now(), token_kept=False))
        for variable in (PASSWORD, SECRET_KEY, UPSTREAM_KEYS):
            self._secrets.delete(secret_ref(webui_id, variable))
        for ref in (token_ref(webui_id), undo_ref(webui_id)):
            self._secrets.delete(ref)

    def _container_id(self, webui_id: str) -> str:
        container_id = self._store.webuis.get(webui_id).container_id
        if container_id is None:
            raise NotFoundError(kind="container", id=webui_id)
        return container_id


def _tidy(request: WebUiStartRequest) -> WebUiStartRequest:
    return replace(
        request,
        image=request.image.strip(),
        email=request.email.strip(),
        container_name=request.container_name.strip(),
        volume=request.volume.strip(),
        password=(request.password or "").strip() or None,
    )


def _request_findings(request: WebUiStartRequest) -> Iterator[Finding]:
    """Codes: image_empty, webui_image_prefix (image), webui_email_empty, container_name_empty, webui_volume_bad,
    webui_port_bad."""
    if not request.image:
        yield Finding("image_empty", _BLOCK, "image")
    elif "{" in request.image:
        yield Finding("webui_image_prefix", _BLOCK, "image", {"image": request.image})
    if "@" not in request.email:
        yield Finding("webui_email_empty", _BLOCK, "email")
    if not request.container_name:
        yield Finding("name_empty", _BLOCK, "container_name")
    if not request.volume or "/" in request.volume:
        yield Finding("webui_volume_bad", _BLOCK, "volume")
    if not 0 < request.port < 65536:
        yield Finding("webui_port_bad", _BLOCK, "port", {"port": request.port})
