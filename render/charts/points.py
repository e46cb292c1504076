"""From measurements to points: the repeats of a load point become one, with their spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from core.domain.benchmark import Measurement
from render.charts.axes import FEW_REQUESTS, Axis, load_words
from render.texts import Texts


@dataclass(frozen=True)
class Curve:
    """One run (or version) on a chart. ``id`` comes back with a click."""

    id: str
    name: str
    measurements: tuple[Measurement, ...]
    is_baseline: bool = False


@dataclass(frozen=True)
class Point:
    """A load point on two axes: the medians over its repeats."""

    index: int
    x: float
    y: float
    repeats: tuple[Measurement, ...]

    @property
    def first(self) -> Measurement:
        """The earliest repeat: what all of them share, and when it was."""
        return self.repeats[0]


def by_point(measurements: Iterable[Measurement]) -> tuple[tuple[Measurement, ...], ...]:
    """The repeats of each load point, points in order."""
    groups: dict[int, list[Measurement]] = {}
    for measurement in sorted(measurements, key=lambda m: (m.point_index, m.repeat)):
        groups.setdefault(measurement.point_index, []).append(measurement)
    return tuple(tuple(group) for group in groups.values())


def middle(repeats: Sequence[Measurement], axis: Axis) -> float | None:
    """The median over the repeats that have a value."""
    values = [value for value in map(axis.value, repeats) if value is not None]
    return median(values) if values else None


def points(measurements: Iterable[Measurement], x: Axis, y: Axis) -> tuple[Point, ...]:
    """Load points that have a value on both axes, in the order of their load."""
    found: list[Point] = []
    for repeats in by_point(measurements):
        across, up = middle(repeats, x), middle(repeats, y)
        if across is not None and up is not None:
            found.append(Point(repeats[0].point_index, across, up, repeats))
    return tuple(sorted(found, key=lambda point: _load(point.first)))


def hover(name: str, repeats: Sequence[Measurement], axes: Sequence[Axis], t: Texts) -> str:
    """What a point says when it is pointed at: load, values with n and spread, failures, when."""
    lines = [f"<b>{escape(name)}</b>", escape(load_words(repeats[0], t))]
    lines += [_value_line(repeats, axis, t) for axis in axes]
    failed = sum(measurement.requests.failed for measurement in repeats)
    if failed:
        lines.append(t("chart.failed", count=t.number(failed)))
    if any(axis.is_rough(measurement) for axis in axes for measurement in repeats):
        lines.append(t("chart.rough", limit=FEW_REQUESTS))
    return "<br>".join([*lines, t.when(repeats[0].started_at)])


def _value_line(repeats: Sequence[Measurement], axis: Axis, t: Texts) -> str:
    values = [value for value in map(axis.value, repeats) if value is not None]
    count = sum(map(axis.samples, repeats))
    said = f"{axis.name(t)}: <b>{axis.format(middle(repeats, axis), t)}</b>"
    if len(values) > 1:
        spread = {"low": axis.format(min(values), t), "high": axis.format(max(values), t), "repeats": len(values)}
        return f"{said} ({t('chart.spread', **spread)})"
    return f"{said} (n = {t.number(count)})" if axis.is_latency else said


def _load(measurement: Measurement) -> float:
    load = measurement.concurrency if measurement.rate_per_s is None else measurement.rate_per_s
    return float(load or 0)
