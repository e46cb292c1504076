"""The history's words: what a list is filtered by, views that are kept, notes on the time axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

TAG_LIMIT = 40
"""Characters of a tag."""


class Facet(StrEnum):
    """A column of the history that has few values, each of them worth a choice. Workload and version are keys, shown
    by their labels."""

    MODEL = "model"
    VERSION = "version_key"
    PLATFORM = "platform"
    PROFILE = "profile"
    IMAGE = "image"
    WORKLOAD = "workload_key"
    ENGINE = "engine"
    KIND = "kind"
    PERSON = "created_by"
    TAG = "tag"


@dataclass(frozen=True)
class FacetValue:
    """One choice: ``value`` is compared, ``label`` is shown."""

    value: str
    label: str


class Shelf(StrEnum):
    """Archived runs are out of sight, never gone."""

    CURRENT = "current"
    ARCHIVED = "archived"
    ALL = "all"


@dataclass(frozen=True)
class RunFilter:
    """``facets`` must all hold; ``since`` counts, ``until`` does not. ``text`` looks into model, version, workload,
    note, tags, person and id, whatever the case. ``run_ids``, when not None, are all that may be shown."""

    facets: Mapping[Facet, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""
    endpoint_id: str | None = None
    shelf: Shelf = Shelf.CURRENT
    run_ids: tuple[str, ...] | None = None


@dataclass(frozen=True)
class SavedView:
    """What a short link opens: a page with the state of its address, and, where ``run_ids`` are not empty, exactly
    these runs for ever, whatever is measured later."""

    id: str
    page: str
    title: str
    state: Mapping[str, str]
    run_ids: tuple[str, ...]
    created_at: datetime
    created_by: str
    archived_at: datetime | None = None


@dataclass(frozen=True)
class Annotation:
    """Something that happened at a time ("driver upgraded"), drawn on every trend it concerns; ``model`` and
    ``platform`` None: on all."""

    id: str
    at: datetime
    text: str
    created_at: datetime
    created_by: str
    model: str | None = None
    platform: str | None = None
    archived_at: datetime | None = None


def tag_of(text: str) -> str:
    """A tag as it is kept: small letters, single spaces, no quotes, backslashes or commas; at most ``TAG_LIMIT``
    characters. Empty where nothing is left."""
    kept = "".join(" " if character in ',"\\' or not character.isprintable() else character for character in text)
    return " ".join(kept.casefold().split())[:TAG_LIMIT].strip()
