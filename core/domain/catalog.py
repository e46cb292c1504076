"""The catalog: platforms, images, models and profiles, resolved by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from core.domain.deployment import DeploymentRequest
from core.domain.model import Model
from core.domain.platform import Image, Platform
from core.domain.profile import Profile, ProfileGroup


@dataclass(frozen=True)
class FlagRule:
    """A rule of one flag or mode that depends on the image or on vLLM's version.

    ``action``: require (the flag must be there), rename (a value has a new name), removed (the flag is gone), caution
    (an older, smaller limit), extend (how ``models`` come to a longer context than their own: by ``words``)."""

    id: str
    action: Literal["require", "rename", "removed", "caution", "extend"]
    source: str
    flag: str | None = None
    image: str | None = None
    from_tag: str | None = None
    until_tag: str | None = None
    from_vllm: str | None = None
    when: tuple[Literal["mtp", "pp"], ...] = ()
    method: str | None = None
    renamed_to: str | None = None
    instead: str | None = None
    max_input_len: int | None = None
    models: tuple[str, ...] = ()
    words: str | None = None


@dataclass(frozen=True)
class FlagList:
    """What ``vllm serve`` of one release knows."""

    vllm: str
    source: str
    flags: tuple[str, ...]


@dataclass(frozen=True)
class SavedProfile:
    """A team's own configuration under a name: everything that the form holds. ``key`` is how it is chosen."""

    key: str
    name: str
    request: DeploymentRequest
    source: str


@dataclass(frozen=True)
class CatalogProblem:
    """A file or an entry that was skipped: where, and why."""

    file: str
    path: str
    reason: str


@dataclass(frozen=True)
class CatalogEntry:
    """One model in one profile: what a person chooses. ``key`` is ``<model>.<profile>``, lower case."""

    model: Model
    profile: Profile

    @property
    def key(self) -> str:
        """How the choice is named in commands and links."""
        return f"{self.model.key}.{self.profile.name}"


@dataclass(frozen=True)
class Catalog:
    """Everything that was read, by id; and what was not understood."""

    platforms: Mapping[str, Platform] = field(default_factory=dict)
    images: Mapping[str, Image] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    groups: Mapping[str, ProfileGroup] = field(default_factory=dict)
    flag_rules: Mapping[str, FlagRule] = field(default_factory=dict)
    flag_lists: Mapping[str, FlagList] = field(default_factory=dict)
    saved: Mapping[str, SavedProfile] = field(default_factory=dict)
    problems: tuple[CatalogProblem, ...] = ()

    def profiles(self, model: Model) -> tuple[Profile, ...]:
        """The model's tested configurations; none where its group is unknown (the linter says so)."""
        group = self.groups.get(model.profiles)
        return group.profiles if group else ()

    def entries(self) -> Iterator[CatalogEntry]:
        """Every model in every one of its profiles."""
        for model in self.models.values():
            for profile in self.profiles(model):
                yield CatalogEntry(model, profile)

    def entry(self, key: str) -> CatalogEntry | None:
        """The entry named ``<model>.<profile>``, whatever the case."""
        model_key, _, profile_name = key.lower().rpartition(".")
        model = self.models.get(model_key)
        if model is None:
            return None
        found = (profile for profile in self.profiles(model) if profile.name == profile_name)
        profile = next(found, None)
        return CatalogEntry(model, profile) if profile else None


def cross_check(catalog: Catalog) -> tuple[CatalogProblem, ...]:
    """References that lead nowhere: a model's group or platform, a platform's image."""
    problems: list[CatalogProblem] = []
    for model in catalog.models.values():
        if model.profiles not in catalog.groups:
            problems.append(CatalogProblem("models", f"{model.name}.profiles", f"no profile group {model.profiles!r}"))
        for platform_id in model.platforms:
            if platform_id not in catalog.platforms:
                problems.append(CatalogProblem("models", f"{model.name}.platforms", f"no platform {platform_id!r}"))
    for platform in catalog.platforms.values():
        if platform.image is not None and platform.image not in catalog.images:
            problems.append(CatalogProblem("platforms", f"{platform.id}.image", f"no image {platform.image!r}"))
    return tuple(problems)
