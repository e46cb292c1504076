"""A profile: a tested serving configuration. Its numbers are in catalog/profiles; the reasoning is in domain/rules."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Profile:
    """Limits in tokens; ``mtp``: whether multi-token prediction may be switched on."""

    name: str
    tp: int
    pp: int
    max_model_len: int
    max_concurrency: int
    max_input_len: int | None = None
    mtp: bool = False
    env: dict[str, str] = field(default_factory=dict)
    serve_args: tuple[str, ...] = ()

    @property
    def devices(self) -> int:
        """Ranks, hence devices (dies): TP x PP."""
        return self.tp * self.pp


@dataclass(frozen=True)
class ProfileGroup:
    """Profiles that several models share."""

    group: str
    source: str
    profiles: tuple[Profile, ...]
