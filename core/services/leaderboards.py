"""All evaluations in their standings, and what others published. Reads alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from core.domain.accuracy_statistics import DEFAULT_MARGIN
from core.domain.evaluation_reading import LeadRow, Speed
from core.domain.leaderboard import (
    Board,
    BoardHead,
    Order,
    Overview,
    SpeedPoint,
    Standings,
    board_of,
    not_measured,
    ordered,
    overview_of,
    speed_points,
    with_references,
)
from core.domain.reference import Reference
from core.ports import Store

T = TypeVar("T")
BOARD_ROWS = 100
"""As many rows of a board are read in full where nothing is said."""
_OVERVIEW = (4, 10)
_KEPT = 64


@dataclass(frozen=True)
class Leaderboard:
    """What the page shows: one board in full, every other by name, the largest side by side."""

    heads: tuple[BoardHead, ...]
    board: Board
    overview: Overview
    published: tuple[Reference, ...]
    speeds: tuple[SpeedPoint, ...] = ()


class LeaderboardService:
    """Made anew only after an evaluation was written, archived or renamed: what is read is kept until then."""

    def __init__(self, store: Store, references: Callable[[], Sequence[Reference]]) -> None:
        self._store = store
        self._references = references
        self._cache: dict[Hashable, tuple[int, Any]] = {}

    def page(
        self, key: str | None = None, margin: float = DEFAULT_MARGIN, run_ids: tuple[str, ...] | None = None
    ) -> Leaderboard | None:
        """The board of that key, the largest where there is none; None where nothing was evaluated. With ``run_ids``
        the board has these evaluations alone, whatever came later: a kept view."""
        version = self._store.evaluations.standings_version()
        found = self._kept(("page", key, margin), version, lambda: self._page(key, margin, version))
        if found is not None and run_ids is not None:
            whole = found
            found = self._kept(("frozen", key, margin, run_ids), version, lambda: self._frozen(whole, margin, run_ids))
        return None if found is None else replace(found, speeds=speed_points(found.board, self._speeds()))

    def _frozen(self, found: Leaderboard, margin: float, run_ids: Sequence[str]) -> Leaderboard:
        head = next(head for head in found.heads if head.key == found.board.key)
        return replace(found, board=self._of(head, margin, run_ids, BOARD_ROWS))

    def _speeds(self) -> Mapping[str, Speed]:
        """Sweeps are no part of the standings: a version of their own."""
        return self._kept("speeds", self._store.data_version(), self._store.evaluations.speeds)

    def _of(self, head: BoardHead, margin: float, run_ids: Sequence[str], rows: int | None) -> Board:
        """Of these evaluations alone, the first ``rows`` in full."""
        order = ordered(self._store.evaluations.standings(run_ids).places(head.key))
        leads = self._store.evaluations.leads(head.key, [place.run_id for place in order.places[:rows]])
        return board_of(head, order, leads, self._references(), margin)

    def _page(self, key: str | None, margin: float, version: int) -> Leaderboard | None:
        heads = self._heads(version)
        head = next((head for head in heads if head.key == key), heads[0] if heads else None)
        if head is None:
            return None
        board = self._board(head, margin, BOARD_ROWS, version)
        boards, versions = _OVERVIEW
        orders = {head.key: self._order(head.key, version) for head in heads[:boards]}
        overview = overview_of(heads[:boards], orders, versions)
        published = not_measured(self._references(), board)
        return Leaderboard(heads, board, overview, published)

    def boards(self) -> tuple[BoardHead, ...]:
        """Every set of conditions that something stands under, those with most versions first."""
        return self._heads(self._store.evaluations.standings_version())

    def board(self, key: str, margin: float = DEFAULT_MARGIN, run_ids: tuple[str, ...] | None = None) -> Board | None:
        """One board with every row, of these evaluations alone where they are named; None where there is none of that
        key."""
        version = self._store.evaluations.standings_version()
        head = next((head for head in self._heads(version) if head.key == key), None)
        if head is None:
            return None
        return self._board(head, margin, None, version) if run_ids is None else self._of(head, margin, run_ids, None)

    def history(self, model: str, conditions_key: str) -> tuple[LeadRow, ...]:
        """Every evaluation of a model under the same conditions, the oldest first."""
        asked = ("history", model, conditions_key)
        version = self._store.evaluations.standings_version()
        return self._kept(asked, version, lambda: self._store.evaluations.history(model, conditions_key))

    # ------------------------------------------------------------ parts

    def _standings(self, version: int) -> Standings:
        return self._kept("standings", version, self._store.evaluations.standings)

    def _heads(self, version: int) -> tuple[BoardHead, ...]:
        return self._kept("heads", version, lambda: self._made_heads(version))

    def _made_heads(self, version: int) -> tuple[BoardHead, ...]:
        known = self._store.evaluations.conditions()
        heads = [BoardHead(key, known[key], count) for key, count in self._standings(version).versions.items()]
        return tuple(sorted(heads, key=lambda head: (-head.versions, head.conditions.dataset, head.key)))

    def _board(self, head: BoardHead, margin: float, rows: int | None, version: int) -> Board:
        """The first ``rows`` in full, and those beside which a score is published."""
        order, references = self._order(head.key, version), self._references()
        wanted = [place.run_id for place in order.places[:rows]]
        published = with_references(order, references, head.conditions.dataset)[:BOARD_ROWS]
        wanted += [place.run_id for place in published]
        leads = self._store.evaluations.leads(head.key, list(dict.fromkeys(wanted)))
        return board_of(head, order, leads, references, margin)

    def _order(self, key: str, version: int) -> Order:
        return self._kept(("order", key), version, lambda: ordered(self._standings(version).places(key)))

    def _kept(self, key: Hashable, version: int, make: Callable[[], T]) -> T:
        kept = self._cache.get(key)
        if kept is not None and kept[0] == version:
            found: T = kept[1]
            return found
        return self._keep(key, version, make())

    def _keep(self, key: Hashable, version: int, value: T) -> T:
        if len(self._cache) >= _KEPT:
            self._cache.clear()
        self._cache[key] = (version, value)
        return value
