"""A run's figures as a table of words: for pages, Markdown and CSV alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from core.domain.benchmark import Measurement
from render.charts.axes import Axis, load_label, load_words
from render.texts import Texts

_LATENCIES = ("ttft_p50", "ttft_p90", "ttft_p99", "tpot_p50", "tpot_p99", "itl_p99", "e2el_p50", "e2el_p99")
_STAR = "*"


@dataclass(frozen=True)
class Table:
    """Columns by head, cells in order; latencies in milliseconds. ``has_rough``: a starred one is of too few values."""

    columns: Mapping[str, tuple[str, ...]]
    has_rough: bool


def percentile_table(measurements: Sequence[Measurement], t: Texts) -> Table:
    """A row per point and repeat, in the order of the points."""
    ordered = sorted(measurements, key=lambda m: (m.point_index, m.repeat))
    axes = [Axis(latency) for latency in _LATENCIES]
    columns = {
        t("table.load"): tuple(load_label(m, t) for m in ordered),
        t("table.succeeded"): tuple(t.number(m.requests.succeeded) for m in ordered),
        t("table.failed"): tuple(t.number(m.requests.failed) for m in ordered),
        t("table.output"): tuple(t.number(m.output_tokens_per_s) for m in ordered),
        t("table.requests_per_s"): tuple(t.number(m.requests_per_s) for m in ordered),
        **{axis.name(t): tuple(_latency(axis, m, t) for m in ordered) for axis in axes},
        t("table.duration"): tuple(t.duration(m.duration_s) for m in ordered),
    }
    return Table(columns, any(axis.is_rough(m) and axis.samples(m) > 0 for axis in axes for m in ordered))


def markdown(table: Table, style: Callable[[str], str] = str, left: int = 0) -> str:
    """The table in Markdown, numbers to the right, but for the first ``left`` columns. ``style`` wraps each cell."""
    heads = [style(_cell(head)) for head in table.columns]
    rows = [[style(_cell(cell)) for cell in row] for row in zip(*table.columns.values(), strict=True)]
    sides = [":---" if place < left else "---:" for place in range(len(heads))]
    lines = [heads, sides, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*")


def failure_lines(measurements: Sequence[Measurement], t: Texts) -> tuple[str, ...]:
    """What failed where, by kind; nothing where nothing did."""
    return tuple(
        t("page.run.failure_line", load=load_words(m, t), kinds=t("answer.listed").join(_kinds(m, t)))
        for m in sorted(measurements, key=lambda m: (m.point_index, m.repeat))
        if m.requests.failed
    )


def _kinds(measurement: Measurement, t: Texts) -> list[str]:
    counts = sorted(measurement.requests.failures.items(), key=lambda item: -item[1])
    return [t("page.run.failure_kind", count=t.number(count), kind=t.failure(kind)) for kind, count in counts]


def _latency(axis: Axis, measurement: Measurement, t: Texts) -> str:
    value = axis.value(measurement)
    star = _STAR if value is not None and axis.is_rough(measurement) else ""
    return f"{t.number(value)}{star}"


def html_table(table: Table, left: int = 0) -> str:
    """The table in HTML; every cell is text. The first ``left`` columns stand to the left."""
    sides = ["left" if place < left else "right" for place in range(len(table.columns))]
    heads = "".join(_html_cell("th", head, side) for head, side in zip(table.columns, sides, strict=True))
    rows = [
        "".join(_html_cell("td", cell, side) for cell, side in zip(row, sides, strict=True))
        for row in zip(*table.columns.values(), strict=True)
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="table"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'


def _html_cell(tag: str, text: str, side: str) -> str:
    return f'<{tag} class="{side}">{escape(text)}</{tag}>'
