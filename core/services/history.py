"""The history: lists and their filters, tags, the archive, kept views, trends with what happened beside them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any, TypeVar

from core.domain.access import Actor, Role
from core.domain.benchmark import Page, RunRow
from core.domain.history import (
    Annotation,
    Facet,
    FacetValue,
    PointFigures,
    RunFilter,
    SavedView,
    Shelf,
    Trend,
    TrendFigure,
    TrendPoint,
    tag_of,
)
from core.domain.run_identity import version_name
from core.errors import NotFoundError, RefusedError
from core.ports import Clock, Store
from core.services.access import require

VIEW_LIMIT = 1_000
"""Runs that one view may freeze."""
TREND_LIMIT = 250
NEWEST = 25
"""Of so many runs a trend by days takes the loads that can be asked for."""
DAILY_RUNS = 2_500
DAILY_SWEEPS = 800
"""Runs that a trend by days looks at: more where the list knows the figure than where each point must be read."""
LISTED = {TrendFigure.OUTPUT, TrendFigure.TTFT_P50, TrendFigure.SCORE}
LIST_LIMIT = 10_000
TEXT_LIMIT = 200
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another
_ID_LENGTH = 6
_ANSWERS_KEPT = 256
T = TypeVar("T")


class HistoryService:
    """Anyone who may look may read; an operator tags, archives, keeps views and annotates. Nothing is deleted."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._answers: tuple[int, dict[str, Any]] = (-1, {})

    # ------------------------------------------------------------ lists

    def page(self, offset: int, limit: int, where: RunFilter) -> Page[RunRow]:
        """One page, the newest first; of a kept view in the view's own order."""
        if where.run_ids is not None and where == RunFilter(run_ids=where.run_ids, shelf=Shelf.ALL):
            wanted = where.run_ids[offset : offset + limit]
            return Page(self._store.runs.rows(wanted), len(where.run_ids), offset)
        return self._store.runs.page(offset, limit, where, self.count(where))

    def count(self, where: RunFilter) -> int:
        """How many runs the filter finds; counted once for each version of the data."""
        return self._once(repr(where), lambda: self._store.runs.count(where))

    def newest(self, where: RunFilter, limit: int = LIST_LIMIT) -> tuple[RunRow, ...]:
        """What the filter finds, for a file; at most ``limit``."""
        return self._store.runs.page(0, limit, where, self.count(where)).rows

    def ids(self, where: RunFilter, limit: int = VIEW_LIMIT) -> tuple[str, ...]:
        """The newest that the filter finds."""
        return self._store.runs.ids(where, limit)

    def choices(self) -> Mapping[Facet, tuple[FacetValue, ...]]:
        """Every filter's choices; read once for each version of the data."""
        return self._once("choices", self._store.runs.facets)

    def _once(self, question: str, ask: Callable[[], T]) -> T:
        version = self._store.data_version()
        known_at, answers = self._answers
        if known_at != version or len(answers) >= _ANSWERS_KEPT:
            answers = {}
            self._answers = (version, answers)
        if question not in answers:
            answers[question] = ask()
        found: T = answers[question]
        return found

    # ------------------------------------------------------------ many runs at once

    def tag(self, actor: Actor, run_ids: Sequence[str], add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """Tags are made small and tidy (``tag_of``). Raises NotAllowed, NotFoundError, RefusedError (tag_empty)."""
        require(actor, Role.OPERATOR)
        added = [tag_of(text) for text in add]
        if not all(added):
            raise RefusedError("tag_empty", field="tag")
        self._store.runs.retag(run_ids, added, [tag_of(text) for text in remove])

    def archive(self, actor: Actor, run_ids: Sequence[str]) -> None:
        """Out of the lists; links still open them, and ``restore`` brings them back. Raises NotAllowed."""
        require(actor, Role.OPERATOR)
        self._store.runs.archive(run_ids, self._clock.now())

    def restore(self, actor: Actor, run_ids: Sequence[str]) -> None:
        """Back into the lists. Raises NotAllowed."""
        require(actor, Role.OPERATOR)
        self._store.runs.archive(run_ids, None)

    # ------------------------------------------------------------ kept views

    def keep_view(
        self, actor: Actor, page: str, title: str, state: Mapping[str, str], run_ids: Sequence[str] = ()
    ) -> SavedView:
        """A page's state under a short id. With ``run_ids`` it is frozen: it shows these runs for ever. Raises
        NotAllowed, RefusedError (view_untitled; view_too_long: limit, count)."""
        require(actor, Role.OPERATOR)
        title = title.strip()[:TEXT_LIMIT]
        if not title:
            raise RefusedError("view_untitled", field="title")
        if len(run_ids) > VIEW_LIMIT:
            raise RefusedError("view_too_long", limit=VIEW_LIMIT, count=len(run_ids))
        view = SavedView(
            self._free_id(), page, title, dict(state), tuple(run_ids), self._clock.now(), created_by=actor.name
        )
        self._store.views.add(view)
        return view

    def view(self, view_id: str) -> SavedView:
        """Upper or lower case; an archived one opens, too. Raises NotFoundError."""
        return self._store.views.get(view_id.strip().upper())

    def views(self, page: str) -> tuple[SavedView, ...]:
        """Those of a page, by title."""
        return self._store.views.list(page)

    def put_view_away(self, actor: Actor, view_id: str) -> None:
        """Out of the lists; its link still opens. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        self._store.views.archive(view_id, self._clock.now())

    def _free_id(self) -> str:
        while True:
            view_id = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
            try:
                self._store.views.get(view_id)
            except NotFoundError:
                return view_id

    # ------------------------------------------------------------ trends

    def trend(self, where: RunFilter, figure: TrendFigure, concurrency: int | None = None) -> Trend:
        """What the filter finds, over time: up to ``TREND_LIMIT`` runs each by itself, of more the middle one of each
        day and version. ``concurrency`` None: the best of each sweep."""
        question = f"trend {figure} {concurrency} {where!r}"
        return self._once(question, lambda: self._trend(where, figure, concurrency))

    def _trend(self, where: RunFilter, figure: TrendFigure, concurrency: int | None) -> Trend:
        total = self.count(where)
        is_daily = total > TREND_LIMIT
        rows = self._store.runs.page(0, NEWEST if is_daily else TREND_LIMIT, where, total).rows
        points = self._store.runs.points([row.id for row in rows]) if figure is not TrendFigure.SCORE else ()
        loads = tuple(sorted({point.concurrency for point in points if point.concurrency is not None}))
        notes = self._store.annotations.list(where.facets.get(Facet.MODEL))
        if is_daily:
            days, is_cut = self._days(where, figure, concurrency, total)
            return Trend(figure, concurrency, days, loads, notes, is_cut=is_cut, is_daily=True)
        of_run: dict[str, list[PointFigures]] = {}
        for point in points:
            if concurrency in {None, point.concurrency} and point.is_sound:
                of_run.setdefault(point.run_id, []).append(point)
        found = (_trend_point(row, figure, of_run.get(row.id, ())) for row in reversed(rows))
        return Trend(figure, concurrency, tuple(point for point in found if point is not None), loads, notes)

    def _days(
        self, where: RunFilter, figure: TrendFigure, concurrency: int | None, total: int
    ) -> tuple[tuple[TrendPoint, ...], bool]:
        """A point for each day and version, and whether older ones were left out."""
        is_listed = concurrency is None and figure in LISTED
        most = DAILY_RUNS if is_listed else DAILY_SWEEPS
        found = self._store.runs.daily(where, figure, concurrency, runs=most, days=TREND_LIMIT)
        rows = {row.id: row for row in self._store.runs.rows([one.run_id for one in found])}
        points = (
            _point_of(rows[one.run_id], one.value, runs=one.runs) for one in reversed(found) if one.run_id in rows
        )
        return tuple(points), total > most or len(found) == TREND_LIMIT

    def annotate(
        self, actor: Actor, at: datetime, text: str, model: str | None = None, platform: str | None = None
    ) -> Annotation:
        """Something that happened, drawn on every trend it concerns. Raises NotAllowed, RefusedError
        (annotation_empty)."""
        require(actor, Role.OPERATOR)
        text = text.strip()[:TEXT_LIMIT]
        if not text:
            raise RefusedError("annotation_empty", field="text")
        made = Annotation(
            f"an-{secrets.token_hex(6)}", at, text, self._clock.now(), actor.name, model or None, platform or None
        )
        self._store.annotations.add(made)
        return made

    def annotations(self, model: str | None = None) -> tuple[Annotation, ...]:
        """What concerns a model, the oldest first."""
        return self._store.annotations.list(model)

    def put_annotation_away(self, actor: Actor, annotation_id: str) -> None:
        """Off the trends. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        self._store.annotations.archive(annotation_id, self._clock.now())


def _trend_point(row: RunRow, figure: TrendFigure, points: Sequence[PointFigures]) -> TrendPoint | None:
    value, repeats = (row.score, 1) if figure is TrendFigure.SCORE else _best(points, figure)
    return None if value is None else _point_of(row, value, repeats)


def _point_of(row: RunRow, value: float, repeats: int = 1, runs: int = 1) -> TrendPoint:
    version = version_name(row.model, row.version_label)
    return TrendPoint(row.id, row.created_at, row.version_key, version, value, row.created_by, repeats, runs)


def _best(points: Sequence[PointFigures], figure: TrendFigure) -> tuple[float | None, int]:
    """Of the load points the best one, each as the median of its repeats."""
    loads: dict[tuple[int | None, float | None], list[float]] = {}
    for point in points:
        value: float | None = getattr(point, figure.value)
        if value is not None:
            loads.setdefault((point.concurrency, point.rate_per_s), []).append(value)
    if not loads:
        return None, 0
    choose = max if figure.higher_is_better else min
    best = choose(loads.values(), key=median)
    return median(best), len(best)
