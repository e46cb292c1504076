"""A deployment: a container of ours that serves a model, and its history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.domain.container import ContainerSpec, ContainerView
from core.domain.endpoint import Endpoint
from core.domain.finding import Finding
from core.domain.job import JobView


class DeploymentState(StrEnum):
    """Loading is never called failure; lost: the container is gone without us."""

    PLANNED = "planned"
    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    REMOVED = "removed"


class EntrypointForm(StrEnum):
    """What an image takes: a whole command (``vllm serve ...``), or only the server's arguments."""

    COMMAND = "command"
    ARGUMENTS = "arguments"


@dataclass(frozen=True)
class DeploymentRequest:
    """What the form asks for. ``weights`` is the model's folder on the host; its parent is what is mounted.
    ``with_key``: a key is generated, given to the server by environment and kept encrypted."""

    image: str
    weights: str
    served_name: str
    container_name: str = "vllm_service"
    host_port: int = 8000
    container_port: int = 8000
    host_ip: str | None = None
    env: tuple[tuple[str, str], ...] = ()
    serve_args: tuple[str, ...] = ()
    privileged: bool = False
    shm_size: str | None = None
    ipc: str | None = "host"
    restart: str | None = "unless-stopped"
    with_key: bool = True
    version_label: str = ""
    entrypoint: EntrypointForm = EntrypointForm.COMMAND


@dataclass(frozen=True)
class DeploymentPlan:
    """``docker_run`` is the exact line; ``added`` lists what we add to the person's own words (labels, restart ...)."""

    request: DeploymentRequest
    spec: ContainerSpec
    docker_run: str
    compose: str
    findings: tuple[Finding, ...]
    fingerprint: str
    added: tuple[str, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """One started plan. ``reason`` is an error code with params where it failed."""

    id: str
    name: str
    spec: ContainerSpec
    state: DeploymentState
    served_name: str
    created_at: datetime
    created_by: str
    version_label: str = ""
    container_id: str | None = None
    image_digest: str | None = None
    endpoint_id: str | None = None
    job_id: str | None = None
    ended_at: datetime | None = None
    reason_code: str | None = None
    reason_params: tuple[tuple[str, str], ...] = field(default_factory=tuple)


@dataclass(frozen=True)
class DeploymentView:
    """A deployment as it is now: our word and the engine's, merged. ``container`` None: it is gone, was never made, or
    (``engine_known`` False) no engine answers and the state is as last written. ``busy``: what runs on its server."""

    deployment: Deployment
    container: ContainerView | None
    endpoint: Endpoint | None
    busy: JobView | None
    engine_known: bool = True
