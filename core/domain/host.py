"""A host: the machine on which containers run, and what is there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.domain.container import ContainerView

LOCAL = "local"
"""The host whose engine this installation talks to. More hosts get names of their own."""

ARCHITECTURES: Mapping[str, str] = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "x64": "x86_64",
    "arm64": "aarch64",
    "aarch64": "aarch64",
}


def architecture_name(text: str) -> str:
    """One name for each processor architecture; an unknown one stays as it is."""
    return ARCHITECTURES.get(text.lower(), text.lower())


@dataclass(frozen=True)
class HostFacts:
    """What the machine says of itself. ``iommu``: whether the kernel uses one; None where that cannot be seen.
    ``simulated``: the profile's name where no such machine is there."""

    name: str
    system: str
    architecture: str
    cpus: int | None
    memory_bytes: int | None
    available_memory_bytes: int | None
    shm_bytes: int | None
    iommu: bool | None
    simulated: str | None = None


@dataclass(frozen=True)
class DeviceUser:
    """A process that has a device node open. ``container``: whose process it is, by id or, where the engine knows it,
    by name; None: the machine's own."""

    node: str
    process: str
    pid: int
    container: str | None = None


@dataclass(frozen=True)
class Listener:
    """A port that a process listens on. ``process`` "": another account's, which cannot be seen from here."""

    port: int
    process: str


@dataclass(frozen=True)
class TakenPort:
    """A port that nothing new can have. ``owner``: a container's or a process's name, "" where it cannot be seen."""

    port: int
    owner: str
    container: bool


@dataclass(frozen=True)
class DeviceGroup:
    """Devices of one kind. ``platforms``: the catalog's platforms whose nodes match; several share a driver.

    ``entered``: a person's count, where nodes cannot be seen from here; then ``nodes`` is empty."""

    pattern: str
    platforms: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    entered: int | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.nodes) if self.nodes else self.entered or 0

    @property
    def numbers(self) -> tuple[int, ...]:
        """The devices' numbers; counted from 0 where only their count is known."""
        return tuple(map(node_number, self.nodes)) if self.nodes else tuple(range(self.entered or 0))


@dataclass(frozen=True)
class ImageFacts:
    """An image that is present. ``user``: as whom its processes run, "" for root."""

    id: str
    names: tuple[str, ...]
    architecture: str
    size_bytes: int
    user: str = ""


@dataclass(frozen=True)
class DiskRoom:
    """Room on the disk that holds ``path``."""

    path: str
    purpose: Literal["weights", "images", "data"]
    free_bytes: int | None


@dataclass(frozen=True)
class HostEngine:
    """The container engine, as it says."""

    id: str
    version: str
    architecture: str


@dataclass(frozen=True)
class HostInventory:
    """A host at one moment. ``engine`` None: none answers, ``problem`` says why (an error's code and params)."""

    id: str
    facts: HostFacts
    engine: HostEngine | None = None
    problem: tuple[str, Mapping[str, str | int | float | bool | None]] | None = None
    devices: tuple[DeviceGroup, ...] = ()
    images: tuple[ImageFacts, ...] = ()
    containers: tuple[ContainerView, ...] = ()
    disks: tuple[DiskRoom, ...] = ()
    sees_devices: bool = True
    listeners: tuple[Listener, ...] = ()

    def devices_of(self, platform_id: str) -> DeviceGroup | None:
        """The devices that a platform's containers would use; None: its nodes have no known name."""
        return next((group for group in self.devices if platform_id in group.platforms), None)

    @property
    def ports(self) -> tuple[TakenPort, ...]:
        """Every port that is taken, by number. One that a container publishes is the container's, though a process of
        the engine's listens there."""
        running = (found for found in self.containers if found.state in HOLDS)
        published = {port.host_port: found.name for found in running for port in found.ports}
        taken = {one.port: TakenPort(one.port, one.process, container=False) for one in self.listeners}
        taken |= {port: TakenPort(port, name, container=True) for port, name in published.items()}
        return tuple(taken[port] for port in sorted(taken))


HOLDS = frozenset({"running", "restarting", "paused"})
"""States in which a container keeps its ports and devices."""


@dataclass(frozen=True)
class SimulatedHost:
    """A host that is not there, from catalog/hosts: enough to drive every screen without its hardware.

    ``nodes``: pattern of the catalog -> how many; a node's name is the pattern without its glob, and a number.
    ``models``: model folder -> shards and bytes; they look complete."""

    id: str
    name: str
    source: str
    architecture: Literal["x86_64", "aarch64"]
    cpus: int
    memory_gib: int
    nodes: dict[str, int]
    disk_free_gib: int
    weights: str = "/data/weights"
    iommu: bool = False
    system: str = "Linux"
    images: tuple[str, ...] = ()
    models: dict[str, SimulatedModel] = field(default_factory=dict)


@dataclass(frozen=True)
class SimulatedModel:
    """A model folder on a simulated host; ``config``: what its config.json would hold."""

    shards: int
    size_gb: float
    config: dict[str, str | int | list[str]] = field(default_factory=dict)


_GLOB = re.compile(r"\[0-9\]\*|\*")
_NUMBER = re.compile(r"(\d+)$")


def node_number(path: str) -> int:
    """The number at the end of a device's name; 0 where there is none."""
    found = _NUMBER.search(path)
    return int(found[1]) if found else 0


def node_names(pattern: str, count: int) -> tuple[str, ...]:
    """The names of ``count`` nodes: the pattern of a platform, its glob replaced by each number."""
    return tuple(_GLOB.sub(str(number), pattern) for number in range(count))


def in_order(nodes: Iterable[str]) -> tuple[str, ...]:
    """By number: vacc2 before vacc10."""
    return tuple(sorted(nodes, key=lambda node: (_NUMBER.sub("", node), node_number(node))))
