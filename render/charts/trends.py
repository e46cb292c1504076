"""A figure over time, run by run, with what happened beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import plotly.graph_objects as go

from core.domain.history import Annotation, Trend, TrendFigure, TrendPoint
from render.charts.axes import date_stops
from render.charts.theme import BASELINE, new_figure
from render.texts import Texts
from render.version_words import told_apart

HEIGHT = 420
_SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "hexagon", "star")
_LINED = 12
"""Above so many versions names say more than colours would: all of them in one trace."""


def trend_chart(trend: Trend, t: Texts) -> go.Figure:
    """A trace per version, straight lines between its runs; events as dashed lines with their words."""
    figure = new_figure(HEIGHT, f"{trend.figure}/{trend.concurrency}")
    versions: dict[str, list[TrendPoint]] = {}
    for point in trend.points:
        versions.setdefault(point.version_key if _is_few(trend) else "", []).append(point)
    names = told_apart(
        [points[0].version for points in versions.values()], [t.when(points[0].at) for points in versions.values()]
    )
    for number, (name, points) in enumerate(zip(names, versions.values(), strict=True)):
        figure.add_trace(_line(trend.figure, points, name, number, t, lined=_is_few(trend)))
    arrow = "→" if trend.figure.higher_is_better else "←"
    name, better = t(f"trend.{trend.figure}"), t("metric.better")
    figure.update_yaxes(
        title_text=f"{name}  {better} {arrow}" if arrow == "→" else f"{name}  {arrow} {better}",
        range=_range([point.value for point in trend.points]),
        tickformat=".0%" if trend.figure is TrendFigure.SCORE else None,
    )
    figure.update_xaxes(type="date", tickformatstops=date_stops(t))
    figure.update_layout(showlegend=1 < len(versions) <= _LINED)
    _events(figure, _within(trend), t)
    return figure


def _range(values: Sequence[float]) -> list[float] | None:
    """Not from zero: a trend is about change. But at least a tenth of the value, so that noise stays small."""
    if not values:
        return None
    low, high = min(values), max(values)
    room = max(high - low, abs(high) * 0.1, 1e-9) * 0.15
    middle = max(abs(high) * 0.1 - (high - low), 0) / 2
    return [max(low - middle - room, 0.0), high + middle + room]


def _is_few(trend: Trend) -> bool:
    return len({point.version_key for point in trend.points}) <= _LINED


def _line(
    figure: TrendFigure, points: Sequence[TrendPoint], name: str, number: int, t: Texts, *, lined: bool
) -> go.Scatter:
    return go.Scatter(
        x=[_local(point.at, t) for point in points],
        y=[float(f"{point.value:.6g}") for point in points],  # no eye sees more, and it is a third of the bytes
        name=escape(name),
        mode="lines+markers" if lined else "markers",
        line={"width": 1.5},
        marker={"size": 8, "symbol": _SYMBOLS[number % len(_SYMBOLS)]},
        hovertext=[_hover(figure, point, t) for point in points],
        hoverinfo="text",
        customdata=[[point.run_id, None] for point in points],
        cliponaxis=False,
    )


def _hover(figure: TrendFigure, point: TrendPoint, t: Texts) -> str:
    lines = [f"<b>{escape(point.version)}</b>", f"{t(f'trend.{figure}')}: <b>{figure_text(figure, point.value, t)}</b>"]
    if point.runs > 1:
        lines.append(t("chart.middle_of", count=t.number(point.runs)))
    if point.repeats > 1:
        lines.append(t("chart.repeats", count=point.repeats))
    return "<br>".join([*lines, f"{t.when(point.at)} · {escape(point.person)}"])


def figure_text(figure: TrendFigure, value: float, t: Texts) -> str:
    """A trend's value with its unit."""
    if figure is TrendFigure.SCORE:
        return t.percent(value)
    return t.tokens_per_s(value) if figure is TrendFigure.OUTPUT else t.ms(value)


def _within(trend: Trend) -> list[Annotation]:
    """Events between the first and the last run: others would stretch the axis."""
    if not trend.points:
        return []
    first, last = trend.points[0].at, trend.points[-1].at
    return [event for event in trend.annotations if first <= event.at <= last]


def _events(figure: go.Figure, events: Sequence[Annotation], t: Texts) -> None:
    for place, event in enumerate(events):
        at = _local(event.at, t)
        figure.add_shape(
            type="line",
            x0=at,
            x1=at,
            y0=0,
            y1=1,
            yref="paper",
            line={"color": BASELINE, "dash": "dash", "width": 1.5},
        )
        figure.add_annotation(
            x=at,
            y=1 - 0.07 * (place % 3),
            yref="paper",
            yanchor="top",
            xanchor="left",
            xshift=4,
            text=escape(event.text),
            hovertext=t.when(event.at),
            showarrow=False,
            font={"color": BASELINE, "size": 11},
        )


def _local(at: datetime, t: Texts) -> datetime:
    """The reader's clock; Plotly knows no zones."""
    return at.astimezone(t.zone).replace(tzinfo=None)
