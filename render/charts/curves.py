"""Charts of a sweep: throughput against latency, and a latency's percentiles by load."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10
from typing import Any

import plotly.graph_objects as go

from core.domain.benchmark import FAILED_SHARE_LIMIT, Measurement
from render.charts.axes import Axis, distribution, load_label
from render.charts.nice import round_up
from render.charts.points import Curve, Point, by_point, hover, middle, points
from render.charts.theme import BASELINE, new_figure
from render.texts import Texts

CURVE_HEIGHT = 420
PERCENTILES_HEIGHT = 420
_MARKER_SIZE, _CHOSEN_SIZE = 9, 15
_LETTER_WIDTH = 7
_NAME_LENGTH = 16
_AXIS_ROOM = 0.05
_CROSS = "x"
_SYMBOLS = ("circle", "square", "diamond", "triangle-up")


def latency_throughput(
    curves: Sequence[Curve],
    t: Texts,
    *,
    x: Axis,
    y: Axis,
    log_x: bool = False,
    log_y: bool = False,
    slo_ms: float | None = None,
    chosen: int | None = None,
) -> go.Figure:
    """Straight lines between measured points; a curve through them would claim what was not measured. Baselines are
    drawn last, so that candidates take the palette from its start. ``chosen`` is the point to be ringed."""
    figure = new_figure(CURVE_HEIGHT, f"{x.id}/{y.id}/{log_x}/{log_y}")
    ordered, drawn = sorted(curves, key=lambda curve: curve.is_baseline), list[Point]()
    every = [points(curve.measurements, x, y) for curve in ordered]
    places = [tuple(point for point in found if point.is_sound) for found in every]
    highest = max(
        range(len(places)), key=lambda place: max((point.y for point in places[place]), default=0.0), default=0
    )
    for number, (curve, found) in enumerate(zip(ordered, places, strict=True)):
        if found:
            line = _line(curve, found, (x, y), t, number, chosen)
            if number == highest:  # above it there is room for the loads' names
                line.text = [_point_label(point, point is found[-1], t) for point in found]
            figure.add_trace(line)
            drawn += found
            if len(ordered) > 1:
                _name_at_the_end(figure, curve, found[-1], log_x, log_y)
    broken = [(curve, one) for curve, found in zip(ordered, every, strict=True) for one in found if not one.is_sound]
    if broken:
        figure.add_trace(_crosses(broken, (x, y), t, chosen, alone=len(ordered) == 1))
        drawn += [point for _, point in broken]
    _axis(figure.layout.xaxis, x.title(t), log_x, [point.x for point in drawn], t)
    _axis(figure.layout.yaxis, y.title(t), log_y, [point.y for point in drawn], t)
    if slo_ms is not None:
        _limit(figure, slo_ms, log_x, t)
    if len(ordered) > 1:
        longest = max(len(short_name(curve.name)) for curve in ordered)
        figure.update_layout(showlegend=True, margin={"r": 24 + longest * _LETTER_WIDTH})
        _end_at_the_last(figure.layout.xaxis, [*(point.x for point in drawn), *([slo_ms] if slo_ms else [])], log_x)
    elif broken:
        figure.update_layout(showlegend=True)
    return figure


def percentiles_by_load(
    measurements: Sequence[Measurement], metric: str, t: Texts, *, log_y: bool = False, slo_ms: float | None = None
) -> go.Figure:
    """Median, p90 and p99 of one latency over the load points of a run; the limit where one is set."""
    figure = new_figure(PERCENTILES_HEIGHT, f"{metric}/{log_y}")
    groups = [group for group in by_point(measurements) if any(distribution(m, metric) for m in group)]
    labels = [load_label(group[0], t) for group in groups]
    sound = [any(measurement.is_sound for measurement in group) for group in groups]
    for number, statistic in enumerate(("p50", "p90", "p99")):
        axis = Axis(f"{metric}_{statistic}")
        figure.add_trace(
            go.Scatter(
                x=labels,
                y=[middle(group, axis) if good else None for group, good in zip(groups, sound, strict=True)],
                name=t(f"metric.{statistic}"),
                mode="lines+markers",
                marker=_markers(axis, groups, number, [8] * len(groups)),
                line={"width": 2},
                hovertext=[hover(axis.name(t), group, (axis,), t) for group in groups],
                hoverinfo="text",
                customdata=[[None, group[0].point_index] for group in groups],
            )
        )
    _cross_out(figure, [group for group, good in zip(groups, sound, strict=True) if not good], metric, t)
    open_loop = bool(groups) and groups[0][0].rate_per_s is not None
    figure.update_layout(showlegend=True)
    figure.update_xaxes(type="category", title_text=t("metric.rate_per_s" if open_loop else "metric.concurrency"))
    name = t(f"metric.{metric}_short")
    values = [value for line in figure.data for value in line.y if value is not None]
    _axis(figure.layout.yaxis, f"{name} (ms)  ← {t('metric.better')}", log_y, values, t)
    if slo_ms is not None:
        place = {
            "y": log10(slo_ms) if log_y else slo_ms,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "yanchor": "bottom",
        }
        figure.add_hline(y=slo_ms, line={"color": BASELINE, "dash": "dot", "width": 1.5})
        text = t("chart.slo", limit=t.ms(slo_ms))
        figure.add_annotation(text=text, showarrow=False, font={"color": BASELINE}, **place)
    return figure


def _line(
    curve: Curve, found: Sequence[Point], axes: tuple[Axis, Axis], t: Texts, number: int, chosen: int | None
) -> go.Scatter:
    colors = {"color": BASELINE} if curve.is_baseline else {}
    sizes = [_CHOSEN_SIZE if point.index == chosen else _MARKER_SIZE for point in found]
    shape = 0 if curve.is_baseline else number
    marker = _markers(axes[0], [point.repeats for point in found], shape, sizes)
    return go.Scatter(
        x=[point.x for point in found],
        y=[point.y for point in found],
        name=escape(curve.name),
        mode="lines+markers+text",
        line={"width": 2, "dash": "dash" if curve.is_baseline else "solid", **colors},
        marker={**marker, **colors},
        textposition="top left",
        cliponaxis=False,
        hovertext=[hover(curve.name, point.repeats, axes, t) for point in found],
        hoverinfo="text",
        customdata=[[curve.id, point.index] for point in found],
    )


def _crosses(
    broken: Sequence[tuple[Curve, Point]], axes: tuple[Axis, Axis], t: Texts, chosen: int | None, *, alone: bool
) -> go.Scatter:
    """Points at which too many requests failed: seen, and on no line. Only a curve that is ``alone`` has room for their
    loads' names."""
    return go.Scatter(
        x=[point.x for _, point in broken],
        y=[point.y for _, point in broken],
        name=t("chart.unsound", limit=t.number(FAILED_SHARE_LIMIT * 100)),
        mode="markers+text" if alone else "markers",
        marker={
            "symbol": _CROSS,
            "size": [_CHOSEN_SIZE if point.index == chosen else _MARKER_SIZE for _, point in broken],
            "color": BASELINE,
            "opacity": 1,
        },
        text=[load_label(point.first, t) for _, point in broken] if alone else None,
        textposition="top left",
        cliponaxis=False,
        hovertext=[hover(curve.name, point.repeats, axes, t) for curve, point in broken],
        hoverinfo="text",
        customdata=[[curve.id, point.index] for curve, point in broken],
    )


def _cross_out(figure: go.Figure, groups: Sequence[Sequence[Measurement]], metric: str, t: Texts) -> None:
    """The same beside a latency's percentiles."""
    axes = [Axis(f"{metric}_{statistic}") for statistic in ("p50", "p90", "p99")]
    places = [(group, axis) for group in groups for axis in axes]
    if not places:
        return
    figure.add_trace(
        go.Scatter(
            x=[load_label(group[0], t) for group, _ in places],
            y=[middle(group, axis) for group, axis in places],
            name=t("chart.unsound", limit=t.number(FAILED_SHARE_LIMIT * 100)),
            mode="markers",
            marker={"symbol": _CROSS, "size": _MARKER_SIZE, "color": BASELINE, "opacity": 1},
            hovertext=[hover(axis.name(t), group, (axis,), t) for group, axis in places],
            hoverinfo="text",
            customdata=[[None, group[0].point_index] for group, _ in places],
        )
    )


def _markers(axis: Axis, groups: Sequence[Sequence[Measurement]], shape: int, sizes: Sequence[int]) -> dict[str, Any]:
    """Hollow where a percentile is of too few requests."""
    rough = [any(axis.is_rough(measurement) for measurement in group) for group in groups]
    symbol = _SYMBOLS[shape % len(_SYMBOLS)]
    return {
        "size": list(sizes),
        "symbol": [f"{symbol}-open" if hollow else symbol for hollow in rough],
        "line": {"width": [2 if hollow else 0 for hollow in rough]},
        "opacity": 1,
    }


def _point_label(point: Point, is_last: bool, t: Texts) -> str:
    """The load; in words at the last point, where there is room for them: the first lies beside the axis."""
    label = load_label(point.first, t)
    return t("chart.load_label", load=label) if is_last and point.first.rate_per_s is None else label


def _name_at_the_end(figure: go.Figure, curve: Curve, last: Point, log_x: bool, log_y: bool) -> None:
    place = {"x": log10(last.x) if log_x else last.x, "y": log10(last.y) if log_y else last.y}
    figure.add_annotation(
        text=escape(short_name(curve.name)), showarrow=False, xanchor="left", xshift=10, yanchor="middle", **place
    )


def short_name(name: str) -> str:
    """For the end of a line, where room is short; the legend and the hover have it whole."""
    return name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"


def _axis(axis: Any, title: str, log: bool, values: Sequence[float], t: Texts) -> None:
    axis.update(title={"text": title}, type="log" if log else "linear")
    if not log:
        axis.update(rangemode="tozero")
    elif values and min(values) > 0:
        ticks = log_ticks(min(values), max(values))
        axis.update(tickvals=ticks, ticktext=[t.number(tick) for tick in ticks])


def _end_at_the_last(axis: Any, values: Sequence[float], log: bool) -> None:
    """Plotly would make the axis itself long enough for the names at the lines' ends, which have the margin."""
    if not values or (log and min(values) <= 0):
        return
    high = max(values)
    if log:
        room = max(log10(high / min(values)) * _AXIS_ROOM, 0.02)
        axis.update(range=[log10(min(values)) - room, log10(high) + room])
    elif high > 0:
        axis.update(range=[0, high * (1 + _AXIS_ROOM)])


def log_ticks(low: float, high: float) -> list[float]:
    """Round values around ``low``..``high``; Plotly's own labels on a log axis are single digits between its powers."""
    if high < low * 3:
        return _even_ticks(low, high)
    steps = (1.0, 2.0, 5.0) if high < low * 300 else (1.0,)
    reach = 10.0 if steps == (1.0,) else 4.0
    powers = range(floor(log10(low)) - 1, ceil(log10(high)) + 1)
    return [
        step * 10.0**power for power in powers for step in steps if low / reach <= step * 10.0**power <= high * reach
    ]


def _even_ticks(low: float, high: float) -> list[float]:
    """Between close values a log axis is all but linear."""
    step = round_up(max(high - low, low * 0.1) / 4)
    first, last = floor(low * 0.8 / step), ceil(high * 1.2 / step)
    return [number * step for number in range(max(first, 1), last + 1)]


def _limit(figure: go.Figure, slo_ms: float, log: bool, t: Texts) -> None:
    figure.add_vline(x=slo_ms, line={"color": BASELINE, "dash": "dot", "width": 1.5})
    place = {"x": log10(slo_ms) if log else slo_ms, "xanchor": "right", "y": 1, "yref": "paper", "yanchor": "top"}
    text = t("chart.slo", limit=t.ms(slo_ms))
    figure.add_annotation(text=text, showarrow=False, font={"color": BASELINE}, **place)
