"""How runs are compared: estimates of every figure at every common load, corrected for their number, then a verdict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.domain.benchmark import Distribution, Measurement, Run
from core.domain.comparison import (
    FIGURES,
    HEADLINES,
    POOLED,
    SHARES,
    Basis,
    Call,
    Cell,
    Comparison,
    Evidence,
    Figure,
    Load,
    Noise,
    Pair,
    Records,
    Unit,
    Verdict,
)
from core.domain.likeness import Weight, Witness, differences
from core.domain.statistics import (
    LEVEL,
    Estimate,
    change,
    false_discovery,
    floor_variance,
    inflation,
    mean_estimate,
    noise_floor,
    pooled,
    quantile_estimate,
    repeat_estimate,
)
from core.domain.workload import Arrival

REPEATS_AS_UNITS = 3
"""From here on a repeat is one value, and nothing has to be assumed about the requests inside it."""
TELLING_SHARE = 0.05
"""An interval that reaches further than this on either side, and shows no change, shows nothing."""


def compare(baseline: Evidence, candidates: Sequence[Evidence], noise: Noise) -> Comparison:
    """Corrected for all that is shown at once. Every pair is a family of its own, or a candidate that did change would
    lower the bar for one that did not; several candidates share the 5 % evenly."""
    rate = (1.0 - LEVEL) / max(1, len(candidates))
    return Comparison(baseline, tuple(_called(_pair(baseline, one, noise), rate) for one in candidates))


def _pair(baseline: Evidence, candidate: Evidence, noise: Noise) -> Pair:
    left, right = baseline.by_load, candidate.by_load
    loads = tuple(load for load in left if load in right)
    seen = [_witness(side, loads) for side in (baseline, candidate)]
    least = min((len(groups[load]) for groups in (left, right) for load in loads), default=0)
    unit = Unit.REPEATS if least >= REPEATS_AS_UNITS else Unit.REQUESTS
    told = [_disturbed(baseline, loads), _disturbed(candidate, loads)] if unit is Unit.REQUESTS else []
    disturbed, measured = sum(part for part, _ in told), sum(whole for _, whole in told)
    basis = Basis(unit, least, noise, disturbed=disturbed, measured=measured)
    return Pair(
        candidate=candidate,
        differences=differences(*seen),
        loads=loads,
        basis=basis,
        cells=tuple(_cells(baseline, candidate, loads, basis)),
        verdict=Verdict.NOT_COMPARABLE,
    )


def _disturbed(side: Evidence, loads: Sequence[Load]) -> tuple[int, int]:
    """Measured points whose requests were not independent, and all of them."""
    keys = [(m.point_index, m.repeat) for load in loads for m in side.by_load[load]]
    known = [side.records[key].inflation.values() for key in keys if key in side.records]
    return sum(any(df is not None for _, df in one) for one in known), len(keys)


def _witness(side: Evidence, loads: Sequence[Load]) -> Witness:
    counted = sum(len(group) for group in side.by_load.values())
    compared = [measurement for load in loads for measurement in side.by_load[load]]
    return Witness(side.run, compared, len(side.measurements) - counted)


# ------------------------------------------------------------ figures


def _cells(baseline: Evidence, candidate: Evidence, loads: Sequence[Load], basis: Basis) -> Iterator[Cell]:
    for figure in FIGURES:
        if len(loads) > 1:
            both = _over_all_loads(baseline, candidate, loads, figure, basis.unit)
            yield from _cell(figure, POOLED, *both, basis)
        for load in loads:
            left, right = (_estimate(side, load, figure, basis.unit) for side in (baseline, candidate))
            yield from _cell(figure, load, left, right, basis)


def _cell(figure: Figure, load: Load, left: Estimate | None, right: Estimate | None, basis: Basis) -> Iterator[Cell]:
    """One, or none where neither side knows the figure."""
    if left is None and right is None:
        return
    extra = floor_variance(basis.noise.floor(figure)) if basis.unit is Unit.REQUESTS else 0.0
    sure = left is not None and right is not None and left.df > 0 and right.df > 0
    yield Cell(
        figure=figure,
        load=load,
        baseline=left.value if left else None,
        candidate=right.value if right else None,
        change=change(left, right, extra) if sure and left and right else None,
        n=(left.n if left else 0, right.n if right else 0),
    )


def _over_all_loads(
    baseline: Evidence, candidate: Evidence, loads: Sequence[Load], figure: Figure, unit: Unit
) -> tuple[Estimate | None, Estimate | None]:
    """The mean over the loads at which both sides know the figure; without an interval where they are sure of it at
    none."""
    found = [[_estimate(side, load, figure, unit) for load in loads] for side in (baseline, candidate)]
    places = [place for place in range(len(loads)) if all(_is_sure(side[place]) for side in found)]
    if not places:
        known = [(left, right) for left, right in zip(*found, strict=True) if left and right]
        both = [_unsure([one.value for one in side]) for side in zip(*known, strict=True)]
        return (both[0], both[1]) if both else (None, None)
    if unit is Unit.REQUESTS:
        both = [pooled([one for place in places if (one := side[place])]) for side in found]
        return both[0], both[1]
    kept = [loads[place] for place in places]
    return _by_repeat(baseline, kept, figure), _by_repeat(candidate, kept, figure)


def _is_sure(estimate: Estimate | None) -> bool:
    return estimate is not None and estimate.df > 0


def _by_repeat(side: Evidence, loads: Sequence[Load], figure: Figure) -> Estimate | None:
    """Each repeat of the whole sweep is one value, so that what its loads share is not counted twice."""
    groups = [[value for m in side.by_load[load] if (value := value_of(m, figure)) is not None] for load in loads]
    rounds = zip(*groups, strict=False)
    return repeat_estimate([math.exp(math.fsum(map(math.log, one)) / len(one)) for one in rounds if min(one) > 0])


def _estimate(side: Evidence, load: Load, figure: Figure, unit: Unit) -> Estimate | None:
    group = side.by_load.get(load, ())
    values = [value for m in group if (value := value_of(m, figure)) is not None and value > 0]
    if not values:
        return None
    if unit is Unit.REPEATS:
        return repeat_estimate(values) or _unsure(values)
    known = [one for m in group if (one := request_estimate(side, m, figure))]
    return pooled(known) if len(known) == len(values) else _unsure(values)


def _unsure(values: Sequence[float]) -> Estimate:
    """A figure without an interval."""
    return Estimate(math.fsum(map(math.log, values)) / len(values), 0.0, 0.0, 0)


def value_of(measurement: Measurement, figure: Figure) -> float | None:
    """A measurement's figure in its own unit; None where it was not measured."""
    if figure.latency is None:
        rate: float = getattr(measurement, figure.id)
        return rate
    found = getattr(measurement, figure.latency)
    value: float | None = None if found is None else getattr(found, figure.statistic)
    return value


def request_estimate(side: Evidence, measurement: Measurement, figure: Figure) -> Estimate | None:
    """How sure one measurement's figure is, from its requests alone; None for a tail (see SHARES).

    A rate: by Little's law the throughput of a closed loop is its streams over the mean end-to-end latency, so that
    both are equally sure. Poisson arrivals add the scatter of their own number."""
    records = side.records.get((measurement.point_index, measurement.repeat), Records())
    latency = figure.latency or "e2el_ms"
    factor, df = records.inflation.get(latency, (1.0, None))
    if figure.latency is not None and figure.statistic != "mean":
        known = records.medians.get(figure.id) if figure.statistic in SHARES else None
        return _inflated(known, factor, df) if known else None
    found: Distribution | None = getattr(measurement, latency)
    mean = mean_estimate(found.mean, found.std, found.n) if found and found.std is not None else None
    value = value_of(measurement, figure)
    if mean is None or value is None or value <= 0:
        return None
    sure = _inflated(mean, factor, df)
    scatter = 1.0 / mean.n if figure.latency is None and _is_poisson(side.run, measurement) else 0.0
    return replace(sure, log=math.log(value), variance=sure.variance + scatter)


def records_of(latencies: Mapping[str, Sequence[float]]) -> Records:
    """From every latency in the order in which the requests were sent."""
    wanted = [figure for figure in FIGURES if figure.latency and figure.statistic in SHARES]
    medians = {one.id: quantile_estimate(sorted(latencies[str(one.latency)]), SHARES[one.statistic]) for one in wanted}
    return Records(
        medians={name: found for name, found in medians.items() if found is not None},
        inflation={name: inflation(values) for name, values in latencies.items()},
    )


def _inflated(estimate: Estimate, factor: float, df: float | None) -> Estimate:
    return replace(estimate, variance=estimate.variance * factor, df=min(estimate.df, df or estimate.df))


def _is_poisson(run: Run, measurement: Measurement) -> bool:
    points = {point.index: point.arrival for point in run.workload.points}
    return points.get(measurement.point_index) is Arrival.POISSON


# ------------------------------------------------------------ verdict


def _called(pair: Pair, rate: float) -> Pair:
    """Where the question was not the same, nothing is called anything."""
    p_values = [cell.change.p_value for cell in pair.cells if cell.change]
    basis = replace(pair.basis, tests=len(p_values))
    if any(one.weight is Weight.VOID for one in pair.differences):
        return replace(pair, basis=basis)
    standing = iter(false_discovery(p_values, rate))
    cells = tuple(_call(cell, next(standing), basis.noise) if cell.change else cell for cell in pair.cells)
    called = replace(pair, cells=cells, basis=basis)
    return replace(called, verdict=_verdict(called))


def _call(cell: Cell, stands: bool, noise: Noise) -> Cell:
    """A change smaller than the floor is none, whatever its p value."""
    found, by = cell.change, cell.worse_by
    if found is None or by is None:
        return cell
    if stands and abs(math.log(found.ratio)) > math.log1p(noise.floor(cell.figure)):
        return replace(cell, call=Call.WORSE if sum(by) > 0 else Call.BETTER)
    is_wide = found.high - 1.0 > TELLING_SHARE or 1.0 - found.low > TELLING_SHARE
    return replace(cell, call=Call.UNCLEAR if is_wide else Call.NOISE)


def _verdict(pair: Pair) -> Verdict:
    """Of the headlines: over all loads, and at any one of them."""
    calls = {cell.call for cell in pair.cells if cell.figure.headline}
    if not calls - {Call.UNKNOWN}:
        return Verdict.NOT_COMPARABLE
    if {Call.BETTER, Call.WORSE} <= calls:
        return Verdict.MIXED
    for call, verdict in ((Call.WORSE, Verdict.WORSE), (Call.BETTER, Verdict.BETTER)):
        if call in calls:
            return verdict
    overall = [cell.call for figure in HEADLINES if (cell := pair.overall(figure))]
    return Verdict.UNCLEAR if Call.UNCLEAR in overall else Verdict.NOISE


# ------------------------------------------------------------ noise


def noise_of(run: Evidence) -> Noise | None:
    """The floor of every figure, from the repeats of a run of one and the same; None below three."""
    shares = {figure.id: share for figure in FIGURES if (share := _share(run, figure)) is not None}
    return Noise(shares, (run.run.id,)) if shares else None


def _share(side: Evidence, figure: Figure) -> float | None:
    groups = [
        [value for m in group if (value := value_of(m, figure)) is not None and value > 0]
        for group in side.by_load.values()
    ]
    known = [request_estimate(side, m, figure) for group in side.by_load.values() for m in group]
    return noise_floor([group for group in groups if group], [one.variance for one in known if one])


def louder(floors: Sequence[Noise | None]) -> Noise:
    """Of several machines: for each figure the highest floor, an unmeasured one counting as assumed."""
    known = [one or Noise() for one in floors]
    shares = {figure.id: max(one.floor(figure) for one in known) for figure in FIGURES} if any(floors) else {}
    return Noise(shares, tuple(dict.fromkeys(run_id for one in known for run_id in one.run_ids)))
