"""AIPerf's profile_export_aiperf.json (0.13.0).

Its *inter-token latency* is (request latency - first token) / (output tokens - 1): our TPOT. Its *inter-chunk latency*
is the gaps between chunks, pooled: our ITL. Both keep their meaning and change their name."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.benchmark import Distribution, Engine, RequestCounts
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
    text_of,
    when,
)

TOOL = "aiperf"
_NAMES = {
    "ttft_ms": "time_to_first_token",
    "tpot_ms": "inter_token_latency",
    "itl_ms": "inter_chunk_latency",
    "e2el_ms": "request_latency",
}
_FACTORS = {"ms": 1.0, "sec": 1000.0, "s": 1000.0, "us": 0.001, "ns": 0.000001}


def is_aiperf(values: Any) -> bool:
    """Whether it looks like one."""
    return isinstance(values, dict) and "aiperf_version" in values


def read_aiperf(values: Mapping[str, Any]) -> ImportedPoint:
    """Raises Unreadable (missing)."""
    succeeded = int(need(values, "request_count", "avg"))
    failed = _failed(values)
    point = _point(values, succeeded + failed)
    settings = dig(values, "input_config")
    models = dig(settings, "models", "items")
    urls = dig(settings, "endpoint", "urls")
    kind = text_of(settings, "endpoint", "type")
    ended_well = values.get("is_complete") is not False and values.get("was_cancelled") is not True
    return ImportedPoint(
        engine=Engine.AIPERF,
        model=text_of(models[0], "name") if isinstance(models, list) and models else "",
        point=point,
        measurement=measured(
            point,
            tool=TOOL,
            tool_version=text_of(values, "aiperf_version"),
            started_at=when(values.get("start_time")),
            duration_s=_duration_s(values),
            requests=RequestCounts(succeeded, failed, {"other": failed} if failed else {}),
            input_tokens=_tokens(values, "total_isl", "input_sequence_length"),
            output_tokens=_tokens(values, "total_osl", "output_sequence_length"),
            distributions={ours: _told(dig(values, theirs)) for ours, theirs in _NAMES.items()},
            notes=("import_tpot_renamed", *(() if ended_well else ("import_cut_short",))),
        ),
        api=Api.CHAT if kind == "chat" else Api.COMPLETIONS,
        base_url=urls[0] if isinstance(urls, list) and urls and isinstance(urls[0], str) else None,
        command=_command(text_of(values, "run_info", "cli_command")),
        temperature=number(settings, "endpoint", "extra", "temperature"),
        ignore_eos=dig(settings, "endpoint", "extra", "ignore_eos") is True,
    )


def _told(found: Any) -> Distribution | None:
    factor = _FACTORS.get(text_of(found, "unit"))
    if factor is None:
        return None
    values = {name: number(found, name) for name in ("min", "max", "p50", "p90", "p95", "p99", "std")}
    values["mean"] = number(found, "avg")
    return distribution(number(found, "count"), values, factor)


def _duration_s(values: Mapping[str, Any]) -> float:
    factor = _FACTORS.get(text_of(values, "benchmark_duration", "unit"))
    if factor is None:
        raise Unreadable("missing", field="benchmark_duration")
    return need(values, "benchmark_duration", "avg") * factor / 1000.0


def _tokens(values: Mapping[str, Any], total: str, each: str) -> float:
    found = number(values, total, "avg")
    return found if found is not None else need(values, each, "sum")


def _failed(values: Mapping[str, Any]) -> int:
    counted = number(values, "error_request_count", "avg")
    if counted is not None:
        return int(counted)
    summary = values.get("error_summary")
    return sum(int(number(one, "count") or 0) for one in summary) if isinstance(summary, list) else 0


def _point(values: Mapping[str, Any], requests: int) -> LoadPoint:
    phases = dig(values, "input_config", "phases")
    phase = _profiling(phases) if isinstance(phases, list) else {}
    rate, cap = number(phase, "request_rate") or number(phase, "rate"), number(phase, "concurrency")
    if rate:
        even = text_of(phase, "arrival") == "constant" or text_of(phase, "type") == "constant"
        return open_loop(rate, cap, requests, Arrival.CONSTANT if even else Arrival.POISSON)
    return closed(cap, requests)


def _profiling(phases: Sequence[Any]) -> Mapping[str, Any]:
    named = [phase for phase in phases if isinstance(phase, dict)]
    return next((phase for phase in named if phase.get("kind") == "profiling"), named[-1] if named else {})


def _command(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return (text,)
