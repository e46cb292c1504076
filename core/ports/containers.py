"""Containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.domain.container import ContainerSpec, ContainerView


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
