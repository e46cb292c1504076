"""Charts of scores: each with its interval, what became of the questions, history, and score against speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from core.domain.evaluation_reading import TALLIED, LeadRow, Tally
from core.domain.leaderboard import SpeedPoint
from render.charts.axes import date_stops
from render.charts.theme import BASELINE, FAILED, new_figure
from render.texts import Texts
from render.version_words import version_name

_ROW, _FRAME = 48, 84
_BAR_FRAME, _BAR_ROW = 124, 52
_TIME_HEIGHT, _SPEED_HEIGHT = 360, 400
_LONGEST = 60
_MOST_COLORS = 8  # more versions than this are told apart by the pointer alone


@dataclass(frozen=True)
class ScorePoint:
    """One line of the interval chart, in shares of 1. ``others`` are published scores, each with its name; ``id`` is
    what a click gives."""

    id: str
    name: str
    score: float
    low: float | None
    high: float | None
    n: int
    is_partial: bool = False
    note: str = ""
    others: tuple[tuple[str, float], ...] = ()


def score_intervals(points: Sequence[ScorePoint], t: Texts, revision: str = "scores") -> go.Figure:
    """A line a score, the first on top: its name above, the point with its 95 % interval below. Published scores are
    grey diamonds on the same line."""
    figure = new_figure(_FRAME + _ROW * len(points), revision)
    places = list(range(len(points)))
    figure.add_trace(
        go.Scatter(
            x=[point.score * 100 for point in points],
            y=places,
            mode="markers",
            name=t("score_chart.ours"),
            marker={
                "size": 11,
                "symbol": ["circle-open" if point.is_partial else "circle" for point in points],
                "line": {"width": [2 if point.is_partial else 0 for point in points]},
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_above(point) for point in points],
                "arrayminus": [_below(point) for point in points],
                "thickness": 2,
                "width": 5,
            },
            hovertext=[_score_hover(point, t) for point in points],
            hoverinfo="text",
            customdata=[[point.id] for point in points],
            cliponaxis=False,
        )
    )
    others = [(place, name, score) for place, point in zip(places, points, strict=True) for name, score in point.others]
    if others:
        figure.add_trace(_published(others, t))
        figure.update_layout(showlegend=True)
    name_rows(figure, [point.name for point in points])
    figure.update_xaxes(title_text=f"{t('score_chart.score')}  {t('metric.better')} →", ticksuffix=" %")
    return figure


def _published(others: Sequence[tuple[int, str, float]], t: Texts) -> go.Scatter:
    return go.Scatter(
        x=[score * 100 for _, _, score in others],
        y=[place for place, _, _ in others],
        mode="markers",
        name=t("score_chart.published"),
        marker={"size": 10, "symbol": "diamond-open", "color": BASELINE, "line": {"width": 2}},
        hovertext=[f"{escape(name)}<br>{t.percent(score)}" for _, name, score in others],
        hoverinfo="text",
        cliponaxis=False,
    )


def name_rows(figure: go.Figure, names: Sequence[str], room: float = 0.85, shift: int = 8) -> None:
    """A name above each row, within the chart: it costs no width on a small screen."""
    short = [name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "\N{HORIZONTAL ELLIPSIS}" for name in names]
    figure.update_yaxes(
        range=[len(names) - 0.45, -room],
        showgrid=False,
        fixedrange=True,
        tickmode="array",
        tickvals=list(range(len(names))),
        ticktext=[escape(name) for name in short],
        ticklabelposition="inside top",
        ticklabelshift=shift,
        tickfont={"size": 12},
    )


def _above(point: ScorePoint) -> float:
    return 0.0 if point.high is None else (point.high - point.score) * 100


def _below(point: ScorePoint) -> float:
    return 0.0 if point.low is None else (point.score - point.low) * 100


def _score_hover(point: ScorePoint, t: Texts) -> str:
    lines = [f"<b>{escape(point.name)}</b>", t.percent(point.score)]
    if point.low is not None and point.high is not None:
        lines.append(t("score.interval", low=t.number(point.low * 100, 1), high=t.number(point.high * 100, 1)))
    lines.append(t("score.n", n=t.number(point.n)))
    return "<br>".join([*lines, *([escape(point.note)] if point.note else [])])


# ---------------------------------------------------------------- what became of the questions

_FIXED = {"wrong": BASELINE, "errored": FAILED}
_HATCHED = {"truncated": "/", "overflow": "x", "no_answer": ".", "errored": "\\", "unscored": "-"}


def outcome_bars(tallies: Sequence[Tally], names: Sequence[str], t: Texts) -> go.Figure:
    """A bar a dataset or subset, 100 % long; what was not answered is hatched, each in its own way."""
    figure = new_figure(_BAR_FRAME + _BAR_ROW * len(tallies), "outcomes")
    places = list(range(len(tallies)))
    for kind in TALLIED:
        counts = [getattr(tally, kind) for tally in tallies]
        shares = [count / max(1, tally.total) for count, tally in zip(counts, tallies, strict=True)]
        figure.add_trace(
            go.Bar(
                x=[share * 100 for share in shares],
                y=places,
                orientation="h",
                name=t(f"outcome.{kind}"),
                width=0.34,
                showlegend=any(counts),  # always drawn: a colour keeps its meaning from chart to chart
                marker={"pattern": {"shape": _HATCHED.get(kind, ""), "size": 6, "solidity": 0.35}, **_color(kind)},
                hovertext=[
                    f"{t(f'outcome.{kind}')}<br>{t('score_chart.share', share=t.percent(share), count=t.number(count))}"
                    for share, count in zip(shares, counts, strict=True)
                ],
                hoverinfo="text",
                customdata=[[tally.dataset, tally.subset, kind] for tally in tallies],
            )
        )
    name_rows(figure, names, 0.8, 12)
    figure.update_layout(barmode="stack", showlegend=True, legend={"traceorder": "normal"})
    figure.update_xaxes(range=[0, 100], ticksuffix=" %", title_text=t("score_chart.questions"))
    return figure


def _color(kind: str) -> dict[str, Any]:
    return {"color": _FIXED[kind]} if kind in _FIXED else {}


# ---------------------------------------------------------------- over time, and against speed


def score_history(rows: Sequence[LeadRow], t: Texts) -> go.Figure:
    """Every evaluation of one model under the same conditions; a straight line in the order of time."""
    figure = new_figure(_TIME_HEIGHT, "history")
    found = [row for row in rows if row.score is not None]
    labels = list(dict.fromkeys(row.version_label for row in found))
    if len(labels) > _MOST_COLORS:
        figure.add_trace(_version_points(found, "", t))
        labels = []
    for label in labels:
        figure.add_trace(_version_points([row for row in found if row.version_label == label], label, t))
    figure.add_trace(
        go.Scatter(
            x=[row.created_at for row in found],
            y=[(row.score or 0.0) * 100 for row in found],
            mode="lines",
            line={"width": 1.5, "color": BASELINE, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_layout(showlegend=len(labels) > 1)
    figure.update_xaxes(tickformatstops=date_stops(t))
    figure.update_yaxes(title_text=f"{t('score_chart.score')}  {t('metric.better')} →", ticksuffix=" %")
    return figure


def _version_points(rows: Sequence[LeadRow], label: str, t: Texts) -> go.Scatter:
    return go.Scatter(
        x=[row.created_at for row in rows],
        y=[(row.score or 0.0) * 100 for row in rows],
        mode="markers",
        name=escape(label) or t("score.no_label"),
        marker={"size": 10, "symbol": ["circle-open" if row.is_partial else "circle" for row in rows]},
        error_y=_error(rows),
        hovertext=[f"{_lead_hover(row, t)}<br>{t.when(row.created_at)}" for row in rows],
        hoverinfo="text",
        customdata=[[row.run_id] for row in rows],
    )


def _error(rows: Sequence[LeadRow]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [((row.ci_high or row.score or 0.0) - (row.score or 0.0)) * 100 for row in rows],
        "arrayminus": [
            ((row.score or 0.0) - (row.ci_low if row.ci_low is not None else row.score or 0.0)) * 100 for row in rows
        ],
        "thickness": 1.5,
        "width": 4,
    }


def _lead_hover(row: LeadRow, t: Texts) -> str:
    lines = [f"<b>{escape(version_name(row.model, row.version_label, row.origin))}</b>", t.percent(row.score)]
    if row.ci_low is not None and row.ci_high is not None:
        lines.append(t("score.interval", low=t.number(row.ci_low * 100, 1), high=t.number(row.ci_high * 100, 1)))
    return "<br>".join([*lines, t("score.n", n=t.number(row.n))])


def score_speed(points: Sequence[SpeedPoint], t: Texts) -> go.Figure:
    """A point a version: the further to the upper right, the better on both."""
    figure = new_figure(_SPEED_HEIGHT, "speed")
    leads = [point.row.lead for point in points]
    names = [version_name(lead.model, lead.version_label, lead.origin) for lead in leads]
    figure.add_trace(
        go.Scatter(
            x=[point.speed.output_tokens_per_s for point in points],
            y=[(lead.score or 0.0) * 100 for lead in leads],
            mode="markers+text",
            text=[escape(name) for name in names],
            textposition=_sides(points) if points else None,
            textfont={"size": 11},
            marker={"size": 11},
            error_y=_error(leads),
            hovertext=[
                f"{_lead_hover(lead, t)}<br>{t.tokens_per_s(point.speed.output_tokens_per_s)}"
                for lead, point in zip(leads, points, strict=True)
            ],
            hoverinfo="text",
            customdata=[[lead.run_id] for lead in leads],
            cliponaxis=False,
        )
    )
    most = max((point.speed.output_tokens_per_s for point in points), default=1.0)
    title = f"{t('metric.output_tokens_per_s')}  {t('metric.better')} →"
    figure.update_xaxes(title_text=title, range=[0, most * 1.1])
    figure.update_yaxes(title_text=f"{t('score_chart.score')}  {t('metric.better')} →", ticksuffix=" %")
    return figure


def _sides(points: Sequence[SpeedPoint]) -> list[str]:
    """Names lie inwards of their points, those of neighbours above and below in turn."""
    most = max(point.speed.output_tokens_per_s for point in points)
    order = sorted(range(len(points)), key=lambda place: points[place].row.lead.score or 0.0)
    sides = {}
    for turn, place in enumerate(order):
        side = "left" if points[place].speed.output_tokens_per_s > most * 0.6 else "right"
        sides[place] = f"{('bottom', 'top')[turn % 2]} {side}"
    return [sides[place] for place in range(len(points))]
