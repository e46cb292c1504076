"""GuideLLM's benchmarks JSON (0.8.1). One file holds a benchmark per load.

Its *inter-token latency* is a request's time per token after the first, hence our TPOT; over the file it is weighted by
tokens, so that it is taken from the single requests, or not at all. Its *time per output token* counts the first token
in: refused. Gaps between chunks are not told: no ITL. The end of a request is the end of its stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.domain.benchmark import Distribution, Engine, RequestCounts
from core.domain.statistics import summarize
from core.domain.workload import Api, Arrival, LoadPoint
from core.formats.import_reading import (
    ImportedPoint,
    Unreadable,
    closed,
    dig,
    distribution,
    measured,
    need,
    number,
    open_loop,
    request_lines,
    text_of,
    understood,
    when,
)

TOOL = "guidellm"
_RATES = {"constant": Arrival.CONSTANT, "poisson": Arrival.POISSON}


def is_guidellm(values: Any) -> bool:
    """Whether it looks like one."""
    return isinstance(values, dict) and isinstance(values.get("benchmarks"), list) and "metadata" in values


def read_guidellm(values: Mapping[str, Any]) -> Iterator[ImportedPoint | Unreadable]:
    """One for each benchmark in the file; what is wrong with one of them does not concern the others."""
    if not values["benchmarks"]:
        yield Unreadable("empty")
    for number_, benchmark in enumerate(values["benchmarks"], 1):
        try:
            with understood():
                point = _benchmark(values, benchmark)
            yield point
        except Unreadable as problem:
            problem.params.setdefault("part", number_)
            yield problem


def _benchmark(values: Mapping[str, Any], benchmark: Mapping[str, Any]) -> ImportedPoint:
    metrics = dig(benchmark, "metrics")
    succeeded = int(need(metrics, "request_totals", "successful"))
    counts = _counts(metrics, succeeded)
    records = [_record(one, benchmark) for one in dig(benchmark, "requests", "successful") or ()]
    is_whole = len(records) == succeeded
    point = _point(benchmark, counts.succeeded + counts.failed)
    backend = dig(values, "config", "spec", "backend")
    route = text_of(backend, "request_format")
    return ImportedPoint(
        engine=Engine.GUIDELLM,
        model=text_of(backend, "model"),
        point=point,
        measurement=measured(
            point,
            tool=TOOL,
            tool_version=text_of(values, "metadata", "guidellm_version"),
            started_at=when(benchmark.get("start_time")),
            duration_s=need(benchmark, "duration"),
            requests=counts,
            input_tokens=need(metrics, "prompt_token_count", "successful", "total_sum"),
            output_tokens=need(metrics, "output_token_count", "successful", "total_sum"),
            distributions=_distributions(metrics, records if is_whole else ()),
            notes=("import_no_itl", "import_e2el_stream", *(("import_tpot_own",) if is_whole else ("import_no_tpot",))),
        ),
        api=Api.CHAT if "chat" in route else Api.COMPLETIONS,
        base_url=text_of(backend, "target") or None,
        requests=request_lines(records) if is_whole and records else None,
    )


def _distributions(metrics: Any, records: Sequence[Mapping[str, Any]]) -> dict[str, Distribution | None]:
    """From the single requests where the file holds all of them, by the same rule as everywhere."""
    if records:
        return {name: _summary(records, name) for name in ("ttft_ms", "tpot_ms", "e2el_ms")}
    return {
        "ttft_ms": _told(dig(metrics, "time_to_first_token_ms", "successful")),
        "e2el_ms": _told(dig(metrics, "request_latency", "successful"), 1000.0),
    }


def _summary(records: Sequence[Mapping[str, Any]], name: str) -> Distribution | None:
    return summarize(record[name] for record in records if record[name] is not None)


def _told(found: Any, factor: float = 1.0) -> Distribution | None:
    values = {name: number(found, "percentiles", name) for name in ("p50", "p90", "p95", "p99")}
    values |= {name: number(found, name) for name in ("mean", "min", "max")}
    values["std"] = number(found, "std_dev")
    return distribution(number(found, "count"), values, factor)


def _record(one: Any, benchmark: Mapping[str, Any]) -> dict[str, Any]:
    begun, at = number(benchmark, "start_time"), number(one, "request_start_time")
    latency_s, tokens = number(one, "request_latency"), number(one, "output_tokens")
    has_several = tokens is not None and tokens > 1
    return {
        "started_s": at - begun if at is not None and begun is not None else None,
        "ttft_ms": number(one, "time_to_first_token_ms"),
        "e2el_ms": None if latency_s is None else latency_s * 1000.0,
        "tpot_ms": number(one, "inter_token_latency_ms") if has_several else None,
        "input_tokens": _whole(number(one, "prompt_tokens")),
        "output_tokens": _whole(tokens),
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _counts(metrics: Any, succeeded: int) -> RequestCounts:
    """What had not ended when the benchmark did is neither: it is left out."""
    errored = int(number(metrics, "request_totals", "errored") or 0)
    return RequestCounts(succeeded, errored, {"other": errored} if errored else {})


def _point(benchmark: Mapping[str, Any], requests: int) -> LoadPoint:
    strategy = dig(benchmark, "config", "strategy")
    kind = text_of(strategy, "type_")
    cap = number(strategy, "max_concurrency")
    if kind in _RATES:
        return open_loop(need(strategy, "rate"), cap, requests, _RATES[kind])
    streams = number(strategy, "streams") or cap or (1 if kind == "synchronous" else None)
    return closed(streams, requests)
