"""Runs side by side: what changed from a baseline, at which load, and whether to believe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from core.domain.benchmark import Measurement, Run
from core.domain.likeness import Difference, Weight
from core.domain.metrics import Better
from core.domain.statistics import DEFAULT_FLOOR, Change, Estimate
from core.domain.version import Version


@dataclass(frozen=True)
class Figure:
    """``id`` as on a chart's axis: a rate, or a latency and its statistic. Headlines enter the verdict."""

    id: str
    better: Better
    headline: bool = False

    @property
    def latency(self) -> str | None:
        """``ttft_ms`` of ``ttft_p99``; None for a rate."""
        stem = self.id.rpartition("_")[0]
        return f"{stem}_ms" if self.better is Better.LOWER else None

    @property
    def statistic(self) -> str:
        """``p99`` of ``ttft_p99``."""
        return self.id.rpartition("_")[2]


FIGURES = (
    Figure("output_tokens_per_s", Better.HIGHER, headline=True),
    Figure("ttft_mean", Better.LOWER, headline=True),
    Figure("ttft_p50", Better.LOWER),
    Figure("ttft_p99", Better.LOWER),
    Figure("tpot_mean", Better.LOWER, headline=True),
    Figure("tpot_p99", Better.LOWER),
    Figure("e2el_mean", Better.LOWER),
    Figure("e2el_p99", Better.LOWER),
)
HEADLINES = tuple(figure for figure in FIGURES if figure.headline)
SHARES = {"p50": 0.50}
"""Percentiles whose uncertainty the requests of a single run can tell. A tail's cannot: the slowest requests of a run
come in bursts that share one moment, so that they agree with one another, and not with the next run."""


@dataclass(frozen=True, order=True)
class Load:
    """A load point by what was asked of the server; None in both: all loads together."""

    concurrency: int | None = None
    rate_per_s: float | None = None

    @property
    def is_pooled(self) -> bool:
        """Whether it stands for all loads."""
        return self.concurrency is None and self.rate_per_s is None


POOLED = Load()


def load_of(measurement: Measurement) -> Load:
    """Where a measurement belongs; an open loop's cap is not its load."""
    if measurement.rate_per_s is not None:
        return Load(rate_per_s=measurement.rate_per_s)
    return Load(concurrency=measurement.concurrency)


@dataclass(frozen=True)
class Records:
    """What the requests' own records of one (point, repeat) tell. ``medians``: by figure (those of SHARES);
    ``inflation``: by latency, how much less sure its mean is than independent requests would make it, and the degrees
    of freedom of that, None where they are as good as independent."""

    medians: Mapping[str, Estimate] = field(default_factory=dict)
    inflation: Mapping[str, tuple[float, float | None]] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """One run as a comparison sees it. ``records``: by (point, repeat), where they are kept."""

    run: Run
    version: Version
    measurements: tuple[Measurement, ...]
    records: Mapping[tuple[int, int], Records] = field(default_factory=dict)

    @cached_property
    def by_load(self) -> dict[Load, tuple[Measurement, ...]]:
        """The measurements of each load that so few requests failed of that they count, loads in order."""
        groups: dict[Load, list[Measurement]] = {}
        for measurement in sorted(self.measurements, key=lambda m: (m.point_index, m.repeat)):
            if measurement.is_sound:
                groups.setdefault(load_of(measurement), []).append(measurement)
        ordered = sorted(groups.items(), key=lambda item: item[0].concurrency or item[0].rate_per_s or 0)
        return {load: tuple(group) for load, group in ordered}


class Unit(StrEnum):
    """What was resampled: each repeat is one value, or the requests are, with the noise floor beside them."""

    REPEATS = "repeats"
    REQUESTS = "requests"


@dataclass(frozen=True)
class Noise:
    """By how much two equal runs differ, 95 times of 100, by figure (0.01 is 1 %). ``run_ids``: where that was
    measured; empty while it is assumed."""

    shares: Mapping[str, float] = field(default_factory=dict)
    run_ids: tuple[str, ...] = ()

    def floor(self, figure: Figure) -> float:
        """Below it nothing is called a change."""
        return self.shares.get(figure.id, DEFAULT_FLOOR)


@dataclass(frozen=True)
class Basis:
    """What a pair's intervals rest on. ``repeats``: of the side that has fewer. ``tests``: how many figures were
    corrected for. ``disturbed`` of ``measured`` points had requests that were not independent: there blocks of time
    stand for them."""

    unit: Unit
    repeats: int
    noise: Noise
    tests: int = 0
    disturbed: int = 0
    measured: int = 0


class Call(StrEnum):
    """What a change is. ``noise``: none that could be told from chance. ``unclear``: too few values to say even that.
    ``unknown``: no interval could be made, or the question was not the same."""

    BETTER = "better"
    WORSE = "worse"
    NOISE = "noise"
    UNCLEAR = "unclear"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """One figure at one load, on both sides; ``n`` counts requests, or repeats where those are the unit."""

    figure: Figure
    load: Load
    baseline: float | None
    candidate: float | None
    change: Change | None
    n: tuple[int, int] = (0, 0)
    call: Call = Call.UNKNOWN

    @property
    def worse_by(self) -> tuple[float, float] | None:
        """By how much the candidate is worse, as a share of the baseline: the interval's better and worse end; below 0
        where it is better."""
        if self.change is None:
            return None
        if self.figure.better is Better.LOWER:
            return self.change.low - 1.0, self.change.high - 1.0
        return 1.0 - self.change.high, 1.0 - self.change.low


class Verdict(StrEnum):
    """``mixed``: something better and something worse. ``not_comparable``: not the same question, or no common load."""

    BETTER = "better"
    WORSE = "worse"
    MIXED = "mixed"
    NOISE = "noise"
    UNCLEAR = "unclear"
    NOT_COMPARABLE = "not_comparable"


@dataclass(frozen=True)
class Pair:
    """A candidate against the baseline. ``cells``: every figure, pooled over the common loads first, then by load."""

    candidate: Evidence
    differences: tuple[Difference, ...]
    loads: tuple[Load, ...]
    basis: Basis
    cells: tuple[Cell, ...]
    verdict: Verdict

    @property
    def is_weakened(self) -> bool:
        """Whether something beside the version differs that could explain a change."""
        return any(one.weight is Weight.WEAKENS for one in self.differences)

    def cell(self, figure: Figure, load: Load) -> Cell | None:
        """None where it was measured on neither side."""
        return next((cell for cell in self.cells if cell.figure == figure and cell.load == load), None)

    def overall(self, figure: Figure) -> Cell | None:
        """Over all loads, or at the only one."""
        return self.cell(figure, POOLED if len(self.loads) > 1 else self.loads[0]) if self.loads else None


@dataclass(frozen=True)
class Comparison:
    """The baseline, and every candidate against it."""

    baseline: Evidence
    pairs: tuple[Pair, ...]

    @property
    def sides(self) -> tuple[Evidence, ...]:
        """The baseline first."""
        return (self.baseline, *(pair.candidate for pair in self.pairs))

    @property
    def best(self) -> Pair | None:
        """Of several candidates that are better and none worse, the one with most output; None where there is none."""
        figure = HEADLINES[0]
        better = [(cell.change.ratio, pair) for pair in self.pairs if (cell := _better(pair, figure)) and cell.change]
        return max(better, key=lambda one: one[0])[1] if len(self.pairs) > 1 and better else None


def _better(pair: Pair, figure: Figure) -> Cell | None:
    cell = pair.overall(figure)
    return cell if cell and cell.call is Call.BETTER and pair.verdict is Verdict.BETTER else None
