"""Charts: pure functions from read models to Plotly figures. Words come with ``t``, colours where they are drawn."""

from render.charts.axes import FEW_REQUESTS, LATENCIES, METRICS, RATES, Axis, load_label, load_words
from render.charts.curves import latency_throughput, percentiles_by_load
from render.charts.points import Curve, by_point
from render.charts.requests import cumulative, requests_over_time, spread
from render.charts.server import point_over_time
from render.charts.theme import SCHEMES, exported

__all__ = [
    "FEW_REQUESTS",
    "LATENCIES",
    "METRICS",
    "RATES",
    "SCHEMES",
    "Axis",
    "Curve",
    "by_point",
    "cumulative",
    "exported",
    "latency_throughput",
    "load_label",
    "load_words",
    "percentiles_by_load",
    "point_over_time",
    "requests_over_time",
    "spread",
]
