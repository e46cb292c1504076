"""A comparison as tables, Markdown and a JSON document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from core.domain.benchmark import tool_words
from core.domain.comparison import FIGURES, POOLED, Call, Cell, Comparison, Evidence, Load, Pair, Unit
from core.domain.config_diff import DiffRow
from core.domain.gate import GateResult
from core.domain.version import Version
from core.formats import records
from render.charts.axes import Axis
from render.comparisons import answers, basis, caution, interval, load_name, names, notes, signed
from render.tables import Table, markdown
from render.texts import Texts
from render.words import ABSENT


def shown_loads(pair: Pair) -> tuple[Load, ...]:
    """All loads together first, where there are several."""
    return (POOLED, *pair.loads) if len(pair.loads) > 1 else pair.loads


def change_text(cell: Cell | None) -> str:
    """``+11 % (+8 to +14)``: the change with its interval's ends."""
    if cell is None or cell.baseline is None or cell.candidate is None:
        return ABSENT
    if cell.change is None:
        return signed(cell.candidate / cell.baseline - 1.0)
    low, high = interval(cell)
    return f"{signed(cell.change.share)} ({low} … {high})"


def change_table(pair: Pair, t: Texts) -> Table:
    """A row a figure, a column a load; the verdict of each in words."""
    known = [figure for figure in FIGURES if any(cell.figure == figure for cell in pair.cells)]
    columns = {t("page.compare.column_figure"): tuple(t(f"figure_head.{figure.id}") for figure in known)}
    for load in shown_loads(pair):
        cells = [pair.cell(figure, load) for figure in known]
        columns[load_name(load, t)] = tuple(_called(cell, t) for cell in cells)
    return Table(columns, False)


def _called(cell: Cell | None, t: Texts) -> str:
    text = change_text(cell)
    return f"{text} {t(f'call.{cell.call.value}')}" if cell and cell.call in {Call.BETTER, Call.WORSE} else text


def figure_rows(pair: Pair, load: Load, t: Texts) -> tuple[tuple[Cell, Mapping[str, str]], ...]:
    """The figures of one load, as measured: a row a figure, cells by column name."""
    rows = []
    for cell in (cell for cell in pair.cells if cell.load == load):
        axis = Axis(cell.figure.id)
        low, high = interval(cell)
        share = cell.candidate / cell.baseline - 1.0 if cell.candidate and cell.baseline else None
        count = f"{t.number(cell.n[0])} / {t.number(cell.n[1])}" if any(cell.n) else ABSENT
        rows.append(
            (
                cell,
                {
                    "figure": t(f"figure_head.{cell.figure.id}"),
                    "baseline": axis.format(cell.baseline, t),
                    "candidate": axis.format(cell.candidate, t),
                    "change": ABSENT if share is None else signed(share),
                    "interval": f"{low} … {high} %" if cell.change else ABSENT,
                    "call": t(f"call.{cell.call.value}"),
                    "count": count,
                },
            )
        )
    return tuple(rows)


FIGURE_COLUMNS = ("figure", "baseline", "candidate", "change", "interval", "call", "count")


def figures_table(pair: Pair, load: Load, t: Texts) -> Table:
    """The same as a table."""
    rows = [words for _, words in figure_rows(pair, load, t)]
    heads = {name: t(f"page.compare.column_{name}") for name in FIGURE_COLUMNS}
    if pair.basis.unit is Unit.REPEATS:
        heads["count"] = t("page.compare.column_count_repeats")
    return Table({heads[name]: tuple(words[name] for words in rows) for name in FIGURE_COLUMNS}, False)


def config_value(row: DiffRow, value: str | None) -> str:
    """Long digests by their beginning."""
    if value is None:
        return ABSENT
    return value[:19] + "…" if row.key.endswith(("digest", "fingerprint")) and len(value) > 20 else value


def config_name(row: DiffRow, t: Texts) -> str:
    """A fact in words; an option or a variable as it is spelt."""
    if row.key.startswith("env "):
        return t("config.environment", name=row.key.removeprefix("env "))
    return t(f"config.{row.key}") if t.has(f"config.{row.key}") else row.key


def config_table(rows: Sequence[DiffRow], comparison: Comparison, t: Texts) -> Table:
    """A row a setting, a column a run."""
    called = names(comparison.sides, t)
    columns = {t("page.compare.config_key"): tuple(config_name(row, t) for row in rows)}
    for place, side in enumerate(comparison.sides):
        columns[called[side.run.id]] = tuple(config_value(row, row.values[place]) for row in rows)
    return Table(columns, False)


def comparison_markdown(comparison: Comparison, config: Sequence[DiffRow], t: Texts) -> str:
    """For a chat or a report: the answer, the table, what differs, what it rests on, which runs."""
    called = names(comparison.sides, t)
    base = called[comparison.baseline.run.id]
    others = t("answer.listed").join(called[pair.candidate.run.id] for pair in comparison.pairs)
    parts = [f"### {_inert(t('comparison.markdown_title', candidates=others, baseline=base))}", ""]
    parts += [f"{_inert(answer)}  " for answer in answers(comparison, t)]
    for pair in comparison.pairs:
        parts += ["", f"**{_inert(called[pair.candidate.run.id])}**", ""]
        parts += [_inert(said) for said in [caution(pair, t)] if said]
        parts += [markdown(change_table(pair, t), _inert_cell, left=1), ""] if pair.cells else []
        parts += [f"- {_inert(line)}" for line in (*basis(pair, t), *notes(pair, t))]
    differing = [row for row in config if row.differs]
    if differing:
        parts += [
            "",
            f"**{t('page.compare.config')}**",
            "",
            markdown(config_table(differing, comparison, t), _inert_cell, left=9),
        ]
    parts += [
        "",
        *(f"- {_inert(called[side.run.id])}: `{side.run.id}`, {_inert(_told(side, t))}" for side in comparison.sides),
    ]
    return "\n".join(parts) + "\n"


def _told(side: Evidence, t: Texts) -> str:
    run = side.run
    tool = tool_words(run, side.measurements)
    return t("answer.listed").join(part for part in (t.when(run.started_at or run.created_at), tool) if part)


def _inert(text: str) -> str:
    """Plain text inside Markdown."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


def _inert_cell(text: str) -> str:
    """Of a table: bars and stars are escaped already."""
    for sign in "`_<>[]":
        text = text.replace(sign, f"\\{sign}")
    return text


# ------------------------------------------------------------ JSON


def comparison_document(comparison: Comparison, config: Sequence[DiffRow], t: Texts) -> dict[str, Any]:
    """Codes and numbers, and the sentences beside them. Changes are shares: 0.05 is 5 % more."""
    called = names(comparison.sides, t)
    return {
        "answers": list(answers(comparison, t)),
        "baseline": _side(comparison.baseline, called),
        "candidates": [_pair(pair, called, t) for pair in comparison.pairs],
        "configuration": [{"key": row.key, "values": list(row.values)} for row in config if row.differs],
    }


def _side(side: Evidence, called: Mapping[str, str]) -> dict[str, Any]:
    version = json.loads(records.dumps(Version, side.version))
    tool = tool_words(side.run, side.measurements)
    return {"run_id": side.run.id, "name": called[side.run.id], "version": version, "tool": tool}


def _pair(pair: Pair, called: Mapping[str, str], t: Texts) -> dict[str, Any]:
    noise = pair.basis.noise
    return {
        **_side(pair.candidate, called),
        "verdict": pair.verdict.value,
        "weakened": pair.is_weakened,
        "differences": [
            {"code": one.code, "weight": one.weight.value, "baseline": one.baseline, "candidate": one.candidate}
            for one in pair.differences
        ],
        "caution": caution(pair, t),
        "basis": {
            "unit": pair.basis.unit.value,
            "repeats": pair.basis.repeats,
            "figures_corrected_for": pair.basis.tests,
            "points_in_blocks_of_time": pair.basis.disturbed,
            "noise_floor": {figure.id: noise.floor(figure) for figure in FIGURES},
            "noise_runs": list(noise.run_ids),
        },
        "figures": [cell_document(cell) for cell in pair.cells],
    }


def load_document(load: Load) -> dict[str, float | None]:
    """A load as plain values."""
    return {"concurrency": load.concurrency, "rate_per_s": load.rate_per_s}


def cell_document(cell: Cell) -> dict[str, Any]:
    """``load`` None: over all loads."""
    change = cell.change
    return {
        "figure": cell.figure.id,
        "better": cell.figure.better.value,
        "load": None if cell.load.is_pooled else load_document(cell.load),
        "baseline": cell.baseline,
        "candidate": cell.candidate,
        "change": change and change.share,
        "low": change and change.low - 1.0,
        "high": change and change.high - 1.0,
        "p_value": change and change.p_value,
        "n": list(cell.n),
        "call": cell.call.value,
    }


def gate_document(result: GateResult, t: Texts) -> dict[str, Any]:
    """The outcome, what broke the limit, and the whole pair."""
    called = {result.pair.candidate.run.id: result.pair.candidate.run.id}
    return {
        "outcome": result.outcome.value,
        "max_regression": result.max_regression,
        "offenders": [cell_document(cell) for cell in result.offenders],
        "unanswered": [load_document(load) for load in result.unanswered],
        "is_whole": result.is_whole,
        "candidate": _pair(result.pair, called, t),
    }
