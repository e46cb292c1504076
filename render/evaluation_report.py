"""One evaluation as one HTML file that needs nothing else: the answer, whether to believe it, charts, every score,
settings, both languages (render.report has the frame)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from core.domain.evaluation import ScoreRow
from core.services.evaluation_results import EvaluationComparison, EvaluationDetail, FlipRow
from render.charts.comparison_scores import before_and_after
from render.charts.scores import ScorePoint, outcome_bars, score_intervals
from render.evaluation_documents import score_columns, word_columns
from render.report import figure_block, page
from render.score_words import (
    comparison_answer,
    conditions_words,
    evaluation_answer,
    evaluation_line,
    pair_names,
    pair_sentence,
    run_name,
    setting_facts,
)
from render.tables import Table, html_table
from render.texts import LANGUAGES, Texts

_MOST_LINES = 60


def evaluation_report(detail: EvaluationDetail, t: Texts) -> str:
    """The whole file; it opens in the language of ``t``, times in its zone. Samples are not in it."""
    bodies = "".join(_body(detail, Texts(language, t.zone)) for language in LANGUAGES)
    return page(run_name(detail.run), bodies, t)


def _body(detail: EvaluationDetail, t: Texts) -> str:
    parts = [_head(detail, t)]
    if detail.datasets:
        parts += [_health(detail, t), "".join(_charts(detail, t)), _table(detail, t)]
    parts.append(_evidence(detail, t))
    return f'<main lang="{t.language}">{"".join(parts)}</main>'


def _head(detail: EvaluationDetail, t: Texts) -> str:
    run = detail.run
    simulated = f' <span class="badge">{escape(t("app.simulated"))}</span>' if run.origin == "simulated" else ""
    line = " · ".join(part for part in evaluation_line(run, t) if part)
    note = f'<p class="note">{escape(run.note)}</p>' if run.note else ""
    return (
        f'<h1>{escape(run_name(run))}{simulated}</h1><p class="lead">{escape(evaluation_answer(detail, t))}</p>'
        f'<p class="small">{escape(line)}</p>{note}'
    )


def _health(detail: EvaluationDetail, t: Texts) -> str:
    lines = []
    for health in detail.healths:
        found = [f"{t(f'severity.{finding.severity}')}: {t.finding(finding)}" for finding in health.findings]
        if not found:
            found = [t("page.evaluation.health_sound", dataset=health.dataset)]
        elif len(detail.healths) > 1:
            found = [f"{health.dataset}: {line}" for line in found]
        kind = "small" if health.is_sound else "warn"
        lines += [f'<p class="{kind}">{escape(line)}</p>' for line in found]
    return f"<h2>{escape(t('page.evaluation.health'))}</h2>{''.join(lines)}"


def _charts(detail: EvaluationDetail, t: Texts) -> Iterator[str]:
    answer = evaluation_answer(detail, t)
    points = [_point(row) for row in _lines(detail) if row.score is not None]
    if points:
        figure = score_intervals(points, t, "report")
        yield figure_block(figure, t("page.evaluation.scores"), t("page.evaluation.chart_alt", answer=answer))
    tallies = detail.wholes
    if tallies:
        figure = outcome_bars(tallies, [tally.dataset for tally in tallies], t)
        yield figure_block(figure, t("page.evaluation.outcomes"), t("page.evaluation.outcomes_alt", answer=answer))


def _lines(detail: EvaluationDetail) -> list[ScoreRow]:
    """Wholes; of a single dataset its subsets, too."""
    rows = [row for found in detail.datasets for row in found.rows if row.is_primary]
    return rows[:_MOST_LINES] if len(detail.datasets) == 1 else [row for row in rows if row.subset is None]


def _point(row: ScoreRow) -> ScorePoint:
    low, high = row.ci95 or (None, None)
    name = row.subset or row.dataset
    return ScorePoint(name, name, row.score or 0.0, low, high, row.n, row.is_partial)


def _table(detail: EvaluationDetail, t: Texts) -> str:
    columns = score_columns([row for found in detail.datasets for row in found.rows], t)
    table = html_table(Table(columns, has_rough=False), left=word_columns(columns, t))
    return f"<h2>{escape(t('page.evaluation.table'))}</h2>{table}"


def _evidence(detail: EvaluationDetail, t: Texts) -> str:
    facts = "".join(
        f"<dt>{escape(t(f'page.evaluation.setting_{name}'))}</dt><dd>{escape(value)}</dd>"
        for name, value in setting_facts(detail, t)
    )
    conditions = "".join(
        f"<dt>{escape(found.dataset)}</dt><dd>{escape(conditions_words(found.conditions, t))}</dd>"
        for found in detail.datasets
    )
    command = escape(shlex.join(detail.run.command))
    return (
        f"<h2>{escape(t('page.evaluation.tab_settings'))}</h2><dl>{facts}{conditions}</dl>"
        f"<h2>{escape(t('page.evaluation.tab_reproduce'))}</h2><pre>{command}</pre>"
    )


# ---------------------------------------------------------------- two evaluations


def pairs_report(found: EvaluationComparison, flips: Mapping[str, Sequence[FlipRow]], t: Texts) -> str:
    """Two evaluations as one file; ``flips`` are the questions that are shown, by dataset."""
    bodies = "".join(_pairs_body(found, flips, Texts(language, t.zone)) for language in LANGUAGES)
    return page(f"{run_name(found.after)} / {run_name(found.before)}", bodies, t)


def _pairs_body(found: EvaluationComparison, flips: Mapping[str, Sequence[FlipRow]], t: Texts) -> str:
    answer = comparison_answer(found, t)
    parts = [f"<h1>{escape(t('page.compare_evaluations.title'))}</h1>", f'<p class="lead">{escape(answer)}</p>']
    for name, run in (("before", found.before), ("after", found.after)):
        told = [t(f"page.compare_evaluations.{name}"), run_name(run), run.id, *evaluation_line(run, t)]
        parts.append(f'<p class="small">{escape(" · ".join(part for part in told if part))}</p>')
    if found.datasets:
        figure = before_and_after(found.datasets, pair_names(found), t)
        alt = t("page.compare_evaluations.chart_alt", answer=answer)
        parts.append(figure_block(figure, t("page.compare_evaluations.chart"), alt))
    for pair in found.datasets:
        parts.append(f"<p><b>{escape(pair.dataset)}</b> {escape(pair_sentence(pair, t))}</p>")
        if flips.get(pair.dataset):
            parts.append(html_table(Table(_flip_columns(found, flips[pair.dataset], t), has_rough=False), left=4))
    return f'<main lang="{t.language}">{"".join(parts)}</main>'


def _flip_columns(found: EvaluationComparison, rows: Sequence[FlipRow], t: Texts) -> dict[str, tuple[str, ...]]:
    before, after = pair_names(found)
    return {
        t("page.evaluation.column_question"): tuple(row.before.question for row in rows),
        t("page.evaluation.column_gold"): tuple(row.before.gold for row in rows),
        before: tuple(row.before.extracted or t.number(None) for row in rows),
        after: tuple(row.after.extracted or t.number(None) for row in rows),
    }
