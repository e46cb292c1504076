"""What a deployment can take: from the profile it was started with, the arguments it was given, and its last check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.workload import LengthGrid, LoadPoint, Workload


@dataclass(frozen=True)
class ServingLimits:
    """None: not known. ``max_concurrency``: what the profile is stated for; ``max_sequences``: what the server's own
    arguments let it work on at once. ``name``: the profile; ``source``: where its numbers come from.
    ``refused_sampling``: what servers of this platform answer with an error (the catalog's unsupported_sampling)."""

    max_model_len: int | None = None
    max_input: int | None = None
    max_concurrency: int | None = None
    max_sequences: int | None = None
    has_mtp: bool = False
    name: str | None = None
    source: str | None = None
    refused_sampling: tuple[str, ...] = ()
    platform: str | None = None


@dataclass(frozen=True)
class LeftOut:
    """A cell of a grid that would not be served. ``code`` says why: grid_over_input, grid_over_total or
    grid_over_context, with ``limit``."""

    input_tokens: int
    output_tokens: int
    concurrency: int | None
    code: str
    limit: int


def grid_workloads(
    base: Workload, grid: LengthGrid, limits: ServingLimits
) -> tuple[tuple[Workload, ...], tuple[LeftOut, ...]]:
    """One workload for each pair of lengths, with the points of ``base`` that can be served, and what was left out."""
    kept: list[Workload] = []
    left_out: list[LeftOut] = []
    for output_tokens in grid.output_tokens:
        for input_tokens in grid.input_tokens:
            reasons = {point: _unfit(point, input_tokens, output_tokens, grid, limits) for point in base.points}
            left_out += [reason for reason in reasons.values() if reason]
            points = [point for point, reason in reasons.items() if reason is None]
            if points:
                numbered = tuple(replace(point, index=index) for index, point in enumerate(points))
                pair = replace(base, input_tokens=input_tokens, output_tokens=output_tokens, points=numbered)
                kept.append(replace(pair, input_spread=None, output_spread=None))
    return tuple(kept), tuple(left_out)


def _unfit(
    point: LoadPoint, input_tokens: int, output_tokens: int, grid: LengthGrid, limits: ServingLimits
) -> LeftOut | None:
    total = input_tokens + output_tokens
    shared = min(point.concurrency or 1, grid.shared_by)
    rules: Sequence[tuple[str, int, int | None]] = (
        ("grid_over_input", input_tokens, grid.max_input),
        ("grid_over_input", input_tokens, limits.max_input),
        ("grid_over_total", total, grid.max_total // shared if grid.max_total else None),
        ("grid_over_context", total, limits.max_model_len),
    )
    for code, tokens, limit in rules:
        if limit is not None and tokens > limit:
            return LeftOut(input_tokens, output_tokens, point.concurrency, code, limit)
    return None


def left_out_by_reason(left_out: Sequence[LeftOut]) -> Mapping[tuple[str, int], int]:
    """How many cells each rule took out."""
    counts: dict[tuple[str, int], int] = {}
    for one in left_out:
        counts[one.code, one.limit] = counts.get((one.code, one.limit), 0) + 1
    return counts
