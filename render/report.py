"""One run as one HTML file that needs nothing else: charts with their script inside, tables, provenance, both
languages. It opens by file:// with the network off, and asks for nothing (its own policy forbids it); it prints.
Whatever a person or a server wrote is text in it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path

import plotly.graph_objects as go

from core.domain.capacity import Capacity
from core.services.results import PointDetail, RequestRow, RunDetail
from render.answers import run_answer, warning_lines
from render.capacity_words import capacity_answer, capacity_table
from render.charts import (
    FEW_REQUESTS,
    METRICS,
    Axis,
    Curve,
    cumulative,
    exported,
    latency_throughput,
    load_words,
    percentiles_by_load,
    point_over_time,
    spread,
)
from render.guide import guide_table
from render.provenance import provenance_facts, run_line, run_title
from render.tables import failure_lines, html_table, percentile_table
from render.texts import LANGUAGE_NAMES, LANGUAGES, Texts

DRAWN_REQUESTS = 500
"""Of more requests every so-manieth is drawn, so that a file stays small enough to be sent."""
_FOLDER = Path(__file__).parent


def run_report(detail: RunDetail, t: Texts, *, found: Capacity | None = None, point: PointDetail | None = None) -> str:
    """The whole file; it opens in the language of ``t``, times in its zone. ``found``: the service level's answer;
    ``point``: the load point that is shown in full."""
    bodies = "".join(_body(detail, Texts(language, t.zone), found, point) for language in LANGUAGES)
    return page(run_title(detail.run), bodies, t)


def page(title: str, bodies: str, t: Texts) -> str:
    """A file around bodies of both languages, each ``<main lang="..">`` with charts from ``figure_block``."""
    switch = "".join(
        f'<button type="button" data-language="{language}">{escape(LANGUAGE_NAMES[language])}</button>'
        for language in LANGUAGES
    )
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_part('report.css')}</style>"
    )
    return (
        f'<!doctype html>\n<html lang="{t.language}"><head>{head}</head><body>'
        f"<nav>{switch}{_print_button()}</nav>{bodies}"
        f"<script>{plotly_script()}</script><script>{_part('report.js')}</script></body></html>\n"
    )


def _print_button() -> str:
    words = " ".join(f'data-{language}="{escape(Texts(language)("report.print"))}"' for language in LANGUAGES)
    return f'<button type="button" data-print {words}></button>'


def figure_block(figure: go.Figure, title: str, alt: str, hint: str = "") -> str:
    """A chart and the words around it; it is drawn when its language is shown."""
    # A "<" in a script would end it where the figure holds somebody's words.
    data = (exported(figure).to_json() or "{}").replace("<", "\\u003c")
    below = f"<figcaption>{escape(hint)}</figcaption>" if hint else ""
    return (
        f"<figure><h3>{escape(title)}</h3>"
        f'<div class="chart" role="img" aria-label="{escape(alt)}" style="height:{figure.layout.height}px">'
        f'<script type="application/json">{data}</script></div>{below}</figure>'
    )


@cache
def plotly_script() -> str:
    """Plotly's own, from the installed package."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _part(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _body(detail: RunDetail, t: Texts, found: Capacity | None, point: PointDetail | None) -> str:
    parts = [_head(detail, t), *([_capacity(found, t)] if found else [])]
    if detail.measurements:
        parts += [_charts(detail, t), _tables(detail, t)]
    if point is not None and point.requests:
        parts.append(_point(point, t))
    parts.append(_evidence(detail, t))
    return f'<main lang="{t.language}">{"".join(parts)}</main>'


def _head(detail: RunDetail, t: Texts) -> str:
    run = detail.run
    simulated = f' <span class="badge">{escape(t("app.simulated"))}</span>' if run.origin == "simulated" else ""
    tags = "".join(f' <span class="tag">{escape(tag)}</span>' for tag in run.tags)
    warned = "".join(f'<p class="warn">{escape(line)}</p>' for line in warning_lines(detail.measurements, t))
    line = " · ".join(part for part in run_line(run, detail.measurements, t) if part)
    note = f'<p class="note">{escape(run.note)}</p>' if run.note else ""
    return (
        f'<h1>{escape(run_title(run))}{simulated}{tags}</h1><p class="lead">{escape(run_answer(detail, t))}</p>'
        f'{warned}<p class="small">{escape(line)}</p>{note}'
    )


def _capacity(found: Capacity, t: Texts) -> str:
    answer = escape(capacity_answer(found, t))
    return f"<h2>{escape(t('page.run.slo'))}</h2><p><b>{answer}</b></p>{html_table(capacity_table(found, t))}"


def _charts(detail: RunDetail, t: Texts) -> str:
    curve = Curve(detail.run.id, run_title(detail.run), detail.measurements)
    figure = latency_throughput([curve], t, x=Axis("ttft_p50"), y=Axis("output_tokens_per_s"))
    answer = run_answer(detail, t)
    blocks = [figure_block(figure, t("page.run.chart"), f"{curve.name}: {answer}")]
    by_load = t("page.run.percentiles")
    for metric in METRICS:
        name = t(f"metric.{metric}")
        blocks.append(figure_block(percentiles_by_load(detail.measurements, metric, t), name, f"{by_load}: {name}"))
    first, *rest = blocks
    return f'{first}<h2>{escape(by_load)}</h2><div class="pair">{"".join(rest)}</div>'


def _tables(detail: RunDetail, t: Texts) -> str:
    table = percentile_table(detail.measurements, t)
    rough = f'<p class="small">{escape(t("page.run.rough", limit=FEW_REQUESTS))}</p>' if table.has_rough else ""
    failed = "".join(f'<p class="warn">{escape(line)}</p>' for line in failure_lines(detail.measurements, t))
    guide = html_table(guide_table(detail.measurements, t), left=2)
    return (
        f'<h2>{escape(t("page.run.table"))}</h2><p class="small">{escape(t("page.run.table_lead"))}</p>'
        f"{html_table(table)}{rough}{failed}<h2>{escape(t('guide.title'))}</h2>{guide}"
    )


def _point(point: PointDetail, t: Texts) -> str:
    rows = drawn(point.requests)
    title = t("page.run.point_title", load=load_words(point.measurement, t))
    hint = t("report.drawn", drawn=len(rows), total=len(point.requests)) if len(rows) < len(point.requests) else ""
    blocks = [figure_block(point_over_time(rows, point.looks, "ttft", t), t("page.run.over_time"), title, hint)]
    pairs = [figure_block(figure, name, f"{title}: {name}") for name, figure in _distributions(point.requests, t)]
    return f'<h2>{escape(title)}</h2>{"".join(blocks)}<div class="pair">{"".join(pairs)}</div>'


def _distributions(rows: Sequence[RequestRow], t: Texts) -> Iterator[tuple[str, go.Figure]]:
    for metric in ("ttft", "tpot", "e2el"):
        yield f"{t(f'metric.{metric}_short')}: {t('page.run.spread')}", spread(rows, metric, t)
        yield f"{t(f'metric.{metric}_short')}: {t('page.run.cumulative')}", cumulative(rows, metric, t)


def drawn(rows: Sequence[RequestRow]) -> Sequence[RequestRow]:
    """Few enough to draw: every so-manieth, and all that failed up to as many again."""
    if len(rows) <= DRAWN_REQUESTS:
        return rows
    step = -(-len(rows) // DRAWN_REQUESTS)
    failed = [row for row in rows if row.failure is not None][:DRAWN_REQUESTS]
    return sorted({row.index: row for row in [*rows[::step], *failed]}.values(), key=lambda row: row.index)


def _evidence(detail: RunDetail, t: Texts) -> str:
    facts = "".join(
        f"<dt>{escape(t(f'provenance.{key}'))}</dt><dd>{escape(value)}</dd>"
        for key, value in provenance_facts(detail.run, detail.measurements, t)
    )
    command = escape(shlex.join(detail.run.command))
    return (
        f"<h2>{escape(t('page.run.tab_provenance'))}</h2><dl>{facts}</dl>"
        f"<h2>{escape(t('page.run.tab_reproduce'))}</h2><pre>{command}</pre>"
    )
