"""A load point over time: its requests above, and on the same clock what the server said of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import plotly.graph_objects as go

from core.services.results import RequestRow
from render.charts.requests import requests_over_time
from render.texts import Texts

HEIGHT = 520
_UPPER, _LOWER = (0.5, 1.0), (0.0, 0.36)
Looks = Sequence[Mapping[str, float]]
_COUNTS = (("num_requests_running", "running"), ("num_requests_waiting", "waiting"))


def point_over_time(rows: Sequence[RequestRow], looks: Looks, metric: str, t: Texts) -> go.Figure:
    """The requests; below them, where the server told any, its requests running and waiting (left) and the share of its
    KV cache in use (right). Looks before the point's start, during warm-up, are left out."""
    figure = requests_over_time(rows, metric, t)
    shown = [look for look in looks if look["t_s"] >= 0]
    if not shown:
        return figure
    figure.update_layout(height=HEIGHT, showlegend=True, yaxis={"domain": _UPPER})
    figure.update_xaxes(anchor="y2")
    for key, word in _COUNTS:
        _line(figure, shown, key, t(f"server.{word}"), "y2", lambda value: t.number(value, 0), "solid", t)
    _line(figure, shown, "kv_cache_usage_perc", t("server.kv_cache"), "y3", t.percent, "dot", t)
    figure.update_layout(
        yaxis2={"domain": _LOWER, "title": {"text": t("server.requests")}, "rangemode": "tozero"},
        yaxis3={
            "overlaying": "y2",
            "side": "right",
            "range": [0, 1.02],
            "tickformat": ".0%",
            "tickvals": [0, 0.5, 1],
            "showgrid": False,
            "title": {"text": t("server.kv_cache")},
        },
    )
    return figure


def _line(
    figure: go.Figure,
    looks: Looks,
    key: str,
    name: str,
    axis: str,
    words: Callable[[float], str],
    dash: str,
    t: Texts,
) -> None:
    found = [(look["t_s"], look[key]) for look in looks if key in look]
    if not found:
        return
    figure.add_trace(
        go.Scatter(
            x=[at for at, _ in found],
            y=[value for _, value in found],
            yaxis=axis,
            name=name,
            mode="lines+markers",
            line={"width": 1.5, "dash": dash},
            marker={"size": 4},
            hovertext=[f"{name}: <b>{words(value)}</b><br>{t.duration(at)}" for at, value in found],
            hoverinfo="text",
        )
    )
