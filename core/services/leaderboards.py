"""All evaluations in their standings, and what others published. Reads alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from core.domain.accuracy_statistics import DEFAULT_MARGIN
from core.domain.evaluation_reading import LeadRow
from core.domain.leaderboard import (
    Board,
    BoardHead,
    Order,
    Overview,
    SpeedPoint,
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
    speeds: tuple[SpeedPoint, ...]


class LeaderboardService:
    """Made anew only after something was written: what is read is kept until then."""

    def __init__(self, store: Store, references: Callable[[], Sequence[Reference]]) -> None:
        self._store = store
        self._references = references
        self._cache: dict[Hashable, tuple[int, Any]] = {}

    def page(
        self, key: str | None = None, margin: float = DEFAULT_MARGIN, run_ids: tuple[str, ...] | None = None
    ) -> Leaderboard | None:
        """The board of that key, the largest where there is none; None where nothing was evaluated. With ``run_ids``
        the board has these evaluations alone, whatever came later: a kept view."""
        version = self._store.data_version()
        found = self._kept(("page", key, margin), version, lambda: self._page(key, margin, version))
        if found is None or run_ids is None:
            return found
        return self._kept(("frozen", key, margin, run_ids), version, lambda: self._frozen(found, margin, run_ids))

    def _frozen(self, found: Leaderboard, margin: float, run_ids: Sequence[str]) -> Leaderboard:
        head = next(head for head in found.heads if head.key == found.board.key)
        board = self._of(head, margin, run_ids, BOARD_ROWS)
        shown = {row.lead.run_id for row in board.rows}
        return replace(found, board=board, speeds=tuple(p for p in found.speeds if p.row.lead.run_id in shown))

    def _of(self, head: BoardHead, margin: float, run_ids: Sequence[str], rows: int | None) -> Board:
        """Of these evaluations alone, the first ``rows`` in full."""
        order = ordered(self._store.evaluations.places([head.key], run_ids)[head.key])
        leads = self._store.evaluations.leads(head.key, [place.run_id for place in order.places[:rows]])
        return board_of(head, order, leads, self._references(), margin)

    def _page(self, key: str | None, margin: float, version: int) -> Leaderboard | None:
        heads = self._heads(version)
        head = next((head for head in heads if head.key == key), heads[0] if heads else None)
        if head is None:
            return None
        board = self._board(head, margin, BOARD_ROWS, version)
        boards, versions = _OVERVIEW
        overview = overview_of(heads[:boards], self._orders(heads[:boards], version), versions)
        speeds = self._kept("speeds", version, self._store.evaluations.speeds)
        published = not_measured(self._references(), board)
        return Leaderboard(heads, board, overview, published, speed_points(board, speeds))

    def boards(self) -> tuple[BoardHead, ...]:
        """Every set of conditions that something stands under, those with most versions first."""
        return self._heads(self._store.data_version())

    def board(self, key: str, margin: float = DEFAULT_MARGIN, run_ids: tuple[str, ...] | None = None) -> Board | None:
        """One board with every row, of these evaluations alone where they are named; None where there is none of that
        key."""
        version = self._store.data_version()
        head = next((head for head in self._heads(version) if head.key == key), None)
        if head is None:
            return None
        return self._board(head, margin, None, version) if run_ids is None else self._of(head, margin, run_ids, None)

    def history(self, model: str, conditions_key: str) -> tuple[LeadRow, ...]:
        """Every evaluation of a model under the same conditions, the oldest first."""
        return self._store.evaluations.history(model, conditions_key)

    # ------------------------------------------------------------ parts

    def _heads(self, version: int) -> tuple[BoardHead, ...]:
        return self._kept("boards", version, self._store.evaluations.boards)

    def _board(self, head: BoardHead, margin: float, rows: int | None, version: int) -> Board:
        """The first ``rows`` in full, and those beside which a score is published."""
        order, references = self._orders([head], version)[head.key], self._references()
        wanted = [place.run_id for place in order.places[:rows]]
        published = with_references(order, references, head.conditions.dataset)[:BOARD_ROWS]
        wanted += [place.run_id for place in published]
        leads = self._store.evaluations.leads(head.key, list(dict.fromkeys(wanted)))
        return board_of(head, order, leads, references, margin)

    def _orders(self, heads: Sequence[BoardHead], version: int) -> Mapping[str, Order]:
        """What is not kept is read at once."""
        known = {head.key: self._cache.get(("order", head.key)) for head in heads}
        missing = [key for key, kept in known.items() if kept is None or kept[0] != version]
        found: dict[str, Order] = {key: kept[1] for key, kept in known.items() if kept and key not in missing}
        for key, places in (self._store.evaluations.places(missing) if missing else {}).items():
            found[key] = self._keep(("order", key), version, ordered(places))
        return found

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
