"""Charts of a comparison: the curves over one another, and each figure's change by load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any

import plotly.graph_objects as go

from core.domain.comparison import POOLED, Call, Cell, Comparison, Figure, Load, Pair
from core.domain.metrics import Better
from core.domain.pareto import frontier
from render.charts.axes import Axis
from render.charts.curves import latency_throughput
from render.charts.points import Curve, Point, points
from render.charts.theme import BASELINE, STRUCTURE
from render.comparisons import interval, load_name, names, signed
from render.texts import Texts

_ROW_HEIGHT, _FRAME_HEIGHT = 42, 110
_LABEL_ROOM, _PLOT_HEIGHT = 15.0, 330.0
_CALLED = frozenset({Call.BETTER, Call.WORSE})


def curves_of(comparison: Comparison, t: Texts) -> tuple[Curve, ...]:
    """The baseline first."""
    called = names(comparison.sides, t)
    base = comparison.baseline.run.id
    return tuple(
        Curve(side.run.id, called[side.run.id], side.measurements, side.run.id == base) for side in comparison.sides
    )


def overlaid(
    comparison: Comparison, t: Texts, *, x: Axis, y: Axis, log_x: bool = False, log_y: bool = False
) -> go.Figure:
    """Every run's curve; points on the Pareto frontier are ringed."""
    figure = latency_throughput(curves_of(comparison, t), t, x=x, y=y, log_x=log_x, log_y=log_y)
    ringed = [point for _, point in on_frontier(comparison, x, y, t)]
    figure.add_trace(
        go.Scatter(
            x=[point.x for point in ringed],
            y=[point.y for point in ringed],
            mode="markers",
            marker={"symbol": "circle-open", "size": 17, "color": BASELINE, "line": {"width": 1.5}},
            showlegend=False,
            hoverinfo="skip",
            cliponaxis=False,
        )
    )
    _part_labels(figure, log_y)
    return figure


def on_frontier(comparison: Comparison, x: Axis, y: Axis, t: Texts) -> tuple[tuple[Curve, Point], ...]:
    """The load points to which no other has at most the latency and at least the output."""
    every = [(curve, point) for curve in curves_of(comparison, t) for point in _sound(curve, x, y)]
    return tuple(every[place] for place in frontier([(point.x, point.y) for _, point in every]))


def _sound(curve: Curve, x: Axis, y: Axis) -> tuple[Point, ...]:
    return tuple(point for point in points(curve.measurements, x, y) if point.is_sound)


def _part_labels(figure: go.Figure, log_y: bool) -> None:
    """Names at the ends of lines that come close are moved apart."""
    labels = sorted((one for one in figure.layout.annotations if one.xanchor == "left"), key=lambda one: one.y)
    drawn = [value for line in figure.data for value in (line.y or ()) if value is not None and value > 0]
    if len(labels) < 2 or not drawn:
        return
    low = log10(min(drawn)) if log_y else 0.0
    reach = ((log10(max(drawn)) if log_y else max(drawn)) - low) or 1.0
    taken = float("-inf")
    for label in labels:
        place = (label.y - low) / reach * _PLOT_HEIGHT
        taken = max(place, taken + _LABEL_ROOM)
        label.yshift = taken - place


def changes(comparison: Comparison, figure: Figure, t: Texts) -> go.Figure:
    """A row a load, all loads together on top: the change from the baseline, its interval, and the noise floor."""
    called = names(comparison.sides, t)
    loads = _rows(comparison, figure)
    lines = []
    for number, pair in enumerate(comparison.pairs):
        cells = [cell for load in loads if (cell := pair.cell(figure, load)) and cell.change]
        lines.append(_line_of(pair, cells, called, loads, number, len(comparison.pairs), t))
    several = len(comparison.pairs) - 1
    layout = {
        "template": STRUCTURE,
        "height": round(_FRAME_HEIGHT + _ROW_HEIGHT * len(loads) * (1 + 0.3 * several)),
        "uirevision": f"changes/{figure.id}",
        "showlegend": several > 0,
        "shapes": _marks(max(pair.basis.noise.floor(figure) for pair in comparison.pairs) * 100.0),
        "xaxis": {"title": {"text": _title(figure, t)}, "ticksuffix": " %"},
        "yaxis": {
            "tickvals": list(range(len(loads))),
            "ticktext": [load_name(load, t) for load in loads],
            "range": [len(loads) - 0.5, -0.5],
            "showgrid": False,
        },
    }
    return go.Figure({"data": lines, "layout": layout})  # at once: each later change would be checked anew


def _title(figure: Figure, t: Texts) -> str:
    title, better = f"{t(f'figure_head.{figure.id}')} (%)", t("metric.better")
    return f"{title}  {better} →" if figure.better is Better.HIGHER else f"{title}  ← {better}"


def _marks(floor: float) -> list[dict[str, Any]]:
    """The noise floor on both sides of no change."""
    whole = {"yref": "y domain", "y0": 0, "y1": 1}
    band = {"type": "rect", "x0": -floor, "x1": floor, "fillcolor": BASELINE, "opacity": 0.18, "line": {"width": 0}}
    zero = {"type": "line", "x0": 0, "x1": 0, "line": {"color": BASELINE, "width": 1.5}}
    return [{**band, "layer": "below", **whole}, {**zero, **whole}]


def _rows(comparison: Comparison, figure: Figure) -> list[Load]:
    """All loads first, then by size."""
    found = {cell.load for pair in comparison.pairs for cell in pair.cells if cell.figure == figure and cell.change}
    return sorted(found, key=lambda load: (load != POOLED, load.rate_per_s or load.concurrency or 0))


def _line_of(
    pair: Pair,
    cells: Sequence[Cell],
    called: Mapping[str, str],
    loads: Sequence[Load],
    number: int,
    count: int,
    t: Texts,
) -> dict[str, Any]:
    name = called[pair.candidate.run.id]
    shift = (number - (count - 1) / 2) * 0.7 / count
    colors: dict[str, Any] = {}
    if not any(cell.call in _CALLED for cell in cells):
        colors = {"color": BASELINE}
    known = [cell.change for cell in cells if cell.change]
    return {
        "type": "scatter",
        "x": [change.share * 100.0 for change in known],
        "y": [loads.index(cell.load) + shift for cell in cells],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [(change.high - change.ratio) * 100.0 for change in known],
            "arrayminus": [(change.ratio - change.low) * 100.0 for change in known],
            "thickness": 2,
            "width": 0,
            **colors,
        },
        "name": escape(name),
        "mode": "markers",
        "marker": {
            "size": [11 if cell.load == POOLED else 9 for cell in cells],
            "symbol": ["circle" if cell.call in _CALLED else "circle-open" for cell in cells],
            "line": {"width": 2},
            **colors,
        },
        "hovertext": [_hover(name, cell, t) for cell in cells],
        "hoverinfo": "text",
        "customdata": [[pair.candidate.run.id, None] for _ in cells],
    }


def _hover(name: str, cell: Cell, t: Texts) -> str:
    axis = Axis(cell.figure.id)
    share = signed(cell.change.share) if cell.change else "–"
    low, high = interval(cell)
    lines = [
        f"<b>{escape(name)}</b>",
        escape(load_name(cell.load, t)),
        f"{t(f'figure_head.{cell.figure.id}')}: {axis.format(cell.baseline, t)} → {axis.format(cell.candidate, t)}",
        f"<b>{share}</b> ({low} … {high} %)",
        f"{t(f'call.{cell.call.value}')}, n = {t.number(cell.n[0])} / {t.number(cell.n[1])}",
    ]
    return "<br>".join(lines)
