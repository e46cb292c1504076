"""catalog/workloads: YAML to presets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from core.domain.workload import LoadPoint, Preset, Workload


def read_presets(text: str) -> tuple[Preset, ...]:
    """In the file's order. Raises ValueError, which names the preset that is wrong."""
    try:
        entries = yaml.safe_load(text)["presets"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"no presets: {error}") from error
    return tuple(_preset(entry) for entry in entries)


def _preset(entry: Mapping[str, Any]) -> Preset:
    try:
        loads = zip(entry["concurrency"], entry["requests"], strict=True)
        points = tuple(
            LoadPoint(index, concurrency=streams, requests=count) for index, (streams, count) in enumerate(loads)
        )
        workload = Workload(entry["input_tokens"], entry["output_tokens"], points)
        return Preset(entry["key"], workload, entry["source"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"preset {entry}: {error}") from error
