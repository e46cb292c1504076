"""How many users a server holds within a service level, and how sure that is.

A limit is kept at a load where at least ``percentile`` % of the requests keep it; a failed request keeps none. Whether
it surely is, Wilson's interval for that share decides (Wilson 1927). Goodput counts the requests that keep every limit
(DistServe, OSDI 2024). Loads between measured ones are never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from core.domain.accuracy_statistics import wilson
from core.domain.benchmark import Measurement
from core.domain.sweep import at
from core.domain.workload import Slo

Latencies = tuple[float | None, float | None, float | None]
"""TTFT, TPOT and E2EL of one succeeded request, ms; None where it has none (TPOT of a single token)."""
_PLACE = {"ttft_ms": 0, "tpot_ms": 1, "e2el_ms": 2}


@dataclass(frozen=True)
class PointRequests:
    """The requests of a load point and repeat, from their records."""

    succeeded: tuple[Latencies, ...]
    failed: int


@dataclass(frozen=True)
class PointVerdict:
    """A load point against the limits. ``values_ms`` are the percentiles that were compared. ``surely`` None: too few
    requests to tell, or no records. ``goodput_per_s`` and ``kept_share`` (0..1) are of requests that keep every limit;
    None without records."""

    point_index: int
    load: float
    is_rate: bool
    kept: bool
    surely: bool | None
    values_ms: Mapping[str, float]
    requests: int
    kept_share: float | None = None
    goodput_per_s: float | None = None


@dataclass(frozen=True)
class Capacity:
    """``holds``: the highest load up to which every measured one keeps the limits; None: not even the lowest does.
    ``breaks``: the lowest that does not; None: the sweep never broke them, and ``holds`` reads "at least". ``low`` and
    ``high`` bound it with 95 % confidence: surely kept up to ``low``, surely broken from ``high``; None: not surely."""

    slo: Slo
    is_rate: bool
    holds: float | None
    breaks: float | None
    low: float | None
    high: float | None
    verdicts: tuple[PointVerdict, ...] = field(default_factory=tuple)


def capacity(
    measurements: Sequence[Measurement], slo: Slo, requests: Mapping[tuple[int, int], PointRequests]
) -> Capacity | None:
    """``requests`` by (point, repeat), as far as there are records. None where no limit is set or nothing was
    measured."""
    groups: dict[int, list[Measurement]] = {}
    for one in measurements:
        groups.setdefault(one.point_index, []).append(one)
    if not slo.limits_ms or not groups:
        return None
    found = sorted((_verdict(group, slo, requests) for group in groups.values()), key=lambda verdict: verdict.load)
    kept = _while([(one.load, one.kept) for one in found])
    return Capacity(
        slo=slo,
        is_rate=found[0].is_rate,
        holds=kept,
        breaks=next((one.load for one in found if not one.kept), None),
        low=_while([(one.load, one.surely is True) for one in found]),
        high=next((one.load for one in found if one.surely is False), None),
        verdicts=tuple(found),
    )


def _while(loads: Sequence[tuple[float, bool]]) -> float | None:
    """The last load of those that hold from the start on."""
    last = None
    for load, holds in loads:
        if not holds:
            break
        last = load
    return last


def _verdict(group: Sequence[Measurement], slo: Slo, requests: Mapping[tuple[int, int], PointRequests]) -> PointVerdict:
    first, wanted = group[0], slo.percentile / 100
    values = _values(group, slo)
    total = sum(one.requests.succeeded + one.requests.failed for one in group)
    answered = sum(one.requests.succeeded for one in group) / total if total else 0.0
    kept = answered >= wanted and all(values.get(name, 0.0) <= limit for name, limit in slo.limits_ms)
    records = [requests.get((one.point_index, one.repeat)) for one in group]
    known = [one for one in records if one is not None]
    complete = len(known) == len(group)
    every = sum(_keeps(one, slo.limits_ms) for one in known) if complete else None
    duration_s = sum(one.duration_s for one in group)
    return PointVerdict(
        point_index=first.point_index,
        load=float(first.rate_per_s if first.rate_per_s is not None else first.concurrency or 0),
        is_rate=first.rate_per_s is not None,
        kept=kept,
        surely=_surely(known, slo, wanted) if complete else None,
        values_ms=values,
        requests=total,
        kept_share=every / total if every is not None and total else None,
        goodput_per_s=every / duration_s if every is not None and duration_s > 0 else None,
    )


def _values(group: Sequence[Measurement], slo: Slo) -> dict[str, float]:
    """The percentile of each limited latency, the middle one of the repeats."""
    found: dict[str, float] = {}
    for name, _ in slo.limits_ms:
        repeats = [at(value, slo.percentile) for one in group if (value := getattr(one, name)) is not None]
        if repeats:
            found[name] = median(repeats)
    return found


def _surely(records: Sequence[PointRequests], slo: Slo, wanted: float) -> bool | None:
    """Each limit by itself, as the percentile does."""
    total = sum(len(one.succeeded) + one.failed for one in records)
    if not total:
        return None
    bounds = [wilson(sum(_keeps(one, [limit]) for one in records) / total, total) for limit in slo.limits_ms]
    if any(bound.high < wanted for bound in bounds):
        return False
    return True if all(bound.low >= wanted for bound in bounds) else None


def _keeps(records: PointRequests, limits: Sequence[tuple[str, float]]) -> int:
    """How many requests keep all of the limits."""
    places = [(_PLACE[name], limit) for name, limit in limits]
    return sum(
        all((value := one[place]) is None or value <= limit for place, limit in places) for one in records.succeeded
    )
