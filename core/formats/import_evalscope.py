"""EvalScope perf (1.14.1): a folder with benchmark_summary.json, benchmark_percentile.json and benchmark_args.json.

Its TPOT excludes the first token, as ours. Its ITL is refused: over how many gaps it is taken is not told. There is no
standard deviation, and -1000 or -1 stand for what was not measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.benchmark import UNKNOWN_VERSION, Distribution, Engine, RequestCounts
from core.domain.workload import Api, Arrival, LoadPoint
from core.formats.import_reading import (
    ImportedPoint,
    Unreadable,
    closed,
    distribution,
    measured,
    need,
    number,
    open_loop,
    text_of,
    when,
)

TOOL = "evalscope perf"
SUMMARY, PERCENTILES, ARGS = "benchmark_summary", "benchmark_percentile", "benchmark_args"
_ROWS = {"min": "min", "50%": "p50", "90%": "p90", "95%": "p95", "99%": "p99", "max": "max"}
_COLUMNS = {
    "ttft_ms": ("TTFT (ms)", "Avg TTFT (ms)", 1.0),
    "tpot_ms": ("TPOT (ms)", "Avg TPOT (ms)", 1.0),
    "e2el_ms": ("Latency (s)", "Avg Latency (s)", 1000.0),
}


def part_of(values: Any) -> str | None:
    """Which of the three files it looks like."""
    if isinstance(values, list) and values and isinstance(values[0], dict) and "Percentiles" in values[0]:
        return PERCENTILES
    if isinstance(values, dict) and "Success Requests" in values and "Test Duration (s)" in values:
        return SUMMARY
    if isinstance(values, dict) and {"parallel", "number", "url", "model"} <= set(values):
        return ARGS
    return None


def read_evalscope(parts: Mapping[str, Any]) -> ImportedPoint:
    """``parts`` by SUMMARY, PERCENTILES and ARGS. Raises Unreadable (evalscope_incomplete, missing)."""
    if not {SUMMARY, PERCENTILES, ARGS} <= set(parts):
        absent = sorted({SUMMARY, PERCENTILES, ARGS} - set(parts))
        raise Unreadable("evalscope_incomplete", absent=", ".join(f"{name}.json" for name in absent))
    summary, args = parts[SUMMARY], parts[ARGS]
    succeeded, failed = int(need(summary, "Success Requests")), int(need(summary, "Failed Requests"))
    point = _point(summary, succeeded + failed)
    url = text_of(args, "url")
    return ImportedPoint(
        engine=Engine.EVALSCOPE_PERF,
        model=text_of(args, "model_id") or text_of(args, "model"),
        point=point,
        measurement=measured(
            point,
            tool=TOOL,
            tool_version=UNKNOWN_VERSION,
            started_at=when(None),
            duration_s=need(summary, "Test Duration (s)"),
            requests=RequestCounts(succeeded, failed, {"other": failed} if failed else {}),
            input_tokens=need(summary, "Avg Input Tokens") * succeeded,
            output_tokens=need(summary, "Avg Output Tokens") * succeeded,
            distributions=_distributions(summary, parts[PERCENTILES], succeeded),
            notes=("import_no_itl", "import_no_std"),
            seed=_seed(args),
        ),
        api=Api.CHAT if "chat" in url else Api.COMPLETIONS,
        base_url=url.removesuffix("/chat/completions").removesuffix("/completions") or None,
        temperature=number(args, "temperature"),
    )


def _distributions(summary: Any, rows: Sequence[Any], succeeded: int) -> dict[str, Distribution | None]:
    by_name = {_ROWS[row["Percentiles"]]: row for row in rows if isinstance(row, dict) and _is_wanted(row)}
    found = {}
    for ours, (column, mean, factor) in _COLUMNS.items():
        values = {name: number(row, column) for name, row in by_name.items()}
        found[ours] = distribution(succeeded, {**values, "mean": number(summary, mean)}, factor)
    return found


def _is_wanted(row: Mapping[str, Any]) -> bool:
    name = row.get("Percentiles")
    return isinstance(name, str) and name in _ROWS


def _point(summary: Any, requests: int) -> LoadPoint:
    """A rate of -1 means: as fast as the streams allow."""
    rate, streams = number(summary, "Request Rate (req/s)"), number(summary, "Concurrency")
    return open_loop(rate, streams, requests, Arrival.POISSON) if rate else closed(streams, requests)


def _seed(args: Any) -> int | None:
    seed = number(args, "seed")
    return None if seed is None else int(seed)
