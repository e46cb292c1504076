"""The history: runs and their measurements, kept views, notes on the time axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from core.domain.benchmark import Measurement, Page, Run, RunHead, RunRow, RunState
from core.domain.history import Annotation, DailyRun, Facet, FacetValue, PointFigures, RunFilter, SavedView, TrendFigure


class RunStore(Protocol):
    """Nothing in it is ever deleted."""

    def add(self, run: RunHead) -> None:
        """A sweep (``Run``), or any other kind as a ``RunHead``: for an evaluation give ``kind``, ``parts_total``,
        ``workload_label``, ``workload_key`` and a provenance; keep the rest in a table of your own, by run id."""
        ...

    def get(self, run_id: str) -> Run:
        """A sweep. Raises NotFoundError, also for another kind of run."""
        ...

    def head(self, run_id: str) -> RunHead:
        """A run of any kind. Raises NotFoundError."""
        ...

    def set_state(
        self, run_id: str, state: RunState, *, started_at: datetime | None = None, ended_at: datetime | None = None
    ) -> None: ...
    def set_parts(self, run_id: str, done: int, score: float | None = None) -> None:
        """How many steps of an evaluation are done, and its headline score (0..1)."""
        ...

    def merge_provenance(self, run_id: str, values: Mapping[str, Any]) -> None: ...
    def set_note(self, run_id: str, note: str) -> None: ...
    def retag(self, run_ids: Iterable[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """All of them, or none. Raises NotFoundError."""
        ...

    def archive(self, run_ids: Iterable[str], at: datetime | None) -> None:
        """None brings them back. All of them, or none. Raises NotFoundError."""
        ...

    def page(self, offset: int, limit: int, where: RunFilter = ..., total: int | None = None) -> Page[RunRow]:
        """The newest first. ``total`` spares the count where the caller knows it."""
        ...

    def rows(self, run_ids: Sequence[str]) -> tuple[RunRow, ...]:
        """In the order asked for; unknown ones are left out."""
        ...

    def newest(self, beside: Mapping[tuple[str, str], str]) -> Mapping[tuple[str, str], RunRow]:
        """By (model, workload key): the newest measured run on the shelf but the one that is named."""
        ...

    def points(self, run_ids: Sequence[str]) -> tuple[PointFigures, ...]:
        """By run, point and repeat."""
        ...

    def daily(
        self, where: RunFilter, figure: TrendFigure, concurrency: int | None, *, runs: int, days: int
    ) -> tuple[DailyRun, ...]:
        """Of the newest ``runs`` that the filter finds, the middle one of each day and version, the newest first; at
        most ``days``."""
        ...

    def ids(self, where: RunFilter, limit: int) -> tuple[str, ...]: ...
    def count(self, where: RunFilter = ...) -> int: ...
    def models(self) -> tuple[str, ...]: ...
    def facets(self) -> Mapping[Facet, tuple[FacetValue, ...]]:
        """Every filter's choices."""
        ...

    def save_measurement(self, run_id: str, measurement: Measurement) -> bool:
        """Unique by (run, point, repeat): False, and nothing written, where it is already there."""
        ...

    def measurements(self, run_id: str) -> tuple[Measurement, ...]: ...
    def has_measurement(self, run_id: str, point_index: int, repeat: int) -> bool: ...


class ViewStore(Protocol):
    """Kept views; an archived one still opens."""

    def add(self, view: SavedView) -> None: ...
    def get(self, view_id: str) -> SavedView:
        """Raises NotFoundError."""
        ...

    def list(self, page: str) -> tuple[SavedView, ...]:
        """Those of a page that are not archived, by title."""
        ...

    def archive(self, view_id: str, at: datetime | None) -> None: ...


class AnnotationStore(Protocol):
    """Notes on the time axis."""

    def add(self, annotation: Annotation) -> None: ...
    def list(self, model: str | None = None) -> tuple[Annotation, ...]:
        """Those that concern a model (all of them where None is given), not archived, the oldest first."""
        ...

    def archive(self, annotation_id: str, at: datetime | None) -> None: ...
