"""The history's words: what a list is filtered by, views that are kept, notes on the time axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.domain.benchmark import is_sound

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


@dataclass(frozen=True)
class PointFigures:
    """What a trend needs of a measurement; None where nothing was measured."""

    run_id: str
    concurrency: int | None
    rate_per_s: float | None
    succeeded: int
    failed: int
    output_tokens_per_s: float
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    tpot_p50_ms: float | None
    e2el_p50_ms: float | None

    @property
    def is_sound(self) -> bool:
        """As ``Measurement.is_sound``."""
        return is_sound(self.succeeded, self.failed)


class TrendFigure(StrEnum):
    """What a trend draws. Score is of evaluations, the others of sweeps."""

    OUTPUT = "output_tokens_per_s"
    TTFT_P50 = "ttft_p50_ms"
    TTFT_P99 = "ttft_p99_ms"
    TPOT_P50 = "tpot_p50_ms"
    E2EL_P50 = "e2el_p50_ms"
    SCORE = "score"

    @property
    def higher_is_better(self) -> bool:
        """Rates and scores; a latency is better the lower it is."""
        return self in {TrendFigure.OUTPUT, TrendFigure.SCORE}


@dataclass(frozen=True)
class DailyRun:
    """The run in the middle of a day's ``runs`` of one version, and its figure."""

    run_id: str
    value: float
    runs: int


@dataclass(frozen=True)
class TrendPoint:
    """A run on the time axis; the median of its repeats. ``runs``: of how many of its day and version it is the middle
    one."""

    run_id: str
    at: datetime
    version_key: str
    version: str
    value: float
    person: str
    repeats: int = 1
    runs: int = 1


@dataclass(frozen=True)
class Trend:
    """``points`` are the oldest first; ``loads`` are the concurrencies that can be asked for; ``is_cut`` where older
    runs were left out; ``is_daily`` where a point is the middle run of a day and version."""

    figure: TrendFigure
    concurrency: int | None
    points: tuple[TrendPoint, ...]
    loads: tuple[int, ...]
    annotations: tuple[Annotation, ...]
    is_cut: bool = False
    is_daily: bool = False


def tag_of(text: str) -> str:
    """A tag as it is kept: small letters, single spaces, no quotes, backslashes or commas; at most ``TAG_LIMIT``
    characters. Empty where nothing is left."""
    kept = "".join(" " if character in ',"\\' or not character.isprintable() else character for character in text)
    return " ".join(kept.casefold().split())[:TAG_LIMIT].strip()
