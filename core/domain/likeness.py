"""The like-for-like guard: what differs between two runs beside the versions that are to be compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from core.domain.benchmark import MEASURING, Measurement, Run, RunState
from core.domain.endpoint import Origin
from core.domain.run_identity import (
    NOT_LIKE_FOR_LIKE,
    devices_of,
    is_sampling_known,
    is_seed_known,
    profile_revision,
)
from core.domain.workload import Arrival, Workload

Fact = str | int | float | bool | None

_SAMPLING = {"temperature", "top_p", "top_k", "ignore_eos"}
FAILED_SHARE = 0.01
"""From here on the requests that succeeded are no longer all kinds of requests."""
CACHED_SHARE = 0.05
"""Prompt tokens from the prefix cache, beyond the share that the workload itself repeats."""
LENGTH_SHARE = 0.02
"""By how much answers may differ in their mean length."""


class Weight(StrEnum):
    """``void``: not the same question, so there is no verdict. ``weakens``: there is one, to be read with care.
    ``note``: worth knowing."""

    VOID = "void"
    WEAKENS = "weakens"
    NOTE = "note"


@dataclass(frozen=True)
class Difference:
    """``code`` names the sentence (render/texts [likeness]); both sides' values, None where one is not known."""

    code: str
    weight: Weight
    baseline: Fact = None
    candidate: Fact = None


@dataclass(frozen=True)
class Witness:
    """What the guard looks at of one run: itself, its measurements at the loads that both sides have, and how many were
    left out since too many of their requests failed."""

    run: Run
    measurements: Sequence[Measurement]
    left_out: int = 0


def differences(baseline: Witness, candidate: Witness) -> tuple[Difference, ...]:
    """The heaviest first."""
    found = [
        *_workload(baseline.run.workload, candidate.run.workload),
        *_unknown_sampling(baseline.run, candidate.run),
        *_points(baseline, candidate),
        *_tools(baseline, candidate),
        *_machine(baseline.run, candidate.run),
        *_seeds(baseline.run, candidate.run),
        *_each_side(baseline, candidate),
        *_amounts(baseline, candidate),
    ]
    order = list(Weight)
    return tuple(sorted(found, key=lambda one: order.index(one.weight)))


def _workload(baseline: Workload, candidate: Workload) -> Iterator[Difference]:
    for field in fields(Workload):
        if field.name in NOT_LIKE_FOR_LIKE:
            continue
        left, right = getattr(baseline, field.name), getattr(candidate, field.name)
        if left != right:
            weight = Weight.WEAKENS if field.name in _SAMPLING else Weight.VOID
            yield Difference(field.name, weight, _plain(left), _plain(right))


def _unknown_sampling(baseline: Run, candidate: Run) -> Iterator[Difference]:
    """Two unknowns need not be alike either."""
    known = [is_sampling_known(run.provenance) for run in (baseline, candidate)]
    if not all(known):
        yield Difference("sampling_unknown", Weight.WEAKENS, *known)


def _points(baseline: Witness, candidate: Witness) -> Iterator[Difference]:
    """How the requests came at the common loads, and which loads only one side was asked for."""
    sides = (baseline, candidate)
    for code, weight in (("arrival", Weight.VOID), ("cap", Weight.WEAKENS)):
        found = [_of_points(side, code) for side in sides]
        if found[0] != found[1]:
            yield Difference(code, weight, *found)
    asked = [_loads(side.run.workload) for side in sides]
    if set(asked[0]) != set(asked[1]):
        yield Difference("loads", Weight.NOTE, *(", ".join(loads) for loads in asked))


def _of_points(side: Witness, what: str) -> str | None:
    """Of the common loads: how requests arrived, or how many an open loop let in at once."""
    compared = {measurement.point_index for measurement in side.measurements}
    points = [point for point in side.run.workload.points if point.index in compared]
    if what == "arrival":
        return ", ".join(sorted({point.arrival.value for point in points})) or None
    caps = {point.concurrency for point in points if point.arrival is not Arrival.CLOSED}
    return ", ".join(str(cap or "∞") for cap in sorted(caps, key=lambda cap: cap or math.inf)) or None


def _loads(workload: Workload) -> list[str]:
    return [
        f"{point.rate_per_s:g}/s" if point.rate_per_s is not None else str(point.concurrency or 0)
        for point in workload.points
    ]


def _plain(value: Any) -> Fact:
    """An enum by its value, a dataclass by its fields' values."""
    if hasattr(value, "__dataclass_fields__"):
        named = {field.name: getattr(value, field.name) for field in fields(value)}
        return str(named["name"]) if "name" in named else " / ".join(str(v) for v in named.values() if v is not None)
    return str(value) if isinstance(value, StrEnum) else value


def _tools(baseline: Witness, candidate: Witness) -> Iterator[Difference]:
    if baseline.run.engine != candidate.run.engine:
        yield Difference("engine", Weight.WEAKENS, baseline.run.engine.value, candidate.run.engine.value)
    else:
        left, right = (_tool_versions(side.measurements) for side in (baseline, candidate))
        if left != right:
            yield Difference("tool_version", Weight.NOTE, left, right)
    hosts = [_host(side.run.provenance) for side in (baseline, candidate)]
    if hosts[0] != hosts[1]:
        yield Difference("measured_from", Weight.WEAKENS, *hosts)
    is_simulated = [side.run.origin == Origin.SIMULATED for side in (baseline, candidate)]
    if is_simulated[0] != is_simulated[1]:
        yield Difference("simulated", Weight.VOID, *is_simulated)


def _machine(baseline: Run, candidate: Run) -> Iterator[Difference]:
    """What the server ran on, where both sides know it; and what the same label does not tell apart."""
    sides = (baseline.provenance, candidate.provenance)
    facts: tuple[tuple[str, Weight, list[Any]], ...] = (
        ("devices", Weight.WEAKENS, [devices_of(told) for told in sides]),
        ("driver", Weight.WEAKENS, [told.get("driver") for told in sides]),
    )
    if baseline.version_label == candidate.version_label:
        facts += (
            ("weights_fingerprint", Weight.NOTE, [told.get("weights_fingerprint") for told in sides]),
            ("profile_revision", Weight.NOTE, [profile_revision(told) for told in sides]),
        )
    for code, weight, (left, right) in facts:
        if left and right and left != right:
            yield Difference(code, weight, str(left), str(right))


def _tool_versions(measurements: Sequence[Measurement]) -> str:
    return ", ".join(sorted({measurement.tool_version for measurement in measurements}))


def _host(provenance: Mapping[str, Any]) -> str | None:
    name = (provenance.get("host") or {}).get("name")
    return str(name) if name else None


def _seeds(baseline: Run, candidate: Run) -> Iterator[Difference]:
    """The same prompts again are answered from the prefix cache; where a server had not restarted in between, the
    later run is too fast. Of an imported result they may have been the same: most tools draw no fresh ones."""
    known = [is_seed_known(run.provenance) for run in (baseline, candidate)]
    if not all(known):
        yield Difference("seed_unknown", Weight.WEAKENS, *known)
    elif baseline.seed == candidate.seed and baseline.engine == candidate.engine and baseline.engine in MEASURING:
        yield Difference("same_seed", Weight.WEAKENS, baseline.seed, candidate.seed)


def _each_side(baseline: Witness, candidate: Witness) -> Iterator[Difference]:
    """What makes one side's figures doubtful, whatever the other's are."""
    sides = (baseline, candidate)
    left_out = [side.left_out for side in sides]
    if any(left_out):
        yield Difference("left_out", Weight.WEAKENS, *left_out)
    for code, told, limit in (
        ("failures", [_failed_share(side.measurements) for side in sides], FAILED_SHARE),
        ("prefix_cache", [_cached_beyond(side) for side in sides], CACHED_SHARE),
    ):
        if any(share is not None and share > limit for share in told):
            yield Difference(code, Weight.WEAKENS, *told)
    states = [side.run.state for side in sides]
    if any(state is not RunState.COMPLETE for state in states):
        yield Difference("state", Weight.WEAKENS, *(state.value for state in states))
    for code in ("client_starved", "host_busy", "sent_late"):
        warned = [_has_warning(side.measurements, code) for side in sides]
        if any(warned):
            yield Difference(code, Weight.WEAKENS, *warned)


def _failed_share(measurements: Sequence[Measurement]) -> float:
    failed = sum(measurement.requests.failed for measurement in measurements)
    total = failed + sum(measurement.requests.succeeded for measurement in measurements)
    return failed / total if total else 0.0


def _cached_beyond(side: Witness) -> float | None:
    """Share (0..1) of the prompt tokens that came from the server's prefix cache beyond what the workload repeats by
    itself; None where the server does not say."""
    counted = [m.server_metrics for m in side.measurements if m.server_metrics]
    queries = sum(one.get("prefix_cache_queries_total", 0.0) for one in counted)
    hits = sum(one.get("prefix_cache_hits_total", 0.0) for one in counted)
    workload = side.run.workload
    own = 1.0 if workload.turns > 1 or workload.dataset else workload.prefix_share
    return max(0.0, hits / queries - own) if queries else None


def _has_warning(measurements: Sequence[Measurement], code: str) -> bool:
    return any(code in measurement.warnings for measurement in measurements)


def _amounts(baseline: Witness, candidate: Witness) -> Iterator[Difference]:
    lengths = [_output_length(side.measurements) for side in (baseline, candidate)]
    if lengths[0] and lengths[1] and abs(lengths[1] / lengths[0] - 1.0) > LENGTH_SHARE:
        yield Difference("answer_length", Weight.WEAKENS, *(round(length) for length in lengths if length))
    repeats = [side.run.workload.repeats for side in (baseline, candidate)]
    if repeats[0] != repeats[1]:
        yield Difference("repeats", Weight.NOTE, *repeats)
    counts = [sum(m.requests.succeeded for m in side.measurements) for side in (baseline, candidate)]
    if repeats[0] == repeats[1] and max(counts) > 1.2 * max(1, min(counts)):
        yield Difference("requests", Weight.NOTE, *counts)


def _output_length(measurements: Sequence[Measurement]) -> float | None:
    succeeded = sum(measurement.requests.succeeded for measurement in measurements)
    return sum(measurement.output_tokens for measurement in measurements) / succeeded if succeeded else None
