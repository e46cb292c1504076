"""Evaluations and boards as files: JSON, CSV, Markdown. Units in the names, absent values null or empty."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.domain.benchmark import RunHead
from core.domain.evaluation import EvaluationRequest, Sample, ScoreRow
from core.domain.evaluation_pairs import PairedScores
from core.domain.evaluation_reading import Tally
from core.domain.evaluation_scores import Conditions, Ending
from core.domain.leaderboard import Beside, Board, BoardRow
from core.services.evaluation_results import EvaluationComparison, EvaluationDetail
from render.documents import plain
from render.score_words import (
    board_answer,
    comparison_answer,
    conditions_words,
    evaluation_answer,
    interval_words,
    lead_name,
    pair_sentence,
    rank_words,
    run_name,
)
from render.texts import Texts

_ROW_NAMES = tuple(name for name in ScoreRow.__dataclass_fields__ if name != "ci95")
_BOARD_NAMES = ("run_id", "model", "version_label", "platform", "score", "n", "requested")
_LOSSES = ("truncated", "overflow", "no_answer", "errored")
_SCORE_COLUMNS = ("dataset", "subset", "score", "ci", "n", *_LOSSES, "unscored", "tokens", "time")
_PAIR_NAMES = ("dataset", "pairs", "before", "after", "p_value", "won", "lost", "lost_unanswered")
_SAMPLE_NAMES = tuple(name for name in Sample.__dataclass_fields__ if name != "scores")


# ---------------------------------------------------------------- one evaluation


def score_document(row: ScoreRow) -> dict[str, Any]:
    """One figure with everything that says how far to trust it."""
    return {**{name: getattr(row, name) for name in _ROW_NAMES}, "ci95": list(row.ci95) if row.ci95 else None}


def evaluation_document(detail: EvaluationDetail) -> dict[str, Any]:
    """An evaluation with every score, its conditions, what was found amiss, and what it remembers."""
    run = detail.run
    return {
        "run_id": run.id,
        "state": run.state.value,
        "model": run.model,
        "version_label": run.version_label,
        "scores": [score_document(row) for found in detail.datasets for row in found.rows],
        "conditions": {
            found.dataset: {"key": found.conditions.key, **plain(Conditions, found.conditions)}
            for found in detail.datasets
        },
        "health": {
            health.dataset: {
                "best_score": health.best_score,
                "findings": [
                    {"code": finding.code, "severity": finding.severity.value, **finding.params}
                    for finding in health.findings
                ],
            }
            for health in detail.healths
        },
        "outcomes": [plain(Tally, tally) for tally in detail.tallies],
        "request": plain(EvaluationRequest, detail.request),
        "run": plain(RunHead, run),
    }


def evaluation_json(detail: EvaluationDetail) -> str:
    """The document as text."""
    return json.dumps(evaluation_document(detail), ensure_ascii=False, indent=2, allow_nan=False)


def scores_csv(detail: EvaluationDetail) -> str:
    """A line a figure."""
    rows = []
    for found in detail.datasets:
        for row in found.rows:
            low, high = row.ci95 or (None, None)
            names = {name: getattr(row, name) for name in _ROW_NAMES}
            rows.append({**names, "ci95_low": low, "ci95_high": high, "conditions_key": found.conditions.key})
    return _csv(rows)


def scores_table(rows: Iterable[ScoreRow], t: Texts) -> str:
    """Scores as a Markdown table, numbers to the right."""
    columns = score_columns(rows, t)
    sides = [":---" if place < word_columns(columns, t) else "---:" for place in range(len(columns))]
    lines = [list(columns), sides, *([_cell(cell) for cell in line] for line in zip(*columns.values(), strict=True))]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def score_columns(rows: Iterable[ScoreRow], t: Texts) -> dict[str, tuple[str, ...]]:
    """Cells by head, a row a score; a number and its unit stay on one line. Without subsets there is no such column."""
    cells = [_cells(row, t) for row in rows]
    heads = [t(f"page.evaluation.column_{name}") for name in _SCORE_COLUMNS]
    columns = {head: tuple(line[place] for line in cells) for place, head in enumerate(heads)}
    subset = t("page.evaluation.column_subset")
    return {head: column for head, column in columns.items() if head != subset or any(column)}


def word_columns(columns: Mapping[str, object], t: Texts) -> int:
    """How many of the first columns are words."""
    return 2 if t("page.evaluation.column_subset") in columns else 1


def _cells(row: ScoreRow, t: Texts) -> list[str]:
    counts = [t.number(getattr(row, name)) if getattr(row, name) else "0" for name in (*_LOSSES, "unscored")]
    score = t("score.no_score") if row.score is None else t.percent(row.score)
    figures = [score, interval_words(row.ci95, t), t.number(row.n), *counts]
    figures += [t.number(row.output_tokens), t.duration(row.duration_s)]
    return [
        row.dataset if row.is_primary else f"{row.dataset} ({row.metric})",
        row.subset or "",
        *(figure.replace(" ", "\N{NO-BREAK SPACE}") for figure in figures),
    ]


def evaluation_markdown(detail: EvaluationDetail, t: Texts) -> str:
    """A page for an issue or a wiki: the answer, the figures, whether to believe them, where they come from."""
    run = detail.run
    lines = [f"# {run_name(run)}", "", evaluation_answer(detail, t), ""]
    lines += [scores_table([row for found in detail.datasets for row in found.rows], t), ""]
    for found in detail.datasets:
        words = conditions_words(found.conditions, t)
        lines.append(f"- {t('page.evaluation.conditions', dataset=found.dataset, conditions=words)}")
    lines += [f"- {line}" for line in health_lines(detail, t)]
    tool = " ".join(str(run.provenance.get(name) or "") for name in ("tool", "tool_version")).strip()
    return "\n".join([*lines, "", f"{run.id} · {tool} · {t.when(run.created_at)} · {run.created_by}", ""])


def health_lines(detail: EvaluationDetail, t: Texts) -> Iterator[str]:
    """What was found amiss, a line each; of which dataset, where there are several."""
    for health in detail.healths:
        name = f"{health.dataset}: " if len(detail.healths) > 1 else ""
        for finding in health.findings:
            yield f"{name}{t(f'severity.{finding.severity}')}: {t.finding(finding)}"


# ---------------------------------------------------------------- two evaluations


def pairs_document(found: EvaluationComparison) -> dict[str, Any]:
    """Every dataset's difference, and which samples flipped."""
    return {
        "before": {"run_id": found.before.id, "model": found.before.model, "version_label": found.before.version_label},
        "after": {"run_id": found.after.id, "model": found.after.model, "version_label": found.after.version_label},
        "datasets": [{**plain(PairedScores, pair), "gap": pair.gap} for pair in found.datasets],
        "only_before": list(found.only_before),
        "only_after": list(found.only_after),
    }


def pairs_json(found: EvaluationComparison) -> str:
    """The document as text."""
    return json.dumps(pairs_document(found), ensure_ascii=False, indent=2, allow_nan=False)


def pairs_csv(found: EvaluationComparison) -> str:
    """A line a dataset; which samples flipped stands in the JSON."""
    rows = []
    for pair in found.datasets:
        names = {name: getattr(pair, name) for name in _PAIR_NAMES}
        ends = {"gap": pair.gap, "gap_ci95_low": pair.interval.low, "gap_ci95_high": pair.interval.high}
        told = {"before_run_id": found.before.id, "after_run_id": found.after.id, **names, **ends}
        rows.append({**told, "verdict": pair.verdict.value, "differing": " ".join(pair.differing)})
    return _csv(rows)


def pairs_markdown(found: EvaluationComparison, t: Texts) -> str:
    """The answer, then each dataset in a sentence."""
    lines = [comparison_answer(found, t), ""]
    lines += [f"- **{pair.dataset}** {pair_sentence(pair, t)}" for pair in found.datasets]
    return "\n".join([*lines, "", f"{found.after.id} / {found.before.id}", ""])


# ---------------------------------------------------------------- samples


def samples_jsonl(samples: Iterable[tuple[int, Ending, Sample]]) -> str:
    """A line a sample, whole."""
    return "".join(
        json.dumps({"number": number, "ending": ending.value, **plain(Sample, sample)}, ensure_ascii=False) + "\n"
        for number, ending, sample in samples
    )


def samples_csv(samples: Iterable[tuple[int, Ending, Sample]]) -> str:
    """A line a sample, whole; line breaks stay inside their quotes."""
    return _csv(
        [
            {"number": number, "ending": ending.value, **{name: getattr(sample, name) for name in _SAMPLE_NAMES}}
            for number, ending, sample in samples
        ]
    )


# ---------------------------------------------------------------- boards


def board_document(board: Board) -> dict[str, Any]:
    """One ranking under its conditions."""
    return {
        "key": board.key,
        "conditions": plain(Conditions, board.conditions),
        "rows": [_row_document(row) for row in board.rows],
    }


def _row_document(row: BoardRow) -> dict[str, Any]:
    lead = row.lead
    return {
        "rank": row.rank,
        **{name: getattr(lead, name) for name in (*_BOARD_NAMES, *_LOSSES)},
        "ci95": None if lead.ci_low is None else [lead.ci_low, lead.ci_high],
        "partial": lead.is_partial,
        "evaluated_at": lead.created_at.isoformat(),
        "references": [_reference_document(beside) for beside in row.references],
    }


def _reference_document(beside: Beside) -> dict[str, Any]:
    reference, parity = beside.reference, beside.parity
    return {
        "platform": reference.platform,
        "score": reference.score,
        "n": reference.n,
        "edition": reference.label,
        "metric": reference.metric,
        "repeats": reference.repeats,
        "judge": reference.judge,
        "thinking": reference.thinking,
        "note": reference.note,
        "source": reference.source,
        "verdict": parity.verdict.value if parity else None,
        "gap": parity.gap if parity else None,
        "gap_ci95": list(parity.interval) if parity else None,
        "n_needed": parity.n_needed if parity else None,
    }


def board_csv(board: Board) -> str:
    """A line a version."""
    return _csv([{name: _csv_value(value) for name, value in _row_document(row).items()} for row in board.rows])


def board_markdown(board: Board, t: Texts) -> str:
    """The ranking for an issue or a wiki."""
    names = ("rank", "version", "score", "ci", "n", "when")
    heads = [t(f"page.leaderboard.column_{name}") for name in names]
    rows = [
        [
            rank_words(row, t),
            _cell(lead_name(row.lead)),
            t.percent(row.lead.score),
            interval_words(None if row.lead.ci_low is None else (row.lead.ci_low, row.lead.ci_high or 0.0), t),
            t.number(row.lead.n),
            t.when(row.lead.created_at),
        ]
        for row in board.rows
    ]
    lines = [heads, ["---:", ":---", "---:", "---:", "---:", "---:"], *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{board_answer(board, t)}\n\n{conditions_words(board.conditions, t)}\n\n{table}\n"


def _csv_value(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("*", r"\*").replace("_", r"\_")
