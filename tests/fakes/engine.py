"""ContainerEngine in memory. What a command does is told beforehand; images, ports and faults are put in."""

from __future__ import annotations

import dataclasses
import posixpath
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from core.domain.container import ContainerSpec, ContainerView
from core.domain.host import ImageFacts
from core.errors import (
    AppError,
    ContainerFailed,
    EngineError,
    EngineUnavailable,
    ImageMissing,
    NameTaken,
    NotFoundError,
    PortTaken,
)
from core.ports import EngineInfo, ExecResult

DEPLOYMENT_LABEL = "seatrial.deployment"


@dataclass(frozen=True)
class FakeProgram:
    """What a command prints, and its exit code; None: it runs until it is stopped."""

    lines: tuple[str, ...] = ()
    exit_code: int | None = None


@dataclass
class _Container:
    view: ContainerView
    spec: ContainerSpec
    secrets: Mapping[str, str]
    log: list[tuple[str, str]] = field(default_factory=list)
    execs: dict[str, tuple[bytes, int | None]] = field(default_factory=dict)


class FakeEngine:
    """``programs``: by argv or its first words, for a container's command and for commands inside; an unknown container
    command runs silently, an unknown command inside ends well. ``files``: by path or pattern. ``folders``: the host's,
    None: every folder is there. ``down``: set it, and no engine answers."""

    def __init__(
        self,
        images: Mapping[str, str] | None = None,
        programs: Mapping[tuple[str, ...], FakeProgram] | None = None,
        folders: set[str] | None = None,
    ) -> None:
        self.images = dict(images or {"vllm:test": "sha256:" + "0" * 64})
        self.programs = dict(programs or {})
        self.folders = folders
        self.files: dict[str, bytes] = {}
        self.working_dirs: dict[str, str] = {}
        """By image; ``/`` where none is named."""
        self.ports_of_others: set[int] = set()
        self.architecture = "x86_64"
        self.down: str | None = None
        self.actual: dict[str, ContainerSpec] = {}
        """What ``describe`` tells, where it is not the spec."""
        self.faults: dict[str, AppError] = {}
        self.facts: dict[str, ImageFacts] = {}
        self.pulled: list[str] = []
        self.not_in_registry: set[str] = set()
        self.created = 0
        self.volumes: set[str] = set()
        self.started: list[tuple[str, tuple[str, ...], dict[str, str]]] = []
        """Marked commands: mark, argv, environment."""
        self._containers: dict[str, _Container] = {}
        self._ticks = 0
        self._changed = threading.Condition()

    # ------------------------------------------------------------ what a test does to it

    def emit(self, container_id: str, line: str) -> None:
        """The container prints a line."""
        with self._changed:
            self._ticks += 1
            stamp = f"2026-01-02T03:04:{self._ticks // 1000:02d}.{self._ticks % 1000:03d}000000Z"
            self._containers[container_id].log.append((stamp, line))
            self._changed.notify_all()

    def exit(self, container_id: str, code: int, *, oom_killed: bool = False) -> None:
        """The container's process ends."""
        self._set(container_id, state="exited", exit_code=code, oom_killed=oom_killed)

    def lose(self, container_id: str) -> None:
        """Somebody else removes it."""
        with self._changed:
            del self._containers[container_id]
            self._changed.notify_all()

    def secrets_of(self, container_id: str) -> Mapping[str, str]:
        """The secret environment it was created with."""
        return self._containers[container_id].secrets

    # ------------------------------------------------------------ the port

    def info(self) -> EngineInfo:
        self._meet_faults("info")
        return EngineInfo("fake-engine", "20.10", self.architecture, 2, 8 * 1024**3)

    def image_digest(self, image: str) -> str | None:
        self._meet_faults("image_digest")
        return self.images.get(image)

    def image(self, image: str) -> ImageFacts | None:
        digest = self.image_digest(image)
        return None if digest is None else self.facts.get(image, ImageFacts(digest, (image,), "amd64", 1 << 30))

    def list_images(self) -> tuple[ImageFacts, ...]:
        found = (self.image(name) for name in sorted(self.images))
        return tuple(image for image in found if image is not None)

    def in_registry(self, image: str) -> bool:
        self._meet_faults("in_registry")
        return image not in self.not_in_registry

    def load(self, tar: Iterator[bytes]) -> tuple[str, ...]:
        self._meet_faults("load")
        names = tuple(b"".join(tar).decode().split())
        self.images.update(dict.fromkeys(names, "sha256:" + "2" * 64))
        return names

    def tag(self, image: str, name: str) -> None:
        if image not in self.images:
            raise ImageMissing(image=image)
        self.images[name] = self.images[image]

    def pull(self, image: str) -> Iterator[tuple[int, int | None]]:
        self._meet_faults("pull")
        self.pulled.append(image)
        yield 50, 100
        self.images[image] = "sha256:" + "1" * 64
        yield 100, 100

    def create_or_adopt(self, spec: ContainerSpec, secrets: Mapping[str, str]) -> ContainerView:
        self._meet_faults("create_or_adopt")
        deployment = spec.labels[DEPLOYMENT_LABEL]
        for found in self._containers.values():
            if found.view.labels.get(DEPLOYMENT_LABEL) == deployment:
                return found.view
        self._refuse(spec)
        self.created += 1
        container_id = f"{self.created:064x}"
        view = ContainerView(
            container_id, spec.name, spec.image, self.images[spec.image], "created", None, None, False, 0,
            dict(spec.labels), spec.ports,
        )  # fmt: skip
        self._containers[container_id] = _Container(view, spec, dict(secrets))
        self._run(container_id)
        return self.get(container_id)

    def get(self, container_id: str) -> ContainerView:
        return self._container(container_id, "get").view

    def describe(self, container_id: str) -> ContainerSpec:
        return self.actual.get(container_id, self._container(container_id, "describe").spec)

    def run_once(self, image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        self._meet_faults("run_once")
        if image not in self.images:
            raise ImageMissing(image=image)
        program = self._program(argv, FakeProgram(exit_code=0))
        return ExecResult(program.exit_code or 0, "".join(f"{line}\n" for line in program.lines))

    def list(self, label: str | None = None) -> tuple[ContainerView, ...]:
        self._meet_faults("list")
        key, _, value = (label or "").partition("=")
        return tuple(
            found.view
            for found in self._containers.values()
            if not label or (key in found.view.labels and value in {"", found.view.labels[key]})
        )

    def start(self, container_id: str) -> None:
        if self._container(container_id, "start").view.state != "running":
            self._run(container_id)

    def stop(self, container_id: str, timeout_s: int = 10) -> None:
        if self._container(container_id, "stop").view.state == "running":
            self.exit(container_id, 137)

    def restart(self, container_id: str) -> None:
        self.stop(container_id)
        self.start(container_id)

    def remove(self, container_id: str, force: bool = False) -> None:
        container = self._container(container_id, "remove")
        if container.view.state == "running" and not force:
            raise EngineError(detail="You cannot remove a running container")
        self.lose(container_id)

    def has_volume(self, name: str) -> bool:
        self._meet_faults("has_volume")
        return name in self.volumes

    def remove_volume(self, name: str) -> None:
        self._meet_faults("remove_volume")
        self.volumes.discard(name)

    def logs_tail(self, container_id: str, lines: int = 200) -> str:
        return "".join(f"{line}\n" for _, line in self._container(container_id, "logs_tail").log[-lines:])

    def follow_logs(self, container_id: str, since: str | None = None) -> Iterator[tuple[str, str]]:
        container, done = self._container(container_id, "follow_logs"), 0
        while True:
            with self._changed:
                fresh = container.log[done:]
                if not fresh:
                    if container.view.state != "running" or container_id not in self._containers:
                        return
                    self._changed.wait(0.05)
            done += len(fresh)
            yield from ((stamp, line) for stamp, line in fresh if stamp > (since or ""))

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult:
        self._running(container_id, "exec")
        program = self._program(argv, FakeProgram(exit_code=0))
        return ExecResult(program.exit_code or 0, "".join(f"{line}\n" for line in program.lines))

    def exec_start(
        self, container_id: str, argv: Sequence[str], mark: str, env: Mapping[str, str] | None = None
    ) -> None:
        container = self._running(container_id, "exec_start")
        self.started.append((mark, tuple(argv), dict(env or {})))
        program = self._program(argv, FakeProgram(exit_code=0))
        output = "".join(f"{line}\n" for line in program.lines).encode()
        container.execs.setdefault(mark, (output, program.exit_code))

    def exec_read(self, container_id: str, mark: str, offset: int) -> tuple[bytes, int | None]:
        output, code = self._running(container_id, "exec_read").execs.get(mark, (b"", None))
        return output[offset:], code

    def exec_kill(self, container_id: str, mark: str) -> None:
        container = self._running(container_id, "exec_kill")
        output, code = container.execs.get(mark, (b"", None))
        container.execs[mark] = (output, 137 if code is None else code)

    def read_file(self, container_id: str, path: str) -> bytes:
        container = self._container(container_id, "read_file")
        whole = posixpath.normpath(posixpath.join(self.working_dirs.get(container.spec.image, "/"), path))
        for pattern, content in self.files.items():
            if fnmatchcase(whole, pattern):
                return content
        raise NotFoundError(kind="file", id=path)

    # ------------------------------------------------------------ parts

    def _program(self, argv: Sequence[str], otherwise: FakeProgram) -> FakeProgram:
        """The program with the most words that ``argv`` begins with."""
        words = tuple(argv)
        known = [start for start in self.programs if words[: len(start)] == start]
        return self.programs[max(known, key=len)] if known else otherwise

    def _meet_faults(self, call: str) -> None:
        if self.down is not None:
            raise EngineUnavailable(detail=self.down)
        if call in self.faults:
            raise self.faults.pop(call)

    def _container(self, container_id: str, call: str) -> _Container:
        self._meet_faults(call)
        if container_id not in self._containers:
            raise NotFoundError(kind="container", id=container_id)
        return self._containers[container_id]

    def _running(self, container_id: str, call: str) -> _Container:
        container = self._container(container_id, call)
        if container.view.state != "running":
            raise ContainerFailed("container_not_running", name=container.view.name)
        return container

    def _refuse(self, spec: ContainerSpec) -> None:
        if spec.image not in self.images:
            raise ImageMissing(image=spec.image)
        if any(found.view.name == spec.name for found in self._containers.values()):
            raise NameTaken(name=spec.name)
        for mount in spec.mounts:
            if self.folders is not None and mount.source not in self.folders:
                raise ContainerFailed("mount_missing", name=spec.name, path=mount.source)
        if self._program(spec.command, FakeProgram()).exit_code == 127:
            raise ContainerFailed("container_command_missing", name=spec.name, detail=spec.command[0])
        self._refuse_ports(spec)

    def _refuse_ports(self, spec: ContainerSpec) -> None:
        for port in (published.host_port for published in spec.ports):
            if port in self.ports_of_others:
                raise PortTaken(port=port, owner=None)
            for view in self.list():
                if view.state == "running" and any(other.host_port == port for other in view.ports):
                    raise PortTaken(port=port, owner=view.name)

    def _run(self, container_id: str) -> None:
        container = self._containers[container_id]
        self._refuse_ports(container.spec)
        program = self._program(container.spec.command, FakeProgram())
        self._ticks += 1
        started_at = f"2026-01-02T03:04:05.{self._ticks:09d}Z"
        self._set(container_id, state="running", exit_code=None, started_at=started_at)
        for line in program.lines:
            self.emit(container_id, line)
        if program.exit_code is not None:
            self.exit(container_id, program.exit_code)

    def _set(self, container_id: str, **changes: object) -> None:
        with self._changed:
            container = self._containers[container_id]
            container.view = dataclasses.replace(container.view, **changes)  # type: ignore[arg-type]
            self._changed.notify_all()
