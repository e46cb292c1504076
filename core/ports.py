"""What core needs from the outside, as Protocols. Adapters fulfil them; tests/fakes hold one fake per port."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from core.domain.access import Account, Role
from core.domain.benchmark import Measurement, Page, Run, RunRow, RunState
from core.domain.container import ContainerSpec, ContainerView
from core.domain.deployment import Deployment, DeploymentState
from core.domain.endpoint import Endpoint, EndpointCheck
from core.domain.job import Job, JobKind, JobState, Progress, Reason


class Clock(Protocol):
    """The time, so that tests can hold it."""

    def now(self) -> datetime:
        """UTC-aware."""
        ...


# ---------------------------------------------------------------- containers


@dataclass(frozen=True)
class EngineInfo:
    """The local container engine."""

    id: str
    version: str
    architecture: str
    cpus: int
    memory_bytes: int


@dataclass(frozen=True)
class ExecResult:
    """A finished command inside a container."""

    exit_code: int
    output: str


class ContainerEngine(Protocol):
    """Docker. Raises EngineUnavailable, ImageMissing, NameTaken, PortTaken, ContainerFailed, NotFoundError
    and EngineError; nothing of the SDK escapes."""

    def info(self) -> EngineInfo: ...
    def image_digest(self, image: str) -> str | None:
        """The image's id if it is here, else None."""
        ...

    def pull(self, image: str) -> Iterator[tuple[int, int | None]]:
        """Bytes done and total, as the pull goes on."""
        ...

    def create_or_adopt(self, spec: ContainerSpec, secrets: Mapping[str, str]) -> ContainerView:
        """Creates and starts, or adopts the container that already bears the same ``seatrial.deployment`` label."""
        ...

    def get(self, container_id: str) -> ContainerView: ...
    def list(self, label: str | None = None) -> tuple[ContainerView, ...]: ...
    def start(self, container_id: str) -> None: ...
    def stop(self, container_id: str, timeout_s: int = 10) -> None: ...
    def restart(self, container_id: str) -> None: ...
    def remove(self, container_id: str, force: bool = False) -> None: ...
    def logs_tail(self, container_id: str, lines: int = 200) -> str: ...
    def follow_logs(self, container_id: str, since: str | None = None) -> Iterator[tuple[str, str]]:
        """(timestamp, line) without loss or repetition, until the container stops or the engine goes."""
        ...

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult: ...
    def exec_start(
        self, container_id: str, argv: Sequence[str], mark: str, env: Mapping[str, str] | None = None
    ) -> None:
        """Starts a detached command whose output and exit code go to files in the container, and whose processes all
        bear ``SEATRIAL_EXEC=mark``. Does nothing if that mark was already started."""
        ...

    def exec_read(self, container_id: str, mark: str, offset: int) -> tuple[bytes, int | None]:
        """New output from byte ``offset``, and the exit code once it is there."""
        ...

    def exec_kill(self, container_id: str, mark: str) -> None:
        """Ends every process that bears the mark; returns when none is left."""
        ...

    def read_file(self, container_id: str, path: str) -> bytes: ...


# ---------------------------------------------------------------- the host


@dataclass(frozen=True)
class PathView:
    """What is at a path of the host; ``real_path`` with every link followed."""

    kind: Literal["folder", "file", "absent", "denied"]
    real_path: str


class HostProbe(Protocol):
    """The machine on which containers run, as this process sees it. Looks only."""

    @property
    def sees_host(self) -> bool:
        """Whether paths and ports here are the engine's own: not so inside a container, or with a remote engine."""
        ...

    def look(self, path: str) -> PathView: ...
    def list_dir(self, path: str) -> tuple[str, ...]:
        """Names, sorted; none where it cannot be read."""
        ...

    def read_json(self, path: str) -> Mapping[str, Any] | None:
        """The object in a JSON file; None where there is none or it cannot be read."""
        ...

    def port_owner(self, port: int, host_ip: str | None = None) -> str | None:
        """The process that listens where ``host_ip:port`` would be bound ("" where it is another account's); None:
        nobody. ``host_ip`` None: every address."""
        ...

    def free_bytes(self, path: str) -> int | None:
        """Room on the path's disk; None where there is no such path."""
        ...


# ---------------------------------------------------------------- endpoints


class EndpointClient(Protocol):
    """Talks to one OpenAI-compatible server. Raises Unreachable, TimedOut, Rejected, NotOpenAI."""

    def check(self, base_url: str, key: str | None, served_name: str | None = None) -> EndpointCheck:
        """Looks at everything once. Never raises for a bad server: the check's findings say what is wrong."""
        ...

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool: ...
    def complete_once(self, base_url: str, key: str | None, served_name: str, timeout_s: float = 60.0) -> str:
        """One real one-token completion; its text."""
        ...

    def metrics(self, base_url: str, timeout_s: float = 2.0) -> Mapping[str, float] | None:
        """The server's own counters, summed over labels, or None."""
        ...

    def resolve(self, base_url: str) -> tuple[str, int]:
        """IP address and port behind a URL; every address of this machine reads 127.0.0.1. Raises Unreachable."""
        ...


# ---------------------------------------------------------------- children


class ToolRunner(Protocol):
    """Runs our child processes: own process group, death with the worker, the server's lock in their hands."""

    def run(
        self,
        argv: Sequence[str],
        *,
        server_key: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        job_id: str = "",
    ) -> AsyncGenerator[str, None]:
        """Waits for the server's lock, starts the child, yields its stdout lines. Raises ToolMissing, and
        ToolFailed(exit_code, detail) when it ends badly. Closing the iterator or cancelling kills the whole process
        group (grace 0.5 s). ``job_id`` is who ``holder`` then names."""
        ...

    def hold(self, server_key: str, *, job_id: str = "") -> AbstractAsyncContextManager[None]:
        """Waits for the server's lock and holds it in this process, for work that no child of this machine does."""
        ...

    def is_held(self, server_key: str) -> bool:
        """Whether any child still holds the server's lock."""
        ...

    def holder(self, server_key: str) -> str | None:
        """The job whose processes hold the server's lock; None where nobody does."""
        ...


# ---------------------------------------------------------------- jobs


class JobQueue(Protocol):
    """The job engine, as the web process and the shell see it."""

    def enqueue(self, job_id: str, kind: JobKind, server_key: str, payload: Mapping[str, Any]) -> None:
        """Idempotent by ``job_id``."""
        ...

    def cancel(self, job_id: str) -> None: ...
    def resume(self, job_id: str) -> None:
        """From the first unfinished step, on the server's own queue."""
        ...

    def states(self, job_ids: Sequence[str]) -> Mapping[str, JobState]:
        """Engine's word only: queued, running, cancelled, failed, done. Unknown ids are left out."""
        ...

    def steps_done(self, job_id: str) -> int: ...
    def worker_seen_at(self) -> datetime | None:
        """The worker's last heartbeat."""
        ...


# ---------------------------------------------------------------- storage


class Disk(Protocol):
    """Room for data."""

    def usage(self, folder: Path) -> tuple[int, int]:
        """Bytes in the folder, and bytes free on its disk."""
        ...


class Secrets(Protocol):
    """Keys, encrypted at rest."""

    def put(self, ref: str, value: str) -> None: ...
    def get(self, ref: str) -> str | None: ...
    def delete(self, ref: str) -> None: ...


class EndpointStore(Protocol):
    def add(self, endpoint: Endpoint) -> None: ...
    def update(self, endpoint: Endpoint) -> None: ...
    def get(self, endpoint_id: str) -> Endpoint:
        """Raises NotFoundError."""
        ...

    def find(self, base_url: str, served_name: str) -> Endpoint | None: ...
    def list(self, include_archived: bool = False) -> tuple[Endpoint, ...]: ...
    def save_check(self, endpoint_id: str, check: EndpointCheck) -> None: ...
    def archive(self, endpoint_id: str, at: datetime | None) -> None: ...


class RunStore(Protocol):
    def add(self, run: Run) -> None: ...
    def get(self, run_id: str) -> Run: ...
    def set_state(
        self, run_id: str, state: RunState, *, started_at: datetime | None = None, ended_at: datetime | None = None
    ) -> None: ...
    def merge_provenance(self, run_id: str, values: Mapping[str, Any]) -> None: ...
    def set_note(self, run_id: str, note: str) -> None: ...
    def page(
        self,
        offset: int,
        limit: int,
        *,
        model: str | None = None,
        endpoint_id: str | None = None,
        text: str | None = None,
    ) -> Page[RunRow]: ...
    def models(self) -> tuple[str, ...]: ...
    def save_measurement(self, run_id: str, measurement: Measurement) -> bool:
        """Unique by (run, point, repeat): False, and nothing written, where it is already there."""
        ...

    def measurements(self, run_id: str) -> tuple[Measurement, ...]: ...
    def has_measurement(self, run_id: str, point_index: int, repeat: int) -> bool: ...


class JobStore(Protocol):
    def add(self, job: Job) -> None: ...
    def get(self, job_id: str) -> Job: ...
    def page(self, offset: int, limit: int) -> Page[Job]: ...
    def unfinished(self) -> tuple[Job, ...]: ...
    def mark_started(self, job_id: str, at: datetime) -> None: ...
    def finish(self, job_id: str, outcome: JobState, at: datetime, reason: Reason | None = None) -> None: ...
    def reopen(self, job_id: str) -> None:
        """Clears the outcome before a resume."""
        ...

    def save_progress(self, job_id: str, progress: Progress) -> None: ...
    def progress(self, job_ids: Sequence[str]) -> Mapping[str, Progress]: ...
    def beat(self, worker_id: str, at: datetime) -> None: ...
    def last_beat(self) -> datetime | None: ...


class DeploymentStore(Protocol):
    def add(self, deployment: Deployment) -> None: ...
    def update(self, deployment: Deployment) -> None: ...
    def get(self, deployment_id: str) -> Deployment: ...
    def list(self, include_ended: bool = True, limit: int = 200) -> tuple[Deployment, ...]: ...
    def set_state(
        self,
        deployment_id: str,
        state: DeploymentState,
        *,
        at: datetime,
        reason_code: str | None = None,
        reason_params: Mapping[str, str] | None = None,
    ) -> None: ...


@dataclass(frozen=True)
class ArtifactRow:
    """A stored file, without its bytes. ``digest`` is the SHA-256 of the uncompressed content."""

    id: str
    run_id: str
    name: str
    media_type: str
    size_bytes: int
    digest: str
    created_at: datetime


class ArtifactStore(Protocol):
    def save(self, run_id: str, name: str, media_type: str, chunks: Iterable[bytes]) -> ArtifactRow:
        """Compressed, content-addressed, in chunks of 4 MiB. Idempotent by (run, name). Raises StoreError
        ``artifact_too_large``."""
        ...

    def list(self, run_id: str) -> tuple[ArtifactRow, ...]: ...
    def get(self, artifact_id: str) -> ArtifactRow:
        """Raises NotFoundError."""
        ...

    def read(self, artifact_id: str) -> Iterator[bytes]: ...
    def sweep(self, before: datetime) -> int:
        """Drops the bytes of artifacts older than ``before``; how many."""
        ...


class AccountStore(Protocol):
    def add(self, name: str, role: Role, password_hash: str, at: datetime) -> None:
        """Raises NameTaken."""
        ...

    def list(self) -> tuple[Account, ...]: ...
    def get(self, name: str) -> tuple[Account, str] | None:
        """The account and its password hash."""
        ...

    def set_role(self, name: str, role: Role) -> None: ...
    def set_password(self, name: str, password_hash: str) -> None: ...
    def set_disabled(self, name: str, at: datetime | None) -> None: ...
    def open_session(self, session_id: str, name: str, expires_at: datetime) -> None: ...
    def session(self, session_id: str) -> tuple[Account, datetime] | None:
        """The account and the expiry of a session that is not ended."""
        ...

    def close_session(self, session_id: str) -> None: ...
    def close_sessions_of(self, name: str) -> None: ...


class PreferenceStore(Protocol):
    def get(self, key: str) -> str | None: ...
    def set(self, key: str, value: str) -> None: ...


class Store(Protocol):
    """The results database."""

    @property
    def endpoints(self) -> EndpointStore: ...
    @property
    def runs(self) -> RunStore: ...
    @property
    def jobs(self) -> JobStore: ...
    @property
    def deployments(self) -> DeploymentStore: ...
    @property
    def artifacts(self) -> ArtifactStore: ...
    @property
    def accounts(self) -> AccountStore: ...
    @property
    def preferences(self) -> PreferenceStore: ...
    def atomic(self) -> AbstractContextManager[None]:
        """One short transaction around several verbs: all of them happen, or none."""
        ...

    def ping(self) -> None:
        """Raises StoreError when the database does not answer."""
        ...

    def data_version(self) -> int:
        """Grows with every write but live progress, heartbeats and sign-ins, from any process; every cache's key."""
        ...
