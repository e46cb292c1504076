"""Two evaluations: both scores of every dataset, joined; the baseline grey."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from core.domain.evaluation_pairs import PairedScores
from render.charts.scores import name_rows
from render.charts.theme import BASELINE, new_figure
from render.texts import Texts

_ROW, _FRAME = 46, 96


def before_and_after(pairs: Sequence[PairedScores], names: tuple[str, str], t: Texts) -> go.Figure:
    """A line a dataset: a grey diamond for the baseline, a point for the candidate with the interval of the difference
    around it; no line leaves what a score can be."""
    figure = new_figure(_FRAME + _ROW * len(pairs), "pairs")
    places = list(range(len(pairs)))
    after = go.Scatter(
        x=[pair.after * 100 for pair in pairs],
        y=places,
        mode="markers",
        name=escape(names[1]),
        marker={"size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [(min(pair.after + pair.interval.high - pair.gap, 1.0) - pair.after) * 100 for pair in pairs],
            "arrayminus": [(pair.after - max(pair.after + pair.interval.low - pair.gap, 0.0)) * 100 for pair in pairs],
            "thickness": 2,
            "width": 5,
        },
        hovertext=[_hover(pair, names[1], pair.after, t) for pair in pairs],
        hoverinfo="text",
        cliponaxis=False,
    )
    before = go.Scatter(
        x=[pair.before * 100 for pair in pairs],
        y=places,
        mode="markers",
        name=escape(names[0]),
        marker={"size": 11, "symbol": "diamond-open", "color": BASELINE, "line": {"width": 2}},
        hovertext=[_hover(pair, names[0], pair.before, t) for pair in pairs],
        hoverinfo="text",
        cliponaxis=False,
    )
    figure.add_traces([after, before])
    name_rows(figure, [pair.dataset for pair in pairs])
    figure.update_layout(showlegend=True)
    figure.update_xaxes(title_text=f"{t('score_chart.score')}  {t('metric.better')} →", ticksuffix=" %")
    return figure


def _hover(pair: PairedScores, name: str, score: float, t: Texts) -> str:
    lines = [f"<b>{escape(pair.dataset)}</b>", escape(name), t.percent(score)]
    return "<br>".join([*lines, *([t("score.n", n=t.number(pair.pairs))] if pair.pairs else [])])
