"""catalog/references: YAML to published scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from core.domain.reference import Reference

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_OPTIONAL = ("n", "subsets", "limit", "repeats", "metric", "judge", "thinking", "label", "note")


def read_references(text: str) -> tuple[Reference, ...]:
    """One object a figure, in the file's order. Raises ValueError, which names the entry that is wrong."""
    try:
        entries = yaml.load(text, Loader=_LOADER)["references"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ValueError(f"no references: {error}") from error
    return tuple(reference for entry in entries for reference in _entry(entry))


def _entry(entry: Mapping[str, Any]) -> Iterator[Reference]:
    try:
        told = {name: entry[name] for name in _OPTIONAL if name in entry}
        for platform, score in entry["scores"].items():
            if not 0.0 <= score <= 1.0:
                raise ValueError(f"score {score} is no share of 1")
            yield Reference(entry["model"], entry["dataset"], platform, float(score), entry["source"], **told)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"reference {entry}: {error}") from error
