"""Weights: models' folders on the host, downloads that fill them, folders that a person tells of."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from core.domain.access import Actor, Role
from core.domain.catalog import Catalog
from core.domain.deployment import DeploymentState
from core.domain.finding import Finding, Severity, blocking
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.weights import (
    PARTIAL_SUFFIX,
    DownloadPlan,
    DownloadRequest,
    FileView,
    WeightsFolder,
    WeightsSource,
    WeightsView,
    weights_state,
)
from core.domain.weights_rules import (
    known_model,
    model_of,
    owner_findings,
    request_findings,
    room_findings,
    tidy,
)
from core.errors import BadInput, NotFoundError, PlanBlocked, RefusedError
from core.ports import Clock, HostProbe, JobQueue, Secrets, Store, WeightsDisk
from core.services.access import require
from core.services.hosts import free_above
from core.services.jobs import JobService
from core.services.weights_reading import WEIGHT_FILES
from core.settings import Settings

STEPS = 3
_DEPTH = 2
_MOST_FOLDERS = 500
_HOLDS = frozenset({DeploymentState.STARTING, DeploymentState.LOADING, DeploymentState.READY, DeploymentState.PLANNED})


def token_ref(source: WeightsSource) -> str:
    """Under which name a hub's token is kept."""
    return f"hub/{source.value}"


class WeightsService:
    """What is on the disk is looked at each time; what a hub said of a download is remembered."""

    def __init__(
        self,
        *,
        store: Store,
        queue: JobQueue,
        jobs: JobService,
        probe: HostProbe,
        disk: WeightsDisk,
        secrets: Secrets,
        settings: Settings,
        clock: Clock,
        catalog: Callable[[], Catalog],
    ) -> None:
        self._store = store
        self._queue = queue
        self._jobs = jobs
        self._probe = probe
        self._disk = disk
        self._secrets = secrets
        self._settings = settings
        self._clock = clock
        self._catalog = catalog

    # ------------------------------------------------------------ planning and starting

    def plan(self, request: DownloadRequest) -> DownloadPlan:
        """What would be fetched, from where, to where, and what stands against it. No hub is asked."""
        request = tidy(request, str(self._settings.weights[0]), self._endpoint(request.source))
        model = model_of(request, self._catalog())
        expected = round(model.weights_gb * 1e9) if model and model.weights_gb and not request.patterns else None
        there = self._present_bytes(request.folder) or 0
        free = free_above(self._probe, request.folder) if request.folder.startswith("/") else None
        findings = (
            *request_findings(request),
            *self._place(request),
            *owner_findings(request, self._store.weights.list(), frozenset(self._active())),
            *room_findings(request, expected, there, free),
        )
        return DownloadPlan(request, findings, command(request), expected, there, free)

    def start(self, actor: Actor, plan: DownloadPlan) -> JobView:
        """Records the folder and its job, then queues it. Raises NotAllowed, PlanBlocked."""
        require(actor, Role.OPERATOR)
        fresh = self.plan(plan.request)
        if blocks := blocking(fresh.findings):
            raise PlanBlocked(blocks)
        request = fresh.request
        known = next((one for one in self._store.weights.list() if one.path == request.folder), None)
        folder = WeightsFolder(
            id=f"weights-{uuid.uuid4().hex[:12]}",
            path=request.folder,
            source=request.source,
            created_at=self._clock.now(),
            created_by=actor.name,
            repo=request.repo,
            revision=request.revision,
            endpoint=request.endpoint,
            patterns=request.patterns,
        )
        job = self._job(actor, folder)
        with self._store.atomic():
            if known is not None:
                self._store.weights.remove(known.id)
            self._store.jobs.add(job)
            self._store.weights.add(replace(folder, job_id=job.id))
        return self._enqueue(job)

    def check_again(self, actor: Actor, folder_id: str) -> JobView:
        """Fetches what is missing, and reads every file anew. Raises NotAllowed, NotFoundError, RefusedError
        (download_running, weights_no_hub: path)."""
        require(actor, Role.OPERATOR)
        folder = self._at_rest(folder_id)
        if folder.source is WeightsSource.FOLDER:
            raise RefusedError("weights_no_hub", path=folder.path)
        job = self._job(actor, folder)
        with self._store.atomic():
            self._store.jobs.add(job)
            self._store.weights.set_job(folder.id, job.id)
            self._store.weights.set_verified(folder.id, None)
        return self._enqueue(job)

    def pause(self, actor: Actor, folder_id: str) -> None:
        """What has come stays. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        job_id = self._store.weights.get(folder_id).job_id
        if job_id is not None:
            self._jobs.cancel(actor, job_id)

    def resume(self, actor: Actor, folder_id: str) -> None:
        """Goes on where it stopped. Raises NotAllowed, NotFoundError, RefusedError (job_not_resumable: state)."""
        require(actor, Role.OPERATOR)
        job_id = self._store.weights.get(folder_id).job_id
        if job_id is None:
            raise NotFoundError(kind="job", id=folder_id)
        self._jobs.resume(actor, job_id)

    def adopt(self, actor: Actor, path: str) -> WeightsFolder:
        """Remembers a folder that is there. Raises NotAllowed, BadInput (folder_not_absolute, weights_missing,
        weights_no_config, weights_known: path)."""
        require(actor, Role.OPERATOR)
        path = path.strip().rstrip("/")
        if not PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise BadInput("folder_not_absolute", field="path", path=path)
        if self._probe.look(path).kind != "folder":
            raise BadInput("weights_missing", field="path", path=path)
        if "config.json" not in self._probe.list_dir(path):
            raise BadInput("weights_no_config", field="path", path=path)
        if any(one.path == path for one in self._store.weights.list()):
            raise BadInput("weights_known", field="path", path=path)
        folder = WeightsFolder(_folder_id(path), path, WeightsSource.FOLDER, self._clock.now(), actor.name)
        self._store.weights.add(folder)
        return folder

    def remove(self, actor: Actor, folder_id: str, *, delete_files: bool) -> None:
        """Forgets it; ``delete_files``: what was downloaded is deleted too, and nothing else in the folder. Raises
        NotAllowed, NotFoundError, StoreError, RefusedError (download_running; weights_in_use: path, name)."""
        require(actor, Role.OPERATOR)
        folder = self._at_rest(folder_id)
        if delete_files:
            user = self._user_of(folder.path)
            if user is not None:
                raise RefusedError("weights_in_use", path=folder.path, name=user)
            self._disk.delete(folder.path, [file.path for file in folder.files])
        self._store.weights.remove(folder.id)

    # ------------------------------------------------------------ hubs

    def has_token(self, source: WeightsSource) -> bool:
        """Whether one is kept for that hub."""
        return bool(self._secrets.get(token_ref(source)))

    def set_token(self, actor: Actor, source: WeightsSource, token: str) -> None:
        """Encrypted at rest, handed to the child by environment; an empty one takes it back. Raises NotAllowed."""
        require(actor, Role.OPERATOR)
        if token.strip():
            self._secrets.put(token_ref(source), token.strip())
        else:
            self._secrets.delete(token_ref(source))

    def _endpoint(self, source: WeightsSource) -> str:
        modelscope = source is WeightsSource.MODELSCOPE
        return self._settings.modelscope_endpoint if modelscope else self._settings.hf_endpoint

    # ------------------------------------------------------------ reading

    def list(self) -> tuple[WeightsView, ...]:
        """What is remembered, the newest first; then what lies in the folders of models and nobody told of."""
        told = self.told()
        known = {view.path for view in told}
        found = [self._found(path) for path in self._present() if path not in known]
        return (*told, *found)

    def told(self) -> tuple[WeightsView, ...]:
        """What is remembered alone, downloads among it: cheap enough to be asked every two seconds."""
        jobs = self._job_views()
        return tuple(self._view(folder, jobs) for folder in self._store.weights.list())

    def get(self, folder_id: str) -> WeightsView:
        """Raises NotFoundError."""
        return self._view(self._store.weights.get(folder_id), self._job_views())

    def files(self, folder_id: str) -> tuple[FileView, ...]:
        """Each file of a download, and how much of it is there. Raises NotFoundError."""
        folder = self._store.weights.get(folder_id)
        return tuple(
            FileView(file.path, file.size_bytes, self._bytes_of(f"{folder.path}/{file.path}")) for file in folder.files
        )

    def roots(self) -> tuple[str, ...]:
        """Folders that hold models' folders; downloads go into the first."""
        return tuple(map(str, self._settings.weights))

    def free_bytes(self) -> int | None:
        """Room where downloads go."""
        return free_above(self._probe, str(self._settings.weights[0]))

    # ------------------------------------------------------------ parts

    def _place(self, request: DownloadRequest) -> tuple[Finding, ...]:
        if not request.folder.startswith("/"):
            return ()
        if self._probe.look(request.folder).kind == "file":
            return (Finding("weights_is_file", Severity.BLOCK, "folder", {"path": request.folder}),)
        if not self._probe.sees(request.folder):
            params = {"path": request.folder, "roots": ", ".join(self.roots())}
            return (Finding("folder_not_shared", Severity.WARN, "folder", params),)
        return ()

    def _job(self, actor: Actor, folder: WeightsFolder) -> Job:
        return Job(
            id=f"job-{uuid.uuid4().hex[:12]}",
            kind=JobKind.DOWNLOAD,
            title=folder.repo,
            server_key=f"downloads:{folder.path}",
            created_at=self._clock.now(),
            created_by=actor.name,
            steps_total=STEPS,
        )

    def _enqueue(self, job: Job) -> JobView:
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)

    def _active(self) -> set[str]:
        return {view.job.id for view in self._jobs.active() if view.job.kind is JobKind.DOWNLOAD}

    def _at_rest(self, folder_id: str) -> WeightsFolder:
        folder = self._store.weights.get(folder_id)
        if folder.job_id is not None and self._jobs.view(folder.job_id).state.is_active:
            raise RefusedError("download_running", path=folder.path, repo=folder.repo)
        return folder

    def _user_of(self, path: str) -> str | None:
        """A deployment that serves from the folder, or is about to."""
        for deployment in self._store.deployments.list():
            asked = deployment.request
            if deployment.state in _HOLDS and asked is not None and asked.weights.rstrip("/") == path:
                return deployment.name
        return None

    def _job_views(self) -> Mapping[str, JobView]:
        return {view.job.id: view for view in self._jobs.active()}

    def _view(self, folder: WeightsFolder, active: Mapping[str, JobView]) -> WeightsView:
        job = active.get(folder.job_id or "")
        if job is None and folder.job_id is not None and folder.verified_at is None:
            job = self._jobs.view(folder.job_id)
        seen, there = self._probe.sees(folder.path), self._probe.look(folder.path).kind == "folder"
        state = weights_state(job, seen=seen or there, there=there)
        present = self._present_bytes(folder.path) if job is None else self._present_of(folder)
        found = self._found(folder.path, folder.repo)
        return replace(found, state=state, folder=folder, job=job, present_bytes=present)

    def _present_of(self, folder: WeightsFolder) -> int | None:
        return sum(self._bytes_of(f"{folder.path}/{file.path}") for file in folder.files) if folder.files else None

    def _found(self, path: str, repo: str = "") -> WeightsView:
        names, config = self._probe.list_dir(path), self._probe.read_json(f"{path}/config.json") or {}
        return WeightsView(
            path=path,
            name=PurePosixPath(path).name,
            state=weights_state(None, seen=True, there=True),
            present_bytes=self._present_bytes(path),
            shards=sum(name.endswith(WEIGHT_FILES) for name in names),
            free_bytes=free_above(self._probe, path),
            architecture=_architecture(config),
            quantization=_quantization(config),
            profile=self._profile(PurePosixPath(path).name, repo),
        )

    def _profile(self, name: str, repo: str) -> str | None:
        """Only where this host has devices of a platform that the model is listed for."""
        catalog = self._catalog()
        model = known_model(name, repo, catalog)
        platforms = [catalog.platforms[one] for one in model.platforms if one in catalog.platforms] if model else []
        if model is None or not any(one.device_nodes and self._probe.nodes(one.device_nodes) for one in platforms):
            return None
        return next((f"{model.key}.{profile.name}" for profile in catalog.profiles(model)), None)

    def _present(self) -> tuple[str, ...]:
        """Folders with a config.json, at most two levels below each folder of models."""
        found: list[str] = []
        level = list(self.roots())
        for _ in range(_DEPTH):
            below = [f"{base.rstrip('/')}/{name}" for base in level for name in self._probe.list_dir(base)]
            folders = [path for path in below[:_MOST_FOLDERS] if self._probe.look(path).kind == "folder"]
            models = [path for path in folders if self._probe.look(f"{path}/config.json").kind == "file"]
            found += models
            level = [path for path in folders if path not in set(models)]
        return tuple(dict.fromkeys(found))

    def _present_bytes(self, path: str) -> int | None:
        if not path.startswith("/") or self._probe.look(path).kind != "folder":
            return None
        facts = (self._probe.file(f"{path}/{name}") for name in self._probe.list_dir(path))
        return sum(one.size_bytes for one in facts if one is not None)

    def _bytes_of(self, path: str) -> int:
        """Of a whole file, else of its partial one."""
        facts = self._probe.file(path) or self._probe.file(f"{path}{PARTIAL_SUFFIX}")
        return facts.size_bytes if facts else 0


def _folder_id(path: str) -> str:
    return f"weights-{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def command(request: DownloadRequest) -> tuple[str, ...]:
    """The same download from a shell."""
    words = ["seatrial", "download", request.repo, "--from", request.source.value, "--to", request.folder]
    words += ["--revision", request.revision] if request.revision else []
    words += ["--endpoint", request.endpoint]
    return (*words, *(word for pattern in request.patterns for word in ("--only", pattern)))


def _architecture(config: Mapping[str, Any]) -> str | None:
    named = config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else None


def _quantization(config: Mapping[str, Any]) -> str | None:
    found = config.get("quantization_config")
    method = found.get("quant_method") if isinstance(found, dict) else None
    return str(method) if method else None
