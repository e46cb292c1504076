"""A container engine that is not there: it keeps each container's spec, and starts a stand-in for vLLM in its place.

For simulated hosts: the whole way from the form to a served endpoint can be gone without the hardware. Its state lies
in a folder, since web, worker and shell each have an engine of their own.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from core.adapters.database.failures import translated
from core.adapters.locks import FileLock
from core.adapters.process_marks import birth_mark, is_alive
from core.domain.container import ContainerSpec, ContainerView
from core.domain.host import ImageFacts, SimulatedHost
from core.errors import ContainerFailed, EngineError, ImageMissing, NameTaken, NotFoundError, PortTaken
from core.formats import records, vllm_serve
from core.ports import EngineInfo, ExecResult
from core.ports.containers import SIMULATED

DEPLOYMENT_LABEL = "seatrial.deployment"
_ROOT = Path(__file__).resolve().parents[2]
_GIB = 1024**3
_IMAGE_BYTES = 21 * _GIB
_PULL_STEPS, _PULL_STEP_S = 10, 0.15
_WAIT_S = 0.05
_STAMP_CHARS = len("2026-01-01T00:00:00.000000Z ")
_KILLED, _ENDED = 137, 0
Lines = list[tuple[str, str]]
"""(time, text) of each line of a log."""


@dataclass(frozen=True)
class Record:
    """A container as it lies in its file. ``birth`` names its process for good."""

    id: str
    spec: ContainerSpec
    state: str = "created"
    started_at: str | None = None
    exit_code: int | None = None
    birth: str = ""


Records = list[Record]


class SimulatedEngine:
    """Fulfils ports.ContainerEngine, but for commands inside a container: there is no inside."""

    def __init__(self, host: SimulatedHost, folder: Path) -> None:
        self._host = host
        self._folder = folder

    # ------------------------------------------------------------ engine and images

    def info(self) -> EngineInfo:
        memory = self._host.memory_gib * _GIB
        return EngineInfo(f"simulated-{self._host.id}", SIMULATED, self._host.architecture, self._host.cpus, memory)

    def image_digest(self, image: str) -> str | None:
        found = self.image(image)
        return found.id if found else None

    def image(self, image: str) -> ImageFacts | None:
        if image not in self._names():
            return None
        digest = f"sha256:{uuid.uuid5(uuid.NAMESPACE_URL, image).hex * 2}"
        return ImageFacts(digest, (image,), self._host.architecture, _IMAGE_BYTES)

    def list_images(self) -> tuple[ImageFacts, ...]:
        found = (self.image(name) for name in sorted(self._names()))
        return tuple(image for image in found if image is not None)

    def pull(self, image: str) -> Iterator[tuple[int, int | None]]:
        for step in range(1, _PULL_STEPS + 1):
            time.sleep(_PULL_STEP_S)
            yield _IMAGE_BYTES * step // _PULL_STEPS, _IMAGE_BYTES
        self._remember(image)

    def in_registry(self, image: str) -> bool:
        return True

    def load(self, tar: Iterator[bytes]) -> tuple[str, ...]:
        raise EngineError("image_load_failed", detail="a simulated host loads no images")

    def tag(self, image: str, name: str) -> None:
        if image not in self._names():
            raise ImageMissing(image=image)
        self._remember(name)

    # ------------------------------------------------------------ containers

    def create_or_adopt(self, spec: ContainerSpec, secrets: Mapping[str, str]) -> ContainerView:
        with self._locked():
            deployment = spec.labels[DEPLOYMENT_LABEL]
            for record in self._records():
                if record.spec.labels.get(DEPLOYMENT_LABEL) == deployment:
                    return _view(record)
            self._refuse(spec)
            container_id = uuid.uuid4().hex * 2
            self._write_secrets(container_id, secrets)
            return _view(self._begin(Record(container_id, spec)))

    def get(self, container_id: str) -> ContainerView:
        return _view(self._record(container_id))

    def describe(self, container_id: str) -> ContainerSpec:
        """What the container was created from. Raises NotFoundError."""
        return self._record(container_id).spec

    def run_once(self, image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        raise ContainerFailed("simulated_no_inside", name=image)

    def has_volume(self, name: str) -> bool:
        return False

    def remove_volume(self, name: str) -> None:
        """There are none."""

    def list(self, label: str | None = None) -> tuple[ContainerView, ...]:
        key, _, value = (label or "").partition("=")
        found = (_view(record) for record in self._records())
        return tuple(one for one in found if not key or (key in one.labels and value in {"", one.labels[key]}))

    def start(self, container_id: str) -> None:
        with self._locked():
            record = self._record(container_id)
            if record.state != "running":
                self._refuse_ports(record.spec)
                self._begin(record)

    def stop(self, container_id: str, timeout_s: int = 10) -> None:
        record = self._record(container_id)
        if record.state != "running":
            return
        pid = int(record.birth.partition(":")[0])
        self._signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + timeout_s
        while is_alive(record.birth) and time.monotonic() < deadline:
            time.sleep(_WAIT_S)
        killed = is_alive(record.birth)
        if killed:
            self._signal(pid, signal.SIGKILL)
        self._save(replace(record, state="exited", exit_code=_KILLED if killed else _ENDED))

    def restart(self, container_id: str) -> None:
        self.stop(container_id)
        self.start(container_id)

    def remove(self, container_id: str, force: bool = False) -> None:
        record = self._record(container_id)
        if record.state == "running" and not force:
            raise EngineError(detail="a running container is removed only by force")
        self.stop(container_id, timeout_s=2)
        for path in self._folder.glob(f"{container_id}.*"):
            path.unlink(missing_ok=True)

    # ------------------------------------------------------------ logs and commands

    def logs_tail(self, container_id: str, lines: int = 200) -> str:
        self._record(container_id)
        return "".join(f"{line}\n" for _, line in self._lines(container_id)[-lines:])

    def follow_logs(self, container_id: str, since: str | None = None) -> Iterator[tuple[str, str]]:
        told = 0
        while True:
            running = self._record(container_id).state == "running"
            fresh = self._lines(container_id)[told:]
            told += len(fresh)
            yield from ((stamp, line) for stamp, line in fresh if stamp > (since or ""))
            if not running:
                return
            time.sleep(_WAIT_S)

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult:
        raise self._no_inside(container_id)

    def exec_start(
        self, container_id: str, argv: Sequence[str], mark: str, env: Mapping[str, str] | None = None
    ) -> None:
        raise self._no_inside(container_id)

    def exec_read(self, container_id: str, mark: str, offset: int) -> tuple[bytes, int | None]:
        raise self._no_inside(container_id)

    def exec_kill(self, container_id: str, mark: str) -> None:
        self._record(container_id)

    def read_file(self, container_id: str, path: str) -> bytes:
        self._record(container_id)
        raise NotFoundError(kind="file", id=path)

    # ------------------------------------------------------------ parts

    def _no_inside(self, container_id: str) -> ContainerFailed:
        return ContainerFailed("simulated_no_inside", name=self._record(container_id).spec.name)

    def _refuse(self, spec: ContainerSpec) -> None:
        if spec.image not in self._names():
            raise ImageMissing(image=spec.image)
        if any(record.spec.name == spec.name for record in self._records()):
            raise NameTaken(name=spec.name)
        self._refuse_ports(spec)

    def _refuse_ports(self, spec: ContainerSpec) -> None:
        wanted = {port.host_port for port in spec.ports}
        for record in self._records():
            taken = wanted & {port.host_port for port in record.spec.ports}
            if record.state == "running" and record.spec.name != spec.name and taken:
                raise PortTaken(port=min(taken), owner=record.spec.name)

    def _begin(self, record: Record) -> Record:
        """Starts the stand-in; it outlives this process, as a container does."""
        serve = vllm_serve.parse(record.spec.command)
        if serve is None or serve.model is None or not record.spec.ports:
            raise ContainerFailed("simulated_no_server", name=record.spec.name)
        argv = _standin(record.spec, serve)
        secrets = records.loads(dict[str, str], self._path(record.id, "env").read_text())
        with translated(), self._path(record.id, "log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=_ROOT, env={**os.environ, **secrets}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        now = datetime.now(UTC).isoformat()
        begun = replace(record, state="running", started_at=now, exit_code=None, birth=birth_mark(process.pid))
        self._save(begun)
        return begun

    def _signal(self, pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

    def _lines(self, container_id: str) -> Lines:
        """(time, line); a line without a time of its own has the one before."""
        stamp, found = "", Lines()
        with suppress(OSError):
            for line in self._path(container_id, "log").read_text(encoding="utf-8", errors="replace").splitlines():
                if line[4:5] == "-" and line[_STAMP_CHARS - 2 : _STAMP_CHARS] == "Z ":
                    stamp, line = line[: _STAMP_CHARS - 1], line[_STAMP_CHARS:]
                found.append((stamp, line))
        return found

    def _record(self, container_id: str) -> Record:
        path = self._path(Path(container_id).name, "json")
        try:
            record = records.loads(Record, path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFoundError(kind="container", id=container_id) from error
        if record.state == "running":
            with suppress(ChildProcessError):
                os.waitpid(int(record.birth.partition(":")[0]), os.WNOHANG)  # ours: or it stays a zombie
            if not is_alive(record.birth):
                return replace(record, state="exited", exit_code=_KILLED)
        return record

    def _records(self) -> tuple[Record, ...]:
        """A container that is removed meanwhile is none."""
        found = Records()
        for path in sorted(self._folder.glob("*.json")):
            with suppress(NotFoundError):
                found.append(self._record(path.stem))
        return tuple(found)

    def _save(self, record: Record) -> None:
        path = self._path(record.id, "json")
        with translated():
            draft = path.with_suffix(".part")
            draft.write_text(records.dumps(Record, record), encoding="utf-8")
            draft.replace(path)

    def _write_secrets(self, container_id: str, secrets: Mapping[str, str]) -> None:
        """As docker keeps a container's environment: for its next start."""
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path(container_id, "env"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(fd, "w") as file:
                file.write(records.dumps(dict[str, str], dict(secrets)))

    def _names(self) -> set[str]:
        pulled = self._folder / "images.txt"
        return {*self._host.images, *(pulled.read_text().split() if pulled.exists() else ())}

    def _remember(self, image: str) -> None:
        with translated():
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / "images.txt").open("a") as file:
                file.write(f"{image}\n")

    def _path(self, container_id: str, kind: str) -> Path:
        return self._folder / f"{container_id}.{kind}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._folder / "engine.lock")
        while not lock.take():
            time.sleep(_WAIT_S)
        try:
            yield
        finally:
            lock.let_go()


def _standin(spec: ContainerSpec, serve: vllm_serve.ServeCommand) -> list[str]:
    port = spec.ports[0]
    argv = [sys.executable, "-m", "simulator.standin", "--host", port.host_ip or "127.0.0.1"]
    argv += ["--port", str(port.host_port), "--model", serve.name or "", "--weights", serve.model or ""]
    context = vllm_serve.int_argument(serve.args, "--max-model-len")
    argv += ["--max-model-len", str(context)] if context else []
    argv += ["--task", _task(serve)]
    thinks = any(flag == "--reasoning-parser" for flag, _ in vllm_serve.flag_values(serve.args))
    return [*argv, "--reasoning"] if thinks else argv


def _task(serve: vllm_serve.ServeCommand) -> str:
    """vLLM reads it from the model's config.json; of a model that is not there, the folder's name tells."""
    name = PurePosixPath(serve.model or "").name.lower()
    if "rerank" in name:
        return "score"
    return "embed" if "embedding" in name or name.startswith("bge-") else "generate"


def _view(record: Record) -> ContainerView:
    return ContainerView(
        id=record.id,
        name=record.spec.name,
        image=record.spec.image,
        image_id=f"sha256:{uuid.uuid5(uuid.NAMESPACE_URL, record.spec.image).hex * 2}",
        state=record.state,
        started_at=record.started_at,
        exit_code=record.exit_code,
        oom_killed=False,
        restart_count=0,
        labels=dict(record.spec.labels),
        ports=record.spec.ports,
    )
