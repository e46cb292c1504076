"""catalog/workloads: YAML to presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from core.domain.lengths import evenly
from core.domain.workload import Api, LengthGrid, LoadPoint, Preset, Slo, Workload


def read_presets(text: str) -> tuple[Preset, ...]:
    """In the file's order. Raises ValueError, which names the preset that is wrong."""
    try:
        entries = yaml.safe_load(text)["presets"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"no presets: {error}") from error
    return tuple(_preset(entry) for entry in entries)


def _preset(entry: Mapping[str, Any]) -> Preset:
    try:
        grid = _grid(entry["grid"]) if "grid" in entry else None
        return Preset(entry["key"], _workload(entry, grid), entry["source"], grid)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"preset {entry}: {error}") from error


def _workload(entry: Mapping[str, Any], grid: LengthGrid | None) -> Workload:
    loads = zip(entry["concurrency"], entry["requests"], strict=True)
    warmup = int(entry.get("warmup", 1))
    points = tuple(
        LoadPoint(index, concurrency=streams, requests=count, warmup=warmup)
        for index, (streams, count) in enumerate(loads)
    )
    input_tokens = entry["input_tokens"] if grid is None else grid.input_tokens[0]
    output_tokens = entry["output_tokens"] if grid is None else grid.output_tokens[0]
    varies = entry.get("varies")
    return Workload(
        input_tokens,
        output_tokens,
        points,
        api=Api(entry.get("api", Api.COMPLETIONS)),
        repeats=int(entry.get("repeats", 1)),
        temperature=float(entry.get("temperature", 0.0)),
        ignore_eos=bool(entry.get("ignore_eos", True)),
        input_spread=evenly(input_tokens, varies) if varies else None,
        output_spread=evenly(output_tokens, varies) if varies else None,
        prefix_share=float(entry.get("prefix_share", 0.0)),
        turns=int(entry.get("turns", 1)),
        slo=Slo(**entry["slo"]) if "slo" in entry else None,
        stop_at_peak="peak" in entry.get("stop", ()),
        stop_at_slo="slo" in entry.get("stop", ()),
    )


def _grid(entry: Mapping[str, Any]) -> LengthGrid:
    return LengthGrid(
        input_tokens=tuple(entry["input_tokens"]),
        output_tokens=tuple(entry["output_tokens"]),
        max_input=entry.get("max_input"),
        max_total=entry.get("max_total"),
        shared_by=entry.get("shared_by", 1),
    )
