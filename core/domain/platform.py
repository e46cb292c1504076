"""A platform: a kind of accelerator, how its containers run, and what they refuse. Its numbers: catalog/platforms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Tier = Literal["full", "official", "template"]


@dataclass(frozen=True)
class MountFact:
    """A host path that every container of the platform needs."""

    source: str
    target: str


@dataclass(frozen=True)
class RunFacts:
    """Options of ``docker run``. ``{n}`` in a device path stands for each chosen device's number."""

    privileged: bool = False
    ipc: str | None = None
    shm_size: str | None = None
    runtime: str | None = None
    gpus: str | None = None
    pid: str | None = None
    network: str | None = None
    devices: tuple[str, ...] = ()
    mounts: tuple[MountFact, ...] = ()
    group_add: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    ulimits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """``dies`` is how many ranks a card holds; ``dies_derived``: by arithmetic, not by the vendor's word."""

    name: str
    memory_gib: int
    dies: int | None = None
    dies_derived: bool = False
    evidence: str | None = None


@dataclass(frozen=True)
class Layout:
    """A server as it is sold."""

    name: str
    cards: int
    devices: int


@dataclass(frozen=True)
class HostNeeds:
    """What the vendor asks of the host."""

    cpus: int | None = None
    memory_gib: int | None = None


@dataclass(frozen=True)
class Platform:
    """``tier``: full (every rule known), official (the vendor's own run line), template (a third party's run line; the
    image is the team's to give). ``entrypoint``: whether the image takes ``vllm serve ...`` or only its arguments."""

    id: str
    name: str
    vendor: str
    tier: Tier
    entrypoint: Literal["command", "arguments"]
    run: RunFacts
    source: str
    architectures: tuple[Literal["x86_64", "aarch64"], ...] = ("x86_64", "aarch64")
    image: str | None = None
    card: Card | None = None
    layouts: tuple[Layout, ...] = ()
    device_nodes: str | None = None
    visible_devices_env: str | None = None
    smi: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    serve_always: tuple[str, ...] = ()
    forbidden_flags: tuple[str, ...] = ()
    forbidden_source: str | None = None
    forbidden_env: tuple[str, ...] = ()
    unsupported_sampling: tuple[str, ...] = ()
    iommu: Literal["off"] | None = None
    host: HostNeeds | None = None
    note: str | None = None

    @property
    def has_devices(self) -> bool:
        """Whether its containers are told which devices they may use."""
        numbered = any("{n}" in path for path in self.run.devices)
        return bool(self.device_nodes or self.visible_devices_env or self.run.gpus or numbered)


@dataclass(frozen=True)
class ArmRule:
    """How an image's tag is named on arm64: the same, a suffix, a tag of its own, or not known (ask)."""

    rule: Literal["same", "append", "tag", "ask"]
    suffix: str | None = None
    tag: str | None = None
    stated_until: str | None = None


@dataclass(frozen=True)
class ImageTag:
    """One published tag and the vLLM inside, where it is known."""

    tag: str
    vllm: str | None = None
    vllm_vacc: str | None = None
    driver: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class Image:
    """A repository; where its host stands in braces, a team may put another in its place, and ``registry`` is the one
    that the source prints. ``order`` lists the tags from old to new, so that rules can say "from this tag on"."""

    id: str
    repository: str
    default_tag: str
    arm: ArmRule
    source: str
    registry: str | None = None
    tags: tuple[ImageTag, ...] = ()
    order: tuple[str, ...] = ()

    def generation(self, tag: str) -> int | None:
        """The tag's place in ``order``, 0 the oldest; None for a tag that is not listed."""
        bare = tag.removesuffix(self.arm.suffix) if self.arm.suffix else tag
        return self.order.index(bare) if bare in self.order else None
