"""A leaderboard as one HTML file that needs nothing else: the ranking as chart and table, published scores with verdict
and source, both languages (render.report has the frame)."""

from __future__ import annotations

from html import escape

from core.domain.leaderboard import Beside, Board, BoardRow
from render.charts.scores import ScorePoint, score_intervals
from render.report import figure_block, page
from render.score_words import (
    board_answer,
    conditions_words,
    interval_words,
    lead_name,
    parity_help,
    parity_words,
    points,
    rank_words,
    reference_words,
)
from render.tables import Table, html_table
from render.texts import LANGUAGES, Texts

_MOST_POINTS = 40


def board_report(board: Board, margin: float, t: Texts) -> str:
    """The whole file; it opens in the language of ``t``, times in its zone. ``margin``: what counts as parity, as a
    share."""
    bodies = "".join(_body(board, margin, Texts(language, t.zone)) for language in LANGUAGES)
    return page(f"{t('page.leaderboard.title')}: {board.conditions.dataset}", bodies, t)


def board_point(row: BoardRow, t: Texts) -> ScorePoint:
    """A version with its interval, and what others published of the same model."""
    lead = row.lead
    rank = t("page.leaderboard.partial") if row.rank is None else rank_words(row, t)
    others = tuple(
        (f"{beside.reference.platform} ({beside.reference.model})", beside.reference.score)
        for beside in row.references
        if beside.parity
    )
    return ScorePoint(
        id=lead.run_id,
        name=f"{rank}  {lead_name(lead)}",
        score=lead.score or 0.0,
        low=lead.ci_low,
        high=lead.ci_high,
        n=lead.n,
        is_partial=row.rank is None,
        note=t.when(lead.created_at),
        others=others,
    )


def _body(board: Board, margin: float, t: Texts) -> str:
    answer = board_answer(board, t)
    parts = [
        f"<h1>{escape(t('page.leaderboard.title'))}: {escape(board.conditions.dataset)}</h1>",
        f'<p class="lead">{escape(answer)}</p>',
        f'<p class="small">{escape(conditions_words(board.conditions, t))}</p>',
    ]
    scored = [row for row in board.rows if row.lead.score is not None][:_MOST_POINTS]
    if scored:
        figure = score_intervals([board_point(row, t) for row in scored], t, "report")
        alt = t("page.leaderboard.chart_alt", answer=answer)
        parts.append(figure_block(figure, t("page.leaderboard.ranking"), alt))
    parts.append(html_table(Table(_ranking(board, t), has_rough=False), left=2))
    return f'<main lang="{t.language}">{"".join(parts)}{_references(board, margin, t)}</main>'


def _ranking(board: Board, t: Texts) -> dict[str, tuple[str, ...]]:
    def column(name: str) -> str:
        return t(f"page.leaderboard.column_{name}")

    rows = board.rows
    return {
        column("rank"): tuple(t("page.leaderboard.partial") if r.lead.is_partial else rank_words(r, t) for r in rows),
        column("version"): tuple(lead_name(row.lead) for row in rows),
        column("score"): tuple(_score(row, t) for row in rows),
        column("ci"): tuple(_interval(row, t) for row in rows),
        column("n"): tuple(t.number(row.lead.n) for row in rows),
        column("when"): tuple(t.when(row.lead.created_at) for row in rows),
    }


def _score(row: BoardRow, t: Texts) -> str:
    return t("score.no_score") if row.lead.score is None else t.percent(row.lead.score)


def _interval(row: BoardRow, t: Texts) -> str:
    low, high = row.lead.ci_low, row.lead.ci_high
    return interval_words(None if low is None or high is None else (low, high), t)


def _references(board: Board, margin: float, t: Texts) -> str:
    pairs = [(row, beside) for row in board.rows for beside in row.references]
    head = f"<h2>{escape(t('page.leaderboard.references'))}</h2>"
    if not pairs:
        return f'{head}<p class="small">{escape(t("page.leaderboard.references_none"))}</p>'
    lead = t("page.leaderboard.references_lead", margin=t.number(margin * 100))
    columns = {
        t("page.leaderboard.column_version"): tuple(lead_name(row.lead) for row, _ in pairs),
        t("page.leaderboard.column_verdict"): tuple(_verdict(beside, t) for _, beside in pairs),
        t("page.leaderboard.column_source"): tuple(beside.reference.source for _, beside in pairs),
        t("page.leaderboard.column_score"): tuple(_score(row, t) for row, _ in pairs),
        t("page.leaderboard.column_published"): tuple(_published(beside, t) for _, beside in pairs),
        t("page.leaderboard.column_gap"): tuple(_gap(beside, t) for _, beside in pairs),
    }
    return f'{head}<p class="small">{escape(lead)}</p>{html_table(Table(columns, has_rough=False), left=3)}'


def _verdict(beside: Beside, t: Texts) -> str:
    words = parity_words(beside.parity, t)
    return words if beside.parity is None else f"{words}. {parity_help(beside.parity, t)}"


def _published(beside: Beside, t: Texts) -> str:
    return f"{t.percent(beside.reference.score)} ({reference_words(beside.reference, t)})"


def _gap(beside: Beside, t: Texts) -> str:
    if beside.parity is None:
        return t.number(None)
    low, high = points(beside.parity.interval.low, t), points(beside.parity.interval.high, t)
    return f"{points(beside.parity.gap, t)} ({low} \N{EN DASH} {high})"
