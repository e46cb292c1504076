"""A Measurement as JSON and back: the load generator writes it, the store and the shell read it. Units are in the
names; what is absent is null, never 0."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from core.domain.benchmark import ClientHealth, Distribution, Measurement, RequestCounts, SteadyState

Part = TypeVar("Part", Distribution, ClientHealth, RequestCounts)
_DISTRIBUTIONS = ("ttft_ms", "tpot_ms", "itl_ms", "e2el_ms")
_STEADY_DISTRIBUTIONS = ("ttft_ms", "tpot_ms")


def measurement_to_dict(measurement: Measurement) -> dict[str, Any]:
    """Plain values, ready for ``json.dumps``."""
    values = {field.name: getattr(measurement, field.name) for field in fields(Measurement)}
    values["started_at"] = measurement.started_at.isoformat()
    values["requests"] = _plain(measurement.requests)
    values["steady"] = _steady_to_dict(measurement.steady)
    values["client"] = _plain(measurement.client)
    values["warnings"] = list(measurement.warnings)
    if measurement.server_metrics is not None:
        values["server_metrics"] = dict(measurement.server_metrics)
    for name in _DISTRIBUTIONS:
        values[name] = _plain(values[name])
    return values


def measurement_from_dict(values: Mapping[str, Any]) -> Measurement:
    """The inverse of ``measurement_to_dict``. Unknown names are ignored, so that a newer writer can be read. Raises
    KeyError, TypeError or ValueError for what is no measurement."""
    known = {field.name: values[field.name] for field in fields(Measurement) if field.name in values}
    known["started_at"] = datetime.fromisoformat(values["started_at"])
    known["requests"] = _part(RequestCounts, values["requests"])
    known["steady"] = _steady_from_dict(values.get("steady"))
    known["client"] = _part(ClientHealth, values.get("client"))
    known["warnings"] = tuple(values.get("warnings") or ())
    for name in _DISTRIBUTIONS:
        known[name] = _part(Distribution, values.get(name))
    return Measurement(**known)


def measurement_to_json(measurement: Measurement) -> str:
    """One JSON document."""
    return json.dumps(measurement_to_dict(measurement), ensure_ascii=False, indent=2)


def measurement_from_json(text: str | bytes) -> Measurement:
    """Reads such a document. Raises KeyError, TypeError or ValueError for anything else."""
    values = json.loads(text)
    if not isinstance(values, dict):
        raise TypeError("a measurement is a JSON object")
    return measurement_from_dict(values)


def _plain(part: Distribution | ClientHealth | RequestCounts | None) -> dict[str, Any] | None:
    if part is None:
        return None
    values = {field.name: getattr(part, field.name) for field in fields(part)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def _part(kind: type[Part], values: Mapping[str, Any] | None) -> Part | None:
    if values is None:
        return None
    return kind(**{field.name: values[field.name] for field in fields(kind) if field.name in values})


def _steady_to_dict(steady: SteadyState | None) -> dict[str, Any] | None:
    if steady is None:
        return None
    values = {field.name: getattr(steady, field.name) for field in fields(SteadyState)}
    return values | {name: _plain(values[name]) for name in _STEADY_DISTRIBUTIONS}


def _steady_from_dict(values: Mapping[str, Any] | None) -> SteadyState | None:
    if values is None:
        return None
    known = {field.name: values[field.name] for field in fields(SteadyState) if field.name in values}
    return SteadyState(**known | {name: _part(Distribution, values.get(name)) for name in _STEADY_DISTRIBUTIONS})
