"""A deployment: a container of ours that serves a model, and its history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.domain.container import BindMount, ContainerSpec, ContainerView
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
    ``with_key``: a key is generated, given to the server by environment and kept encrypted.

    ``profile`` (a catalog key) and ``platform`` (its id) say which limits it is held to; None: none are known.
    ``devices``: the numbers of the devices it may use, none: the lowest that are free. ``overrides``: codes of blocking
    findings from derived facts that a person has set aside. ``replaces``: the deployment whose container makes way."""

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
    network: str | None = None
    pid: str | None = None
    runtime: str | None = None
    gpus: str | None = None
    mounts: tuple[BindMount, ...] = ()
    device_nodes: tuple[str, ...] = ()
    group_add: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()
    profile: str | None = None
    platform: str | None = None
    devices: tuple[int, ...] = ()
    overrides: tuple[str, ...] = ()
    replaces: str | None = None

    @property
    def on_host_network(self) -> bool:
        """Without a network of its own, so that nothing is mapped: the server's own port and address are the host's."""
        return self.network == "host"

    @property
    def server_port(self) -> int:
        """Where the server itself listens."""
        return self.host_port if self.on_host_network else self.container_port


@dataclass(frozen=True)
class Arithmetic:
    """What a plan needs and what is there; None: not known. ``devices``: the numbers it will use, where they can be
    told. ``device_gib`` is one device's memory, ``weights_gib`` what the weights take of it when they are spread
    evenly."""

    tp: int
    pp: int
    devices_there: int | None = None
    devices: tuple[int, ...] = ()
    per_card: int | None = None
    device_gib: float | None = None
    weights_gib: float | None = None
    weights_total_gib: float | None = None
    dp: int = 1

    @property
    def devices_needed(self) -> int:
        """A rank is a device: TP x PP, times the data-parallel copies."""
        return self.tp * self.pp * self.dp

    @property
    def sizes(self) -> str:
        """As the field writes them: ``TP 4 × PP 1``, and ``× DP 2`` where there are copies."""
        copies = f" × DP {self.dp}" if self.dp > 1 else ""
        return f"TP {self.tp} × PP {self.pp}{copies}"

    @property
    def cards(self) -> int | None:
        """Whole cards."""
        return -(-self.devices_needed // self.per_card) if self.per_card else None

    @property
    def left_gib(self) -> float | None:
        """What a device keeps for KV cache and work; negative where the weights do not fit."""
        if self.device_gib is None or self.weights_gib is None:
            return None
        return self.device_gib - self.weights_gib


@dataclass(frozen=True)
class DeploymentPlan:
    """``docker_run`` is the exact line; ``added`` lists what we add to the person's own words (labels, restart ...).
    ``image_id``: what the image's name means here; None: it is not here."""

    request: DeploymentRequest
    spec: ContainerSpec
    docker_run: str
    compose: str
    findings: tuple[Finding, ...]
    fingerprint: str
    added: tuple[str, ...] = ()
    arithmetic: Arithmetic | None = None
    image_id: str | None = None


@dataclass(frozen=True)
class StageMark:
    """When a start reached a stage (formats.vllm_log.StartStage, and image, ready)."""

    stage: str
    at: datetime


@dataclass(frozen=True)
class StartFacts:
    """What was found when the container was started; None: not known.

    ``weights_fingerprint``: see core.services.fingerprint. ``profile_revision``: of the catalog's entry as it was then.
    ``devices``: how many it has to itself; ``devices_there``: how many of their kind the host had. ``served_run``: the
    container's own start time when it last proved that it serves: another one means that it was started anew since.
    ``restarts``: its count of restarts when this start began."""

    weights_fingerprint: str | None = None
    profile_revision: str | None = None
    device_kind: str | None = None
    devices: int | None = None
    devices_there: int | None = None
    driver: str | None = None
    served_run: str | None = None
    restarts: int = 0


@dataclass(frozen=True)
class ContainerCommand:
    """One command of an operator inside a deployment's container. ``exit_code`` None: it has not ended, or its end was
    not seen."""

    id: str
    deployment_id: str
    at: datetime
    by: str
    words: tuple[str, ...]
    exit_code: int | None = None


@dataclass(frozen=True)
class Deployment:
    """One started plan. ``reason`` is an error code with params where it failed. ``accepted``: the warnings that stood
    when it was started, and the blocks that were overridden. ``stages``: how its latest start went. ``adopted``: its
    container was not made by us."""

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
    request: DeploymentRequest | None = None
    accepted: tuple[Finding, ...] = ()
    stages: tuple[StageMark, ...] = ()
    adopted: bool = False
    facts: StartFacts = field(default_factory=StartFacts)


@dataclass(frozen=True)
class Reach:
    """The address to give to clients. ``is_local``: from this machine only."""

    url: str
    is_local: bool


@dataclass(frozen=True)
class DeploymentView:
    """A deployment as it is now: our word and the engine's, merged. ``container`` None: it is gone, was never made, or
    (``engine_known`` False) no engine answers and the state is as last written. ``busy``: what runs on its server."""

    deployment: Deployment
    container: ContainerView | None
    endpoint: Endpoint | None
    busy: JobView | None
    engine_known: bool = True
    reach: Reach | None = None
