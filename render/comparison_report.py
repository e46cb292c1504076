"""A comparison, or a whole release card, as one HTML file that needs nothing else (see report.py)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from core.domain.comparison import FIGURES, Comparison, Pair
from core.domain.config_diff import DiffRow
from core.services.evaluation_results import EvaluationComparison
from core.services.releases import ReleaseCard
from render.charts import Axis
from render.charts.changes import changes, overlaid
from render.charts.comparison_scores import before_and_after
from render.comparison_tables import change_table, config_table, figures_table, shown_loads
from render.comparisons import answers, basis, caution, load_name, names, notes
from render.provenance import run_line
from render.report import figure_block, page
from render.score_words import comparison_answer, pair_sentence, run_name
from render.tables import html_table
from render.texts import LANGUAGES, Texts


def comparison_report(comparison: Comparison, config: Sequence[DiffRow], t: Texts) -> str:
    """The whole file; it opens in the language of ``t``, times in its zone."""
    bodies = "".join(_main(comparison, config, None, Texts(language, t.zone)) for language in LANGUAGES)
    return page(comparison_title(comparison, t), bodies, t)


def release_report(card: ReleaseCard, t: Texts) -> str:
    """The same with what became of the answers."""
    bodies = "".join(
        _main(card.comparison, card.configuration, card, Texts(language, t.zone)) for language in LANGUAGES
    )
    return page(comparison_title(card.comparison, t), bodies, t)


def comparison_title(comparison: Comparison, t: Texts) -> str:
    """``0528, INT8 against R1``, with the model where it is one."""
    called = names(comparison.sides, t)
    others = t("answer.listed").join(called[pair.candidate.run.id] for pair in comparison.pairs)
    title = t("comparison.markdown_title", candidates=others, baseline=called[comparison.baseline.run.id])
    models = {side.version.model for side in comparison.sides}
    return f"{next(iter(models))}: {title}" if len(models) == 1 else title


def accuracy_line(card: ReleaseCard, t: Texts) -> str:
    """What became of the answers, or why that is not known."""
    if card.accuracy:
        return comparison_answer(card.accuracy, t)
    key = {(True, True): "no_common", (True, False): "only_baseline", (False, True): "only_candidate"}
    return t(f"page.release.{key.get(card.evaluated, 'not_evaluated')}")


# ------------------------------------------------------------ bodies


def _main(comparison: Comparison, config: Sequence[DiffRow], card: ReleaseCard | None, t: Texts) -> str:
    parts = [_head(comparison, card, t), *_charts(comparison, t)]
    parts += [_tables(comparison, pair, t) for pair in comparison.pairs if pair.cells]
    if card and card.accuracy:
        parts.append(_accuracy(card.accuracy, t))
    parts += [_configuration(comparison, config, t), _runs(comparison, t)]
    return f'<main lang="{t.language}">{"".join(parts)}</main>'


def _head(comparison: Comparison, card: ReleaseCard | None, t: Texts) -> str:
    simulated = any(side.version.simulated for side in comparison.sides)
    badge = f' <span class="badge">{escape(t("app.simulated"))}</span>' if simulated else ""
    said = "".join(f'<p class="lead">{escape(line)}</p>' for line in answers(comparison, t))
    warned = [line for pair in comparison.pairs if (line := caution(pair, t))]
    warnings = "".join(f'<p class="warn">{escape(line)}</p>' for line in warned)
    accuracy = f'<p class="lead">{escape(accuracy_line(card, t))}</p>' if card else ""
    return f"<h1>{escape(comparison_title(comparison, t))}{badge}</h1>{said}{accuracy}{warnings}"


def _charts(comparison: Comparison, t: Texts) -> list[str]:
    answer = t("answer.between").join(answers(comparison, t))
    curves = overlaid(comparison, t, x=Axis("ttft_p50"), y=Axis("output_tokens_per_s"))
    blocks = [figure_block(curves, t("page.compare.chart"), answer)]
    known = [
        f for f in FIGURES if f.headline and any(c.figure == f and c.change for p in comparison.pairs for c in p.cells)
    ]
    by_load = t("page.compare.changes")
    pairs = [
        figure_block(changes(comparison, figure, t), t(f"figure_head.{figure.id}"), f"{by_load}: {figure.id}")
        for figure in known
    ]
    if pairs:
        hint = f'<p class="small">{escape(t("page.compare.changes_hint"))}</p>'
        blocks.append(f'<h2>{escape(by_load)}</h2>{hint}<div class="pair">{"".join(pairs)}</div>')
    return blocks


def _tables(comparison: Comparison, pair: Pair, t: Texts) -> str:
    called = names(comparison.sides, t)
    told = {"candidate": called[pair.candidate.run.id], "baseline": called[comparison.baseline.run.id]}
    first = shown_loads(pair)[0]
    lines = "".join(f"<li>{escape(line)}</li>" for line in (*basis(pair, t), *notes(pair, t)))
    return (
        f"<h2>{escape(t('page.compare.table'))}: {escape(told['candidate'])}</h2>"
        f'<p class="small">{escape(t("page.compare.table_lead", **told))}</p>'
        f"{html_table(change_table(pair, t), left=1)}"
        f"<h3>{escape(load_name(first, t))}</h3>{html_table(figures_table(pair, first, t), left=1)}"
        f'<ul class="small">{lines}</ul>'
    )


def _accuracy(found: EvaluationComparison, t: Texts) -> str:
    chart = before_and_after(found.datasets, (run_name(found.before), run_name(found.after)), t)
    lines = "".join(
        f"<li><b>{escape(pair.dataset)}</b> {escape(pair_sentence(pair, t))}</li>" for pair in found.datasets
    )
    title = t("page.release.accuracy")
    block = figure_block(chart, t("page.compare_evaluations.chart"), comparison_answer(found, t))
    return f"<h2>{escape(title)}</h2>{block}<ul>{lines}</ul>"


def _configuration(comparison: Comparison, config: Sequence[DiffRow], t: Texts) -> str:
    differing = [row for row in config if row.differs]
    head = f"<h2>{escape(t('page.compare.config'))}</h2>"
    if not differing:
        return f"{head}<p>{escape(t('page.compare.config_same'))}</p>"
    return head + html_table(config_table(differing, comparison, t), left=1 + len(comparison.sides))


def _runs(comparison: Comparison, t: Texts) -> str:
    called = names(comparison.sides, t)
    facts = "".join(
        f"<dt>{escape(called[side.run.id])}</dt><dd>{escape(side.run.id)}<br>"
        f"{escape(' · '.join(part for part in run_line(side.run, side.measurements, t) if part))}</dd>"
        for side in comparison.sides
    )
    return f"<h2>{escape(t('page.run.tab_provenance'))}</h2><dl>{facts}</dl>"
