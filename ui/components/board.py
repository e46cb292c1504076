"""The leaderboard: one board in full, all of them at a glance, published scores, history, speed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.domain.accuracy_statistics import Verdict
from core.domain.leaderboard import Beside, Board, BoardHead, BoardRow, Overview, OverviewCell, OverviewRow, SpeedPoint
from core.domain.reference import Reference
from render.board_report import board_point
from render.charts.scores import score_history, score_intervals, score_speed
from render.evaluation_documents import board_csv, board_document, board_markdown
from render.score_words import (
    board_names,
    conditions_words,
    interval_words,
    lead_name,
    parity_help,
    parity_words,
    points,
    rank_words,
    reference_words,
)
from render.version_words import told_apart, version_name
from ui import session
from ui.components.chart import chart
from ui.components.evaluation_flips import verdict_badge
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.links import go, link, link_button
from ui.components.url_state import url_select
from ui.markdown import plain

ROWS = ("10", "25", "100")
_MOST_PUBLISHED = 40
_RANKING = {"rank": 1, "version": 5, "score": 2, "ci": 3, "n": 2, "lost": 2, "when": 3}
_REFERENCES = {"version": 4, "verdict": 3, "published": 4, "score": 2, "gap": 3, "needed": 2}
_PUBLISHED = {"model": 5, "platform": 3, "source": 6, "published": 2, "n": 2}
_WORDS = {"rank", "version", "model", "platform", "source", "verdict", "published"}
"""These stand to the left. Words come first, figures after them: a figure at the right edge of its column would touch
the words of the next one."""


def board_choice(heads: Sequence[BoardHead], margins: Sequence[str]) -> int:
    """Which board, within which margin, and how many rows of it: all in the address."""
    t, names = session.texts(), board_names(heads, session.texts())
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        url_select(
            "board",
            t("page.leaderboard.board"),
            list(names),
            next(iter(names)),
            names.__getitem__,
            t("page.leaderboard.board_help"),
            width=520,
        )
        rows = url_select("rows", t("page.leaderboard.show_rows"), ROWS, ROWS[0], str, width=110)
        help = t("page.leaderboard.margin_help")
        url_select("margin", t("page.leaderboard.margin"), margins, "1", str, help, width=170)
    return int(rows)


def ranking_card(board: Board, answer: str, rows: int) -> None:
    """The best of them as points with intervals; published scores of the same models beside them."""
    t = session.texts()
    shown = [row for row in board.rows if row.lead.score is not None][:rows]
    with st.container(border=True, gap="small"):
        st.subheader(t("page.leaderboard.ranking"), anchor=False)
        st.caption(plain(conditions_words(board.conditions, t)))
        alt = t("page.leaderboard.chart_alt", answer=answer)
        figure = score_intervals([board_point(row, t) for row in shown], t, board.key)
        chart(figure, key=f"board_{board.key}", alt=alt, file=board.conditions.dataset, on_click=_open)
        st.caption(t("page.leaderboard.ranking_hint"))


def _open(clicked: list[Any]) -> None:
    st.session_state["board_open"] = str(clicked[0])


def follow_click() -> None:
    """Opens what was clicked on a chart: a callback may not leave the page itself."""
    run_id = st.session_state.pop("board_open", None)
    if run_id:
        go("evaluation", id=run_id)


def ranking_table(board: Board, most: int, whole: Callable[[], Board]) -> None:
    """The same in figures; those that have no score last. ``whole``: the board with every row, for its files."""
    t = session.texts()
    rows = board.rows[:most]
    grid_table(_columns(_RANKING), [_ranking_cells(row) for row in rows])
    _more(len(board.order.places) - len(rows))
    with st.container(horizontal=True):
        _download(board, "json", "json", "application/json", lambda: _json(whole()))
        _download(board, "csv", "csv", "text/csv", lambda: board_csv(whole()))
        _download(board, "markdown", "md", "text/markdown", lambda: board_markdown(whole(), t))


def _download(board: Board, name: str, kind: str, media_type: str, make: Callable[[], str]) -> None:
    """Made when it is asked for."""
    st.download_button(
        session.texts()(f"page.leaderboard.{name}"),
        make,
        file_name=f"leaderboard-{board.conditions.dataset}.{kind}",
        mime=media_type,
        key=f"board_{name}",
        icon=":material/download:",
        on_click="ignore",
    )


def whole_board(board: Board, margin: float, run_ids: tuple[str, ...] | None) -> Callable[[], Board]:
    """Every row of what is shown, read when a file is asked for; of a kept view its own evaluations alone."""
    leaderboard = session.app().leaderboard
    return lambda: leaderboard.board(board.key, margin, run_ids) or board


def _json(board: Board) -> str:
    return json.dumps(board_document(board), ensure_ascii=False, indent=2)


def _columns(spans: dict[str, int]) -> list[Column]:
    t = session.texts()
    return [
        Column(name, t(f"page.leaderboard.column_{name}"), span, name not in _WORDS) for name, span in spans.items()
    ]


def _ranking_cells(row: BoardRow) -> dict[str, Cell]:
    t, lead = session.texts(), row.lead
    lost = lead.truncated + lead.overflow + lead.no_answer + lead.errored
    share = lost / lead.requested if lead.requested else None
    rank = t("page.leaderboard.partial") if lead.is_partial else rank_words(row, t)
    return {
        "rank": rank,
        "version": partial(link, "evaluation", plain(lead_name(lead)), id=lead.run_id),
        "score": t("score.no_score") if lead.score is None else f"**{t.percent(lead.score)}**",
        "ci": interval_words(_ends(row), t),
        "n": t.number(lead.n),
        "lost": f":orange[{t.percent(share)}]" if lost else t.percent(share, 0),
        "when": f":small[{t.when(lead.created_at)}]",
    }


def _ends(row: BoardRow) -> tuple[float, float] | None:
    low, high = row.lead.ci_low, row.lead.ci_high
    return None if low is None or high is None else (low, high)


# ---------------------------------------------------------------- published scores


def references_section(board: Board, margin: float) -> None:
    """Ours beside what others published of the same model and dataset."""
    t = session.texts()
    rows = [(row, beside) for row in board.rows for beside in row.references]
    rows.sort(key=lambda pair: pair[1].parity is None)
    st.subheader(t("page.leaderboard.references"), anchor=False)
    if not rows:
        st.caption(t("page.leaderboard.references_none"))
        return
    st.caption(t("page.leaderboard.references_lead", margin=t.number(margin * 100)))
    shown = rows[:_MOST_PUBLISHED]
    grid_table(_columns(_REFERENCES), [_reference_cells(row, beside) for row, beside in shown])
    sources = dict.fromkeys(beside.reference.source for _, beside in shown)
    st.caption(plain(t("page.leaderboard.sources", listed=t("answer.listed").join(sources))))


def _reference_cells(row: BoardRow, beside: Beside) -> dict[str, Cell]:
    t, lead, reference, parity = session.texts(), row.lead, beside.reference, beside.parity
    gap = t.number(None)
    if parity is not None:
        low, high = points(parity.interval.low, t), points(parity.interval.high, t)
        gap = f"**{points(parity.gap, t)}** :small[({low} \N{EN DASH} {high})]"
    return {
        "version": plain(lead_name(lead)),
        "score": t.percent(lead.score),
        "published": _published(reference),
        "gap": gap,
        "verdict": partial(_verdict, beside),
        "needed": _needed(beside),
    }


def _published(reference: Reference) -> str:
    t = session.texts()
    return f"{t.percent(reference.score)} :gray[:small[{plain(reference_words(reference, t))}]]"


def _needed(beside: Beside) -> str:
    """How many answers of ours would settle an open verdict."""
    t, parity = session.texts(), beside.parity
    if parity is None or parity.verdict is not Verdict.INCONCLUSIVE:
        return ""
    if parity.n_needed is None:
        return f":gray[:small[{t('parity.never')}]]"
    return t.number(parity.n_needed)


def _verdict(beside: Beside) -> None:
    t = session.texts()
    if beside.parity is None:
        st.markdown(f":gray[:small[{parity_words(None, t)}]]")
    else:
        verdict_badge(beside.parity.verdict, parity_words(beside.parity, t), parity_help(beside.parity, t))


def published_section(published: Sequence[Reference]) -> None:
    """What others published for models that were not evaluated here; drawn while it is open."""
    t = session.texts()
    if not published:
        return
    label = f"{t('page.leaderboard.published')} ({len(published)})"
    box = st.expander(label, key="board_published", icon=":material/menu_book:", on_change="rerun")
    if not box.open:
        return
    with box:
        st.caption(t("page.leaderboard.published_lead"))
        grid_table(_columns(_PUBLISHED), [_published_cells(reference) for reference in published[:_MOST_PUBLISHED]])


def _published_cells(reference: Reference) -> dict[str, Cell]:
    t = session.texts()
    return {
        "model": plain(reference.model),
        "platform": plain(" · ".join(part for part in (reference.platform, reference.label) if part)),
        "published": t.percent(reference.score),
        "n": t.number(reference.n),
        "source": f":gray[:small[{plain('. '.join(part for part in (reference.source, reference.note) if part))}]]",
    }


# ---------------------------------------------------------------- all boards, time, speed


def overview_section(found: Overview) -> None:
    """Versions by board; what was not measured is a gap."""
    t = session.texts()
    if len(found.boards) < 2:
        return
    st.subheader(t("page.leaderboard.overview"), anchor=False)
    st.caption(t("page.leaderboard.overview_lead", count=len(found.boards)))
    columns, heads = [Column("version", t("page.leaderboard.column_version"), 5)], board_names(found.boards, t)
    columns += [Column(head.key, _board_head(head, found.boards, heads), 3, right=True) for head in found.boards]
    marks = [next(iter(row.cells.values())).place.run_id[-6:] for row in found.rows]
    names = told_apart([version_name(row.model, row.version_label, row.origin) for row in found.rows], marks)
    rows = zip(names, found.rows, strict=True)
    grid_table(columns, [_overview_cells(name, row, found.boards) for name, row in rows])
    _more(found.more)


def _overview_cells(name: str, row: OverviewRow, heads: Sequence[BoardHead]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {head.key: _overview_cell(row.cells.get(head.key)) for head in heads}
    return {"version": f"**{plain(name)}**", **cells}


def _overview_cell(cell: OverviewCell | None) -> str:
    t = session.texts()
    if cell is None:
        return ""
    if cell.place.score is None:
        return f":gray[:small[{t('score.no_score')}]]"
    rank = t("page.leaderboard.partial") if cell.rank is None else f"#{cell.rank}"
    return f"{t.percent(cell.place.score)} :gray[:small[{rank}]]"


def _board_head(head: BoardHead, heads: Sequence[BoardHead], names: Mapping[str, str]) -> str:
    """What else tells it apart only where another board has the same dataset."""
    dataset = head.conditions.dataset
    if sum(1 for other in heads if other.conditions.dataset == dataset) == 1:
        return plain(dataset)
    return f"{plain(dataset)}  \n{plain(names[head.key].removeprefix(f'{dataset} · '))}"


def _more(count: int) -> None:
    if count > 0:
        st.caption(session.texts()("page.leaderboard.more_rows", count=count))


def history_card(board: Board) -> None:
    """One model's scores under the board's conditions, version after version."""
    t = session.texts()
    models = list(dict.fromkeys(row.lead.model for row in board.rows))
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.leaderboard.history"), anchor=False)
        model = url_select("model", t("page.leaderboard.history_model"), models, models[0], str)
        rows = session.app().leaderboard.history(model, board.key)
        if len([row for row in rows if row.score is not None]) < 2:
            st.caption(plain(t("page.leaderboard.history_few", model=model)))
            return
        alt = t("page.leaderboard.history_alt", model=model)
        chart(score_history(rows, t), key=f"history_{board.key}", alt=alt, file=f"{model}-history", on_click=_open)


def speed_card(board: Board, found: Sequence[SpeedPoint]) -> None:
    """Accuracy against throughput, a point a version."""
    t = session.texts()
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.leaderboard.speed"), anchor=False)
        if not found:
            st.caption(t("page.leaderboard.speed_none"))
            link_button("benchmark", t("page.leaderboard.to_benchmark"), key="board_to_benchmark")
            return
        alt = t("page.leaderboard.speed_alt")
        chart(score_speed(found, t), key=f"speed_{board.key}", alt=alt, file="accuracy-throughput", on_click=_open)
        st.caption(t("page.leaderboard.speed_hint"))
