"""Containers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.domain.container import ContainerSpec, ContainerView
from core.domain.host import ImageFacts
from core.domain.registry import PullSource, RegistryLogin

SIMULATED = "simulated"
"""In place of an engine's version on a simulated host."""


@dataclass(frozen=True)
class EngineInfo:
    """The local container engine."""

    id: str
    version: str
    architecture: str
    cpus: int
    memory_bytes: int
    root_dir: str = ""
    """Where it keeps images."""


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

    def image(self, image: str) -> ImageFacts | None:
        """The image if it is here, else None."""
        ...

    def list_images(self) -> tuple[ImageFacts, ...]:
        """Every image with a name."""
        ...

    def pull(self, image: str) -> Iterator[tuple[int, int | None]]:
        """Bytes done and total, as the pull goes on. Raises ImageMissing, EngineError (registry_denied,
        pull_failed)."""
        ...

    def in_registry(self, image: str) -> bool:
        """Whether the image's registry has it, asked as a pull would ask, with the login that is kept for it. Raises
        EngineError (registry_denied: it does not say; registry_silent: no answer)."""
        ...

    def load(self, tar: Iterator[bytes]) -> tuple[str, ...]:
        """What ``docker load`` does with a saved image; the names that are there now. Raises EngineError
        (image_load_failed: detail)."""
        ...

    def tag(self, image: str, name: str) -> None:
        """One more name for an image that is here. Raises ImageMissing."""
        ...

    def create_or_adopt(self, spec: ContainerSpec, secrets: Mapping[str, str]) -> ContainerView:
        """Creates and starts, or adopts the container that already bears the same ``seatrial.deployment`` label."""
        ...

    def get(self, container_id: str) -> ContainerView: ...
    def describe(self, container_id: str) -> ContainerSpec:
        """What it was really started with, without its image's own variables and the engine's defaults; of a variable
        that looks like a secret only the name. Raises NotFoundError."""
        ...

    def run_once(self, image: str, argv: Sequence[str], timeout_s: int = 120) -> ExecResult:
        """A short command in a container of its own, without network, that is removed again; the image's entrypoint is
        passed over. Raises ImageMissing, EngineError (one_shot_timeout: image, timeout_s)."""
        ...

    def list(self, label: str | None = None) -> tuple[ContainerView, ...]: ...
    def start(self, container_id: str) -> None: ...
    def stop(self, container_id: str, timeout_s: int = 10) -> None: ...
    def restart(self, container_id: str) -> None: ...
    def remove(self, container_id: str, force: bool = False) -> None: ...
    def has_volume(self, name: str) -> bool: ...
    def remove_volume(self, name: str) -> None:
        """A named volume with all that is in it; nothing happens where there is none."""
        ...

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

    def read_file(self, container_id: str, path: str) -> bytes:
        """Also of a stopped container. A relative path is looked for where commands inside run: in the container's
        working directory. Raises NotFoundError."""
        ...


class Registries(Protocol):
    """Where images come from, as a team has set it up: logins, encrypted at rest, and a mirror of Docker Hub."""

    def resolve(self, image: str) -> PullSource:
        """The name to pull, and the login of its registry where one is kept."""
        ...

    def logins(self) -> tuple[tuple[str, str], ...]:
        """(registry, user), by registry; no password."""
        ...

    def save(self, registry: str, login: RegistryLogin) -> None: ...
    def forget(self, registry: str) -> None: ...
    def mirror(self) -> str:
        """The prefix that Docker Hub's images are pulled under; empty: none."""
        ...

    def set_mirror(self, prefix: str) -> None: ...


class Upload(Protocol):
    """A file that is being received."""

    def write(self, piece: bytes) -> None:
        """Raises StoreError (disk_full)."""
        ...

    def finish(self) -> str:
        """Under its own name; where it lies."""
        ...

    def abandon(self) -> None:
        """Nothing of it stays."""
        ...


class Uploads(Protocol):
    """The folder that received files lie in until they are loaded."""

    def begin(self, name: str) -> Upload: ...
    def free_bytes(self) -> int: ...
    def discard(self, path: str) -> None:
        """Deletes a received file; nothing happens to a file elsewhere."""
        ...
