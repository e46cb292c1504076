"""catalog/evaluations: the list of datasets (JSON, one a line), presets and sampling (YAML)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import yaml

from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    DatasetKind,
    DatasetOrigin,
    EvaluationPreset,
    Limit,
    Need,
    Sampling,
    SamplingPreset,
    Subset,
)

_SAMPLING = [field.name for field in fields(Sampling) if field.name != "preset"]


def read_datasets(text: str, has_module: Callable[[str], bool]) -> tuple[Dataset, ...]:
    """EvalScope's benchmarks; one whose packages are not all here needs an extra. Raises ValueError."""
    return tuple(_dataset(entry, has_module) for entry in json.loads(text)["datasets"])


def _dataset(entry: Mapping[str, Any], has_module: Callable[[str], bool]) -> Dataset:
    modules = tuple(entry["modules"])
    missing = tuple(module for module in modules if not has_module(module))
    needs = (*(Need(need) for need in entry["needs"]), *((Need.EXTRA,) if missing else ()))
    return Dataset(
        key=entry["key"],
        name=entry["name"],
        origin=DatasetOrigin.EVALSCOPE,
        kind=DatasetKind.BENCHMARK,
        category=entry["category"],
        subsets=tuple(Subset(name, samples) for name, samples in entry["subsets"]),
        samples=entry["samples"],
        few_shot=entry["shots"],
        tags=tuple(entry["tags"]),
        metric=entry["metric"],
        repo_id=entry["repo"],
        hf_repo_id=entry["hf_repo"],
        modules=missing,
        prompt_chars=entry["prompt_chars"],
        longest_chars=entry["longest_chars"],
        needs=needs,
        languages=tuple(entry["languages"]),
        description=entry["about"],
    )


def read_presets(text: str) -> tuple[tuple[EvaluationPreset, ...], tuple[SamplingPreset, ...]]:
    """In the file's order. Raises ValueError, which names the entry that is wrong."""
    try:
        found = yaml.safe_load(text)
        entries, sampling = found["presets"], found["sampling"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"no presets: {error}") from error
    return tuple(map(_preset, entries)), tuple(map(_sampling, sampling))


def _preset(entry: Mapping[str, Any]) -> EvaluationPreset:
    try:
        choices = tuple(DatasetChoice(one["key"], tuple(one.get("subsets", ()))) for one in entry["datasets"])
        limit = Limit(**entry.get("limit", {}))
        tokens, repeats = entry.get("max_tokens"), entry.get("repeats", 1)
        return EvaluationPreset(entry["key"], choices, limit, entry["source"], tokens, repeats)
    except (KeyError, TypeError) as error:
        raise ValueError(f"preset {entry}: {error!r}") from error


def _sampling(entry: Mapping[str, Any]) -> SamplingPreset:
    try:
        values = {name: entry.get(name) for name in _SAMPLING}
        return SamplingPreset(
            key=entry["key"],
            name=entry["name"],
            pattern=entry["pattern"],
            sampling=Sampling(**values, preset=entry["key"]),
            max_tokens=entry["max_tokens"],
            source=entry["source"],
            thinking_key=entry.get("thinking_key"),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"sampling {entry}: {error!r}") from error
