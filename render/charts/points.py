"""From measurements to points: the repeats of a load point become one, with their spread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from core.domain.benchmark import FAILED_SHARE_LIMIT, Measurement
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
    """A load point on two axes: the medians over its repeats. ``is_sound`` False: in every repeat too many requests
    failed, so that it stands for nothing but itself."""

    index: int
    x: float
    y: float
    repeats: tuple[Measurement, ...]
    is_sound: bool = True

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


def counted(repeats: Sequence[Measurement]) -> tuple[Measurement, ...]:
    """The repeats that enter an average: those in which few requests failed; all of them where there is none."""
    return tuple(one for one in repeats if one.is_sound) or tuple(repeats)


def middle(repeats: Sequence[Measurement], axis: Axis) -> float | None:
    """The median over the repeats that count and have a value."""
    values = [value for value in map(axis.value, counted(repeats)) if value is not None]
    return median(values) if values else None


def points(measurements: Iterable[Measurement], x: Axis, y: Axis) -> tuple[Point, ...]:
    """Load points that have a value on both axes, in the order of their load."""
    found: list[Point] = []
    for repeats in by_point(measurements):
        across, up = middle(repeats, x), middle(repeats, y)
        if across is not None and up is not None:
            is_sound = any(one.is_sound for one in repeats)
            found.append(Point(repeats[0].point_index, across, up, repeats, is_sound))
    return tuple(sorted(found, key=lambda point: _load(point.first)))


def hover(name: str, repeats: Sequence[Measurement], axes: Sequence[Axis], t: Texts) -> str:
    """What a point says when it is pointed at: load, values with n and spread, failures, when."""
    lines = [f"<b>{escape(name)}</b>", escape(load_words(repeats[0], t))]
    lines += [_value_line(repeats, axis, t) for axis in axes]
    failed = sum(measurement.requests.failed for measurement in repeats)
    if failed:
        lines.append(t("chart.failed", count=t.number(failed)))
    if not any(measurement.is_sound for measurement in repeats):
        lines.append(t("chart.unsound_why", limit=t.number(FAILED_SHARE_LIMIT * 100)))
    if any(axis.is_rough(measurement) for axis in axes for measurement in repeats):
        lines.append(t("chart.rough", limit=FEW_REQUESTS))
    return "<br>".join([*lines, t.when(repeats[0].started_at)])


def _value_line(repeats: Sequence[Measurement], axis: Axis, t: Texts) -> str:
    values = [value for value in map(axis.value, counted(repeats)) if value is not None]
    count = sum(map(axis.samples, counted(repeats)))
    said = f"{axis.name(t)}: <b>{axis.format(middle(repeats, axis), t)}</b>"
    if len(values) > 1:
        spread = {"low": axis.format(min(values), t), "high": axis.format(max(values), t), "repeats": len(values)}
        return f"{said} ({t('chart.spread', **spread)})"
    return f"{said} (n = {t.number(count)})" if axis.is_latency else said


def _load(measurement: Measurement) -> float:
    load = measurement.concurrency if measurement.rate_per_s is None else measurement.rate_per_s
    return float(load or 0)
