"""Who stands where: one board for every set of conditions, since only like is ranked with like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.accuracy_statistics import DEFAULT_MARGIN, Parity, Ranked, parity, ranks, wilson
from core.domain.evaluation_reading import LeadRow, Speed
from core.domain.evaluation_scores import Conditions
from core.domain.reference import Reference, is_like, is_of, model_word


@dataclass(frozen=True)
class Beside:
    """A published score beside one of ours. ``parity`` None: the two were not asked alike, so that nothing is said."""

    reference: Reference
    parity: Parity | None


@dataclass(frozen=True)
class BoardRow:
    """``rank`` None: no score, or a partial evaluation, which is shown and not ranked."""

    lead: LeadRow
    rank: int | None
    references: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class Board:
    """One dataset under one set of conditions: ranked rows first, the best first; then partial ones, then those without
    a score."""

    key: str
    conditions: Conditions
    rows: tuple[BoardRow, ...]

    @property
    def ranked(self) -> tuple[BoardRow, ...]:
        """Those that have a place."""
        return tuple(row for row in self.rows if row.rank is not None)

    @property
    def tied(self) -> int:
        """How many share the first place."""
        return sum(1 for row in self.rows if row.rank == 1)


@dataclass(frozen=True)
class VersionScores:
    """One version over the boards; ``by_board`` has a row only where there is one."""

    version_key: str
    model: str
    version_label: str
    origin: str
    by_board: Mapping[str, BoardRow]


@dataclass(frozen=True)
class SpeedPoint:
    """A version's score beside its speed."""

    row: BoardRow
    speed: Speed


@dataclass(frozen=True)
class Standings:
    """Every board, the one with most versions first, and the versions, the ones on most boards first."""

    boards: tuple[Board, ...]
    versions: tuple[VersionScores, ...]
    evaluations: int

    def board(self, key: str | None) -> Board | None:
        """By key; the first where there is none of that key."""
        return next((board for board in self.boards if board.key == key), self.boards[0] if self.boards else None)


def standings(
    leads: Iterable[LeadRow],
    conditions: Mapping[str, Conditions],
    references: Sequence[Reference],
    margin: float = DEFAULT_MARGIN,
) -> Standings:
    """From the newest score of every version under every conditions."""
    grouped: dict[str, list[LeadRow]] = defaultdict(list)
    for lead in leads:
        grouped[lead.conditions_key].append(lead)
    boards = [_board(conditions[key], rows, references, margin) for key, rows in grouped.items()]
    boards.sort(key=lambda board: (-len(board.rows), board.conditions.dataset, board.key))
    evaluations = len({lead.run_id for rows in grouped.values() for lead in rows})
    return Standings(tuple(boards), _versions(boards), evaluations)


def _board(conditions: Conditions, leads: Sequence[LeadRow], references: Sequence[Reference], margin: float) -> Board:
    whole = [lead for lead in leads if lead.score is not None and not lead.is_partial]
    whole.sort(key=lambda lead: (-(lead.score or 0.0), lead.model, lead.version_label))
    places = ranks([_ranked(lead) for lead in whole])
    rest = [lead for lead in leads if lead.score is None or lead.is_partial]
    rest.sort(key=lambda lead: (lead.score is None, -(lead.score or 0.0), lead.model))
    of_dataset = [reference for reference in references if reference.dataset == conditions.dataset]
    rows = [*zip(whole, places, strict=True), *((lead, None) for lead in rest)]
    made = [BoardRow(lead, place, _beside(lead, conditions, of_dataset, margin)) for lead, place in rows]
    return Board(conditions.key, conditions, tuple(made))


def _ranked(lead: LeadRow) -> Ranked:
    score = lead.score or 0.0
    if lead.ci_low is None or lead.ci_high is None:
        return Ranked(score, score, score)
    return Ranked(score, lead.ci_low, lead.ci_high)


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


def _versions(boards: Iterable[Board]) -> tuple[VersionScores, ...]:
    found: dict[str, dict[str, BoardRow]] = defaultdict(dict)
    for board in boards:
        for row in board.rows:
            found[row.lead.version_key][board.key] = row
    versions = []
    for key, by_board in found.items():
        lead = next(iter(by_board.values())).lead
        versions.append(VersionScores(key, lead.model, lead.version_label, lead.origin, by_board))
    versions.sort(key=lambda version: (-len(version.by_board), version.model, version.version_label))
    return tuple(versions)


def not_measured(references: Iterable[Reference], board: Board) -> tuple[Reference, ...]:
    """Published scores of a board's dataset for models of which there is none of ours."""
    ours = {model_word(row.lead.model) for row in board.rows}
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
