"""Who stands where: one board for every set of conditions, since only like is ranked with like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

from core.domain.accuracy_statistics import DEFAULT_MARGIN, Parity, Ranked, is_above, parity, wilson
from core.domain.evaluation_reading import LeadRow, Speed
from core.domain.evaluation_scores import Conditions
from core.domain.reference import Reference, is_like, is_of, model_word


class Place(NamedTuple):
    """The newest score of a version under some conditions: what ranking needs of it, and its name."""

    conditions_key: str
    run_id: str
    version_key: str
    model: str
    version_label: str
    origin: str
    score: float | None
    low: float | None
    high: float | None
    is_partial: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is ranked: partial evaluations are shown, and not ranked."""
        return self.score is not None and not self.is_partial

    @property
    def ranked(self) -> Ranked:
        """For the comparison of two."""
        score = self.score or 0.0
        return Ranked(score, score if self.low is None else self.low, score if self.high is None else self.high)


class Entrant(NamedTuple):
    """Whose a score is: what a board shows of a run."""

    run_id: str
    version_key: str
    model: str
    version_label: str
    origin: str


class Standing(NamedTuple):
    """The primary score of one dataset of one run."""

    conditions_key: str
    run_id: str
    score: float | None
    low: float | None
    high: float | None
    is_partial: bool


class Standings:
    """On every board the newest score of every version, a whole one before a partial one. ``entrants`` come oldest
    first; a score of a run that is not among them is left out. Both are plain rows, six thousand of them at a time, of
    which a place is only made where its board is looked at."""

    def __init__(self, entrants: Sequence[Entrant], standings: Iterable[Standing]) -> None:
        known = {entrant[0]: (age, entrant) for age, entrant in enumerate(entrants)}
        boards: dict[str, dict[str, tuple[int, Entrant, Standing]]] = defaultdict(dict)
        for standing in standings:
            if standing[1] not in known:
                continue
            age, entrant = known[standing[1]]
            if standing[5]:
                age -= len(known)  # older than every whole one
            board = boards[standing[0]]
            before = board.get(entrant[1])
            if before is None or age > before[0]:
                board[entrant[1]] = (age, entrant, standing)
        self._boards = dict(boards)

    @property
    def versions(self) -> Mapping[str, int]:
        """How many stand on each board."""
        return {key: len(board) for key, board in self._boards.items()}

    def places(self, conditions_key: str) -> list[Place]:
        """One board, in no order."""
        board = self._boards.get(conditions_key, {})
        return [Place(conditions_key, *entrant, *standing[2:]) for _, entrant, standing in board.values()]


@dataclass(frozen=True)
class Beside:
    """A published score beside one of ours. ``parity`` None: the two were not asked alike, so that nothing is said."""

    reference: Reference
    parity: Parity | None


@dataclass(frozen=True)
class BoardRow:
    """``rank`` None: no score, or a partial evaluation."""

    lead: LeadRow
    rank: int | None
    is_shared: bool = False
    references: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class BoardHead:
    """A board in a list; ``versions`` stand on it."""

    key: str
    conditions: Conditions
    versions: int


@dataclass(frozen=True)
class Order:
    """A board's places: ranked ones first, the best first; then partial ones, then those without a score."""

    places: tuple[Place, ...]

    @cached_property
    def whole(self) -> tuple[Ranked, ...]:
        """Those that are ranked."""
        return tuple(place.ranked for place in self.places if place.is_whole)

    def rank(self, number: int) -> int | None:
        """1 + how many are significantly above; of the place of that number."""
        if number >= len(self.whole):
            return None
        return 1 + sum(map(is_above, self.whole[:number], repeat(self.whole[number])))

    @cached_property
    def tied(self) -> int:
        """How many share the first place: those that nothing is significantly above of."""
        return sum(not any(map(is_above, self.whole[:number], repeat(row))) for number, row in enumerate(self.whole))


def ordered(places: Iterable[Place]) -> Order:
    """The best first."""
    return Order(tuple(sorted(places, key=_order)))


def _order(place: Place) -> tuple[bool, bool, float, str, str]:
    return (not place.is_whole, place.score is None, -(place.score or 0.0), place.model, place.version_label)


@dataclass(frozen=True)
class Board:
    """One dataset under one set of conditions. ``rows`` are the first of them, in full."""

    key: str
    conditions: Conditions
    order: Order
    rows: tuple[BoardRow, ...]

    @property
    def leader(self) -> BoardRow | None:
        """The best whole score."""
        return self.rows[0] if self.rows and self.rows[0].rank is not None else None


@dataclass(frozen=True)
class OverviewCell:
    """A version's score on one board."""

    place: Place
    rank: int | None


@dataclass(frozen=True)
class OverviewRow:
    """A version over several boards; ``cells`` by board, only where there is a score."""

    model: str
    version_label: str
    origin: str
    cells: Mapping[str, OverviewCell]


@dataclass(frozen=True)
class Overview:
    """Versions by board: those on most boards first. ``more`` are left out."""

    boards: tuple[BoardHead, ...]
    rows: tuple[OverviewRow, ...]
    more: int


@dataclass(frozen=True)
class SpeedPoint:
    """A version's score beside its speed."""

    row: BoardRow
    speed: Speed


# ---------------------------------------------------------------- making them


def board_of(
    head: BoardHead,
    order: Order,
    leads: Mapping[str, LeadRow],
    references: Sequence[Reference],
    margin: float = DEFAULT_MARGIN,
) -> Board:
    """With the rows of which there are leads (by run), in the order of the board."""
    of_dataset = [reference for reference in references if reference.dataset == head.conditions.dataset]
    numbers = [number for number, place in enumerate(order.places) if place.run_id in leads]
    ranks = {number: order.rank(number) for number in numbers}
    shared: dict[int | None, int] = defaultdict(int)
    for rank in ranks.values():
        shared[rank] += 1
    rows = [
        BoardRow(
            lead=leads[order.places[number].run_id],
            rank=rank,
            is_shared=rank is not None and shared[rank] > 1,
            references=_beside(leads[order.places[number].run_id], head.conditions, of_dataset, margin),
        )
        for number, rank in ranks.items()
    ]
    return Board(head.key, head.conditions, order, tuple(rows))


def with_references(order: Order, references: Iterable[Reference], dataset: str) -> list[Place]:
    """The places of models of which a score is published."""
    known = {model_word(reference.model) for reference in references if reference.dataset == dataset}
    words = {model: model_word(model) for model in {place.model for place in order.places}}
    return [place for place in order.places if words[place.model] in known]


def _beside(
    lead: LeadRow, conditions: Conditions, references: Iterable[Reference], margin: float
) -> tuple[Beside, ...]:
    return tuple(
        Beside(reference, _parity(lead, conditions, reference, margin))
        for reference in references
        if is_of(reference, lead)
    )


def _parity(lead: LeadRow, conditions: Conditions, reference: Reference, margin: float) -> Parity | None:
    if lead.score is None or lead.is_partial or not lead.n or not is_like(reference, lead, conditions):
        return None
    return parity(lead.score, independent_n(lead), reference.score, reference.n, margin)


def independent_n(lead: LeadRow) -> float:
    """How many answers the interval says the score is worth: fewer than n where questions were repeated."""
    if lead.score is None or lead.ci_low is None or lead.ci_high is None:
        return float(lead.n)
    low, high = 1.0, float(lead.n)
    width = lead.ci_high - lead.ci_low
    for _ in range(40):
        middle = (low + high) / 2
        interval = wilson(lead.score, middle)
        low, high = (middle, high) if interval.high - interval.low > width else (low, middle)
    return high


def overview_of(heads: Sequence[BoardHead], orders: Mapping[str, Order], limit: int) -> Overview:
    """The first ``limit`` versions, those on most boards first."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for head in heads:
        for number, place in enumerate(orders[head.key].places):
            found[place.version_key][head.key] = number
    chosen = sorted(found.values(), key=_version_order)
    rows = []
    for numbers in chosen[:limit]:
        cells = {
            key: OverviewCell(orders[key].places[number], orders[key].rank(number)) for key, number in numbers.items()
        }
        place = next(iter(cells.values())).place
        rows.append(OverviewRow(place.model, place.version_label, place.origin, cells))
    return Overview(tuple(heads), tuple(rows), max(0, len(chosen) - limit))


def _version_order(numbers: Mapping[str, int]) -> tuple[int, int]:
    """By boards, then by the best number on any of them."""
    return -len(numbers), min(numbers.values())


def not_measured(references: Iterable[Reference], board: Board) -> tuple[Reference, ...]:
    """Published scores of a board's dataset for models of which there is none of ours."""
    ours = {model_word(model) for model in {place.model for place in board.order.places}}
    return tuple(
        reference
        for reference in references
        if reference.dataset == board.conditions.dataset and model_word(reference.model) not in ours
    )


def speed_points(board: Board, speeds: Mapping[str, Speed]) -> tuple[SpeedPoint, ...]:
    """The board's versions of which a throughput was measured, too."""
    return tuple(
        SpeedPoint(row, speeds[row.lead.version_key])
        for row in board.rows
        if row.lead.score is not None and row.lead.version_key in speeds
    )
