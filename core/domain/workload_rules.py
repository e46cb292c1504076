"""Whether the numbers of a workload make one, and what they are worth. Sentences: render/texts [finding]."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from core.domain.finding import Finding, Severity
from core.domain.workload import Api, Arrival, Dataset, LoadPoint, Slo, Spread, Workload

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
P99_REQUESTS = 100
"""Below it, a p99 is the slowest request or an interpolation next to it."""
P99_TRUSTED = 300
"""From so many requests on, the slowest is above the true p99 with 95 % confidence: 0.99^n <= 0.05."""
_PERCENTILES = range(50, 100)


def workload_findings(workload: Workload) -> tuple[Finding, ...]:
    """Blocks, warnings and notes, by the workload's field."""
    found = [
        *_numbers(workload),
        *_points(workload),
        *_lengths(workload),
        *_turns(workload),
        *_file(workload),
        *_stops(workload),
    ]
    once = [finding for number, finding in enumerate(found) if finding not in found[:number]]
    return (*once, *_few_requests(workload))


def _numbers(workload: Workload) -> Iterator[Finding]:
    lowest = {
        "input_tokens": (workload.input_tokens, 1),
        "output_tokens": (workload.output_tokens, 1),
        "repeats": (workload.repeats, 1),
        "timeout_s": (workload.timeout_s, 1),
        "temperature": (workload.temperature, 0),
        "turns": (workload.turns, 1),
        "top_k": (workload.top_k if workload.top_k is not None else 1, 1),
    }
    for name, (value, least) in lowest.items():
        if _is_below(value, least):
            yield _too_small(name, value, least)
    if workload.top_p is not None and not 0 < workload.top_p <= 1:
        yield Finding("bench_top_p_bad", BLOCK, "top_p", {"value": _shown(workload.top_p)})
    if not workload.is_greedy and isfinite(workload.temperature):
        yield Finding("bench_sampled", NOTE, "temperature", {"value": workload.temperature})


def _points(workload: Workload) -> Iterator[Finding]:
    if not workload.points:
        yield Finding("bench_no_points", BLOCK, "concurrency")
    for point in workload.points:
        yield from _point(point)


def _point(point: LoadPoint) -> Iterator[Finding]:
    closed = point.arrival is Arrival.CLOSED
    if (closed or point.concurrency is not None) and (point.concurrency or 0) < 1:
        yield _too_small("concurrency", point.concurrency or 0, 1)
    if not closed and (point.rate_per_s or 0) <= 0:
        yield Finding("bench_rate_bad", BLOCK, "rate_per_s", {"value": point.rate_per_s})
    if point.warmup < 0:
        yield _too_small("warmup", point.warmup, 0)
    if (point.requests is None) == (point.duration_s is None):
        yield Finding("bench_no_end", BLOCK, "requests")
    elif point.duration_s is not None and point.duration_s <= 0:
        yield Finding("bench_no_end", BLOCK, "duration_s")
    if point.requests is None:
        return
    if point.requests < 1:
        yield _too_small("requests", point.requests, 1)
    elif closed and point.concurrency is not None and point.requests < point.concurrency:
        params = {"requests": point.requests, "concurrency": point.concurrency}
        yield Finding("bench_requests_below_concurrency", BLOCK, "requests", params)


def _lengths(workload: Workload) -> Iterator[Finding]:
    for field, spread in (("input_tokens", workload.input_spread), ("output_tokens", workload.output_spread)):
        if spread is not None and not _is_spread(spread):
            yield Finding("bench_spread_bad", BLOCK, field, {"low": spread.low, "high": spread.high})
    if not 0 <= workload.prefix_share < 1:
        yield Finding("bench_prefix_bad", BLOCK, "prefix_share", {"value": _shown(workload.prefix_share)})


def _is_spread(spread: Spread) -> bool:
    return 1 <= spread.low <= spread.high and (spread.std is None or (isfinite(spread.std) and spread.std > 0))


def _turns(workload: Workload) -> Iterator[Finding]:
    if workload.turns <= 1:
        return
    if any(point.arrival is not Arrival.CLOSED for point in workload.points):
        yield Finding("bench_turns_need_closed", BLOCK, "turns")
    short = [one.requests for one in workload.points if one.requests and one.requests < workload.turns]
    if short:
        yield Finding("bench_turns_cut", WARN, "turns", {"turns": workload.turns, "requests": min(short)})


def _file(workload: Workload) -> Iterator[Finding]:
    dataset = workload.dataset
    if dataset is None:
        return
    if workload.api is Api.COMPLETIONS and (dataset.has_messages or workload.turns > 1):
        yield Finding("bench_file_needs_chat", BLOCK, "api", {"name": dataset.name})
    if workload.prefix_share or workload.input_spread:
        yield Finding("bench_file_has_lengths", BLOCK, "dataset", {"name": dataset.name})
    there = _samples(dataset, workload.turns)
    if not there:
        params = {"turns": workload.turns, "most": len(dataset.turns_at_least) or 1}
        yield Finding("bench_turns_not_in_file", BLOCK, "turns", params)
    most = max((point.requests or 0 for point in workload.points), default=0)
    if 0 < there < most:
        yield Finding("bench_file_repeats", WARN, "dataset", {"samples": there, "requests": most})
    if dataset.output_tokens is not None:
        params = {"recorded": dataset.output_tokens, "output": workload.output_tokens}
        yield Finding("bench_file_outputs", NOTE, "output_tokens", params)


def _samples(dataset: Dataset, turns: int) -> int:
    """Requests until one comes again: of conversations, those with so many turns."""
    if turns <= 1:
        return dataset.samples
    return dataset.turns_at_least[turns - 1] * turns if turns <= len(dataset.turns_at_least) else 0


def _stops(workload: Workload) -> Iterator[Finding]:
    slo = workload.slo
    if slo is not None and not _is_slo(slo):
        yield Finding("bench_slo_bad", BLOCK, "slo", {"percentile": slo.percentile})
    if workload.stop_at_slo and not (slo and slo.limits_ms):
        yield Finding("bench_stop_needs_slo", BLOCK, "slo")
    if (workload.stop_at_slo or workload.stop_at_peak) and not _ascends(workload.points):
        yield Finding("bench_stop_needs_order", BLOCK, "concurrency")


def _is_slo(slo: Slo) -> bool:
    return slo.percentile in _PERCENTILES and all(isfinite(limit) and limit > 0 for _, limit in slo.limits_ms)


def _ascends(points: tuple[LoadPoint, ...]) -> bool:
    loads = [point.rate_per_s or point.concurrency or 0 for point in points]
    return all(low < high for low, high in pairwise(loads))


def _few_requests(workload: Workload) -> Iterator[Finding]:
    """Each point's, over all repeats. How many a closed loop makes in a time is not known before."""
    counts = [count * workload.repeats for point in workload.points if (count := _requests(point))]
    if counts and min(counts) < P99_TRUSTED:
        code = "bench_few_requests" if min(counts) < P99_REQUESTS else "bench_p99_rough"
        yield Finding(code, NOTE, "requests", {"requests": min(counts), "enough": P99_TRUSTED})
    if any(point.duration_s and _requests(point) is None for point in workload.points):
        yield Finding("bench_p99_timed", NOTE, "duration_s", {"enough": P99_TRUSTED})


def _requests(point: LoadPoint) -> int | None:
    """How many there will be, at a rate about; None where only the server's speed tells."""
    if point.requests is not None or not (point.duration_s and point.rate_per_s):
        return point.requests
    known = isfinite(point.duration_s) and isfinite(point.rate_per_s)
    return round(point.duration_s * point.rate_per_s) if known else None


def _is_below(value: float, least: float) -> bool:
    """What is not a finite number is below everything."""
    return not isfinite(value) or value < least


def _too_small(field: str, value: float, least: float) -> Finding:
    return Finding("bench_too_small", BLOCK, field, {"value": _shown(value), "least": least})


def _shown(value: float) -> float | None:
    return value if isfinite(value) else None
