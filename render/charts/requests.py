"""Charts of one load point's requests, from their records."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

import plotly.graph_objects as go

from core.domain.statistics import percentile
from core.services.results import RequestRow
from render.charts.nice import round_up
from render.charts.theme import BASELINE, FAILED, new_figure
from render.texts import Texts

HEIGHT = 300
GAPS = "itl"
"""Of chunks, pooled over the requests: there are many more of them than requests."""
MANY = 2_000
"""Above this many points the browser draws with WebGL: SVG makes an element of each."""
_BINS = 40
_STEPS = 400


def took_ms(row: RequestRow, metric: str) -> float | None:
    """``ttft``, ``tpot`` or ``e2el`` of one request."""
    value: float | None = getattr(row, f"{metric}_ms")
    return value


def requests_over_time(rows: Sequence[RequestRow], metric: str, t: Texts) -> go.Figure:
    """Each request when it was sent, and what it took; failures have a sign of their own, on the zero line."""
    figure = new_figure(HEIGHT, f"time/{metric}")
    good = [row for row in rows if row.failure is None and took_ms(row, metric) is not None]
    bad = [row for row in rows if row.failure is not None and row.started_s is not None]
    kind, options = (go.Scattergl, {}) if len(rows) > MANY else (go.Scatter, {"cliponaxis": False})
    figure.add_trace(
        kind(
            x=[row.started_s for row in good],
            y=[took_ms(row, metric) for row in good],
            mode="markers",
            name=t("metric.succeeded"),
            marker={"size": 6, "opacity": 0.7},
            hovertext=[_hover(row, t) for row in good],
            hoverinfo="text",
            **options,
        )
    )
    if bad:
        figure.add_trace(
            kind(
                x=[row.started_s for row in bad],
                y=[took_ms(row, metric) or 0.0 for row in bad],
                mode="markers",
                name=t("metric.failed"),
                marker={"size": 9, "symbol": "x", "color": FAILED},
                hovertext=[_hover(row, t) for row in bad],
                hoverinfo="text",
                **options,
            )
        )
    figure.update_layout(showlegend=bool(bad))
    figure.update_xaxes(title_text=t("chart.sent_after"), rangemode="tozero")
    figure.update_yaxes(title_text=_title(metric, t), rangemode="tozero")
    return figure


def spread(rows: Sequence[RequestRow], metric: str, t: Texts) -> go.Figure:
    """How many requests took how long, with median and p99."""
    return histogram(_taken(rows, metric), metric, t)


def cumulative(rows: Sequence[RequestRow], metric: str, t: Texts) -> go.Figure:
    """The share of requests that took at most so long: nothing is lost to the width of a bin."""
    return shares(_taken(rows, metric), metric, t)


def _taken(rows: Sequence[RequestRow], metric: str) -> list[float]:
    taken = (took_ms(row, metric) for row in rows if row.failure is None)
    return sorted(value for value in taken if value is not None)


def histogram(values: Sequence[float], metric: str, t: Texts) -> go.Figure:
    """How many of ascending ``values`` (ms) are how long; of ``itl`` they are gaps, else requests."""
    figure = new_figure(HEIGHT, f"spread/{metric}")
    if values:
        start, width, counts = bins(values)
        middles = [start + width * (number + 0.5) for number in range(len(counts))]
        told = [_bin_hover(start + width * number, width, count, t) for number, count in enumerate(counts)]
        figure.add_trace(go.Bar(x=middles, y=counts, width=width * 0.94, hovertext=told, hoverinfo="text"))
        for share, statistic, anchor in ((0.5, "p50", "right"), (0.99, "p99", "left")):
            value = percentile(values, share)
            _mark(figure, value, f"{t(f'metric.{statistic}')} {t.ms(value)}", anchor)
        figure.update_layout(margin={"t": 28})
    figure.update_xaxes(title_text=_title(metric, t))
    figure.update_yaxes(title_text=t("chart.gaps" if metric == GAPS else "chart.requests"), rangemode="tozero")
    return figure


def shares(values: Sequence[float], metric: str, t: Texts) -> go.Figure:
    """The share of ascending ``values`` (ms) that is at most so long. Of many every so-manieth is drawn; the last one
    always."""
    figure = new_figure(HEIGHT, f"cumulative/{metric}")
    if values:
        step = max(1, len(values) // _STEPS)
        ranks = sorted({*range(0, len(values), step), len(values) - 1})
        parts = [(rank + 1) / len(values) for rank in ranks]
        sentence = "chart.gaps_at_most" if metric == GAPS else "chart.at_most"
        told = [
            t(sentence, share=t.percent(part), value=t.ms(values[rank]))
            for rank, part in zip(ranks, parts, strict=True)
        ]
        line = go.Scatter(x=[values[rank] for rank in ranks], y=parts, mode="lines", line={"shape": "hv", "width": 2})
        figure.add_trace(line.update(hovertext=told, hoverinfo="text"))
        for share, statistic, anchor in ((0.5, "p50", "right"), (0.99, "p99", "left")):
            value = percentile(values, share)
            _mark(figure, value, f"{t(f'metric.{statistic}')} {t.ms(value)}", anchor)
        figure.update_layout(margin={"t": 28})
    figure.update_xaxes(title_text=_title(metric, t))
    figure.update_yaxes(
        title_text=t("chart.share_of_gaps" if metric == GAPS else "chart.share_of_requests"),
        range=[0, 1.02],
        tickformat=".0%",
    )
    return figure


def bins(values: Sequence[float]) -> tuple[float, float, list[int]]:
    """Start, width and counts of at most 40 bins over ascending values; the width is 1, 2 or 5 times a power of ten."""
    low, high = values[0], values[-1]
    width = round_up((high - low) / _BINS) if high > low else max(abs(low) * 0.01, 0.001)
    start = floor(low / width) * width
    counts = [0] * (floor((high - start) / width) + 1)
    for value in values:
        counts[min(floor((value - start) / width), len(counts) - 1)] += 1
    return start, width, counts


def _mark(figure: go.Figure, value: float, text: str, anchor: str) -> None:
    """Above the bars, away from the other mark."""
    figure.add_vline(x=value, line={"color": BASELINE, "dash": "dash", "width": 1.5})
    place = {"x": value, "xanchor": anchor, "y": 1, "yref": "paper", "yanchor": "bottom"}
    figure.add_annotation(text=text, showarrow=False, font={"color": BASELINE}, **place)


def _title(metric: str, t: Texts) -> str:
    return f"{t(f'metric.{metric}_short')} (ms)"


def _hover(row: RequestRow, t: Texts) -> str:
    lines = [f"<b>{t('chart.request', number=row.index + 1)}</b>"]
    if row.failure is not None:
        lines.append(t.failure(row.failure))
    lines += [
        f"{t(f'metric.{metric}_short')}: {t.ms(took_ms(row, metric))}"
        for metric in ("ttft", "tpot", "e2el")
        if took_ms(row, metric) is not None
    ]
    return "<br>".join([*lines, f"{t('metric.output_tokens')}: {t.number(row.output_tokens)}"])


def _bin_hover(low: float, width: float, count: int, t: Texts) -> str:
    said = t("chart.bin", low=t.ms(low), high=t.ms(low + width))
    return f"{said}<br><b>{t('chart.count', count=t.number(count))}</b>"
