"""What stands in the fields of the benchmark form, as a workload and back. No Streamlit: only values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.domain.finding import Finding, Severity
from core.domain.lengths import evenly, normally
from core.domain.workload import (
    Arrival,
    BenchFiles,
    LengthGrid,
    LoadPoint,
    Preset,
    Slo,
    Spread,
    Workload,
)
from ui import number_lists

EXACT, EVEN, NORMAL = "exact", "even", "normal"
REQUESTS, TIME = "requests", "time"
DEFAULTS: Mapping[str, Any] = {
    "arrival": Arrival.CLOSED,
    "rate": "1, 2, 4",
    "cap": None,
    "ends": REQUESTS,
    "duration_s": 60,
    "warmup": 1,
    "varies": EXACT,
    "input_share": 50,
    "output_share": 50,
    "prefix_share": 0,
    "turns": 1,
    "dataset": None,
    "stop_at_peak": False,
    "stop_at_slo": False,
    "percentile": Slo.percentile,
    "ttft_ms": None,
    "tpot_ms": None,
    "e2el_ms": None,
    "lengths": "one",
    "input_list": "",
    "output_list": "",
    "max_input": None,
    "max_total": None,
    "shared_by": 1,
    "repeats": 1,
    "timeout_s": 600,
    "temperature": 0.0,
    "top_p": None,
    "top_k": None,
    "ignore_eos": True,
    "seed": None,
    "note": "",
    "host": BenchFiles.host,
    "result_dir": "",
    "result_filename": "",
}
"""Fields that a form begins with. Lengths, concurrencies and requests come from a preset."""
_KEPT = {"repeats", "timeout_s", "temperature", "top_p", "top_k", "ignore_eos", "seed", "note"}
_KEPT_TOO = {"host", "result_dir", "result_filename", "dataset"}


def values_of(preset: Preset) -> dict[str, Any]:
    """The fields that make the preset; how answers are sampled, time limit, note and the like stay as they are."""
    load = preset.workload
    values = {name: value for name, value in DEFAULTS.items() if name not in _KEPT | _KEPT_TOO}
    requests = [point.requests or 1 for point in load.points]
    loads = [point.concurrency or 1 for point in load.points]
    values |= {
        "input_tokens": load.input_tokens,
        "output_tokens": load.output_tokens,
        "concurrency": number_lists.write(loads),
        "loads_before": loads,
        "requests": number_lists.write(requests[:1] if len(set(requests)) == 1 else requests),
        "warmup": load.points[0].warmup,
        "prefix_share": round(load.prefix_share * 100),
        "turns": load.turns,
        "stop_at_peak": load.stop_at_peak,
        "stop_at_slo": load.stop_at_slo,
    }
    if load.input_spread:
        share = round((load.input_spread.high / load.input_tokens - 1) * 100)
        values |= {"varies": EVEN, "input_share": share, "output_share": share}
    return values | (_grid_values(preset.grid) if preset.grid else {})


def _grid_values(grid: LengthGrid) -> dict[str, Any]:
    return {
        "lengths": "grid",
        "input_list": number_lists.write(grid.input_tokens),
        "output_list": number_lists.write(grid.output_tokens),
        "max_input": grid.max_input,
        "max_total": grid.max_total,
        "shared_by": grid.shared_by,
    }


def is_preset(preset: Preset, values: Mapping[str, Any]) -> bool:
    """Whether the fields still say what the preset says."""
    wanted = values_of(preset)
    lists = {"concurrency", "requests", "input_list", "output_list"}
    same = (_read(values.get(name)) == _read(wanted[name]) for name in lists)
    others = set(wanted) - lists - {"loads_before"} - ({"input_tokens", "output_tokens"} if preset.grid else set())
    return all(same) and all(values.get(name) == wanted[name] for name in others)


def _read(text: Any) -> tuple[int, ...] | None:
    return number_lists.read(str(text or ""))


# ---------------------------------------------------------------- fields to workload


def workload_of(values: Mapping[str, Any]) -> Workload | Finding:
    """What the fields ask for, or what cannot be read of them."""
    points = _points(values)
    if isinstance(points, Finding):
        return points
    input_tokens, output_tokens = values["input_tokens"], values["output_tokens"]
    from_file = values["dataset"] is not None
    return Workload(
        input_tokens=(values["dataset"].input_tokens or input_tokens) if from_file else input_tokens,
        output_tokens=output_tokens,
        points=points,
        api=values["api"],
        repeats=values["repeats"],
        timeout_s=float(values["timeout_s"]),
        temperature=float(values["temperature"]),
        ignore_eos=values["ignore_eos"],
        top_p=values["top_p"],
        top_k=values["top_k"],
        input_spread=None if from_file else _spread(values["varies"], input_tokens, values["input_share"]),
        output_spread=None if from_file else _spread(values["varies"], output_tokens, values["output_share"]),
        prefix_share=0.0 if from_file else values["prefix_share"] / 100,
        turns=1 if from_file else values["turns"],
        dataset=values["dataset"],
        slo=_slo(values),
        stop_at_peak=values["stop_at_peak"],
        stop_at_slo=values["stop_at_slo"],
        bench_files=_bench_files(values),
    )


def grid_of(values: Mapping[str, Any]) -> LengthGrid | Finding | None:
    """Several lengths at once; None where there is one of each."""
    if values["lengths"] != "grid":
        return None
    inputs, outputs = _read(values["input_list"]), _read(values["output_list"])
    if inputs is None:
        return Finding("load_list_bad", Severity.BLOCK, "input_tokens")
    if outputs is None:
        return Finding("load_list_bad", Severity.BLOCK, "output_tokens")
    return LengthGrid(inputs, outputs, values["max_input"], values["max_total"], values["shared_by"] or 1)


def _points(values: Mapping[str, Any]) -> tuple[LoadPoint, ...] | Finding:
    arrival = Arrival(values["arrival"])
    closed = arrival is Arrival.CLOSED
    loads = number_lists.read(values["concurrency"]) if closed else number_lists.read_rates(values["rate"])
    if loads is None:
        return Finding("load_list_bad" if closed else "rate_list_bad", Severity.BLOCK, "concurrency")
    ends = _ends(values, len(loads))
    if isinstance(ends, Finding):
        return ends
    return tuple(
        LoadPoint(
            index,
            arrival,
            concurrency=int(load) if closed else values["cap"],
            rate_per_s=None if closed else float(load),
            requests=requests,
            duration_s=duration_s,
            warmup=values["warmup"],
        )
        for index, (load, (requests, duration_s)) in enumerate(zip(loads, ends, strict=True))
    )


def _ends(values: Mapping[str, Any], count: int) -> list[tuple[int | None, float | None]] | Finding:
    """(requests, seconds) of each point: one of the two."""
    if values["ends"] == TIME:
        return [(None, float(values["duration_s"]))] * count
    requests = number_lists.spread(number_lists.read(values["requests"]) or (), count)
    if requests is None:
        return Finding("requests_list_bad", Severity.BLOCK, "requests", {"count": count})
    return [(number, None) for number in requests]


def _spread(kind: str, mean: int, percent: int) -> Spread | None:
    if kind == EVEN:
        return evenly(mean, percent / 100)
    return normally(mean, max(1.0, round(mean * percent / 100))) if kind == NORMAL else None


def _slo(values: Mapping[str, Any]) -> Slo | None:
    limits = {name: float(values[name]) if values[name] else None for name in ("ttft_ms", "tpot_ms", "e2el_ms")}
    slo = Slo(values["percentile"], **limits)
    return slo if slo.limits_ms else None


def _bench_files(values: Mapping[str, Any]) -> BenchFiles | None:
    files = BenchFiles(
        values["host"].strip() or BenchFiles.host,
        values["result_dir"].strip() or None,
        values["result_filename"].strip() or None,
    )
    is_used = str(values["engine"]) == "vllm-bench" and files != BenchFiles()
    return files if is_used else None
