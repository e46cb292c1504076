"""How scores leave: a link, a kept view, one HTML file, Markdown, CSV, JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.domain.access import Role
from core.domain.history import SavedView
from core.domain.leaderboard import Board
from core.services.evaluation_results import EvaluationComparison, EvaluationDetail
from render.board_report import board_report
from render.evaluation_documents import (
    board_markdown,
    evaluation_json,
    evaluation_markdown,
    pairs_csv,
    pairs_json,
    pairs_markdown,
    scores_csv,
)
from render.evaluation_report import evaluation_report, pairs_report
from render.score_words import board_answer, run_name
from ui import session
from ui.act import act, tell
from ui.components.links import go, page_address
from ui.components.pieces import copyable
from ui.markdown import plain

VIEW = "view"
_FLIPS = 100
_MEDIA = {"html": "text/html", "json": "application/json", "csv": "text/csv", "md": "text/markdown"}


@dataclass(frozen=True)
class Keep:
    """A view to be kept: these evaluations on a page with this state."""

    page: str
    title: str
    state: Mapping[str, str]
    run_ids: Sequence[str]


def kept_view(query: Mapping[str, str]) -> SavedView | None:
    """The view that an address names. Raises NotFoundError."""
    return session.app().history.view(query[VIEW]) if query.get(VIEW) else None


def kept_state(query: Mapping[str, str]) -> Mapping[str, str]:
    """What an address says, or the kept view that it names."""
    view = kept_view(query)
    return query if view is None else {**query, **view.state}


def frozen_line(view: SavedView) -> None:
    """That it is one, whose, and the way to what is now."""
    t = session.texts()
    told = {"count": len(view.run_ids), "name": view.created_by, "when": t.when(view.created_at)}
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        text = f"**{plain(view.title)}**  \n:small[{plain(t('page.runs.frozen', **told))}]"
        st.markdown(f":material/lock: {text}", width="content")
        st.space("stretch")
        if st.button(t("page.leaderboard.now"), key="view_now"):
            go(view.page, **view.state)


def share_evaluation(detail: EvaluationDetail) -> None:
    """A link to it is for ever: an evaluation does not change."""
    t = session.texts()
    files: dict[str, Callable[[], str]] = {
        "html": lambda: evaluation_report(detail, t),
        "json": lambda: evaluation_json(detail),
        "csv": lambda: scores_csv(detail),
    }
    _popover(detail.run.id, files if detail.datasets else {}, lambda: evaluation_markdown(detail, t), None)


def share_pairs(found: EvaluationComparison) -> None:
    """The address names both evaluations."""
    t, results = session.texts(), session.app().evaluation_results

    def report() -> str:
        flips = {pair.dataset: results.flips(found, pair.dataset, pair.flips[:_FLIPS]) for pair in found.datasets}
        return pairs_report(found, flips, t)

    keep = Keep(
        "compare_evaluations",
        f"{run_name(found.after)} / {run_name(found.before)}"[:200],
        {"before": found.before.id, "after": found.after.id},
        (found.before.id, found.after.id),
    )
    files = {"html": report, "json": lambda: pairs_json(found), "csv": lambda: pairs_csv(found)}
    _popover("evaluations", files, lambda: pairs_markdown(found, t), keep)


def share_board(board: Board, margin: str, whole: Callable[[], Board]) -> None:
    """The board changes with every evaluation; a kept view does not. ``margin`` in points; ``whole`` has every row."""
    t = session.texts()
    runs = [place.run_id for place in board.order.places]
    keep = Keep("leaderboard", board_answer(board, t)[:200], {"board": board.key, "margin": margin}, runs)
    files = {"html": lambda: board_report(whole(), float(margin) / 100, t)}
    _popover("leaderboard", files, lambda: board_markdown(board, t), keep)


def _popover(stem: str, files: Mapping[str, Callable[[], str]], text: Callable[[], str], keep: Keep | None) -> None:
    """Drawn while it is open; a file is made when it is asked for."""
    t = session.texts()
    popover = st.popover(
        t("page.run.share"), icon=":material/ios_share:", type="primary", on_change="rerun", key=f"share_{stem}"
    )
    if not popover.open:
        return
    with popover:
        st.caption(t("page.evaluation.copy_link"))
        copyable(page_address())
        for kind, make in files.items():
            st.download_button(
                t(f"page.evaluation.share_{kind}"),
                make,
                file_name=f"{stem}.{kind}",
                mime=_MEDIA[kind],
                key=f"share_{stem}_{kind}",
                icon=":material/download:",
                on_click="ignore",
                width="stretch",
            )
        st.caption(t("page.evaluation.copy_markdown"))
        st.code(text(), language=None, wrap_lines=False, height=180)
        if keep is not None and session.may(Role.OPERATOR):
            st.divider()
            _keep(keep)


def _keep(keep: Keep) -> None:
    """A short link that freezes these evaluations."""
    t = session.texts()
    with st.form(f"keep_{keep.page}", border=False):
        title = st.text_input(t("page.runs.view_title"), keep.title, key=f"keep_{keep.page}_title", max_chars=200)
        pressed = st.form_submit_button(t("page.runs.view_keep"), icon=":material/bookmark:")
    history = session.app().history
    if pressed and (kept := act(history.keep_view, session.actor(), keep.page, title, keep.state, keep.run_ids)):
        tell(t("page.runs.view_kept", id=kept.value.id))
        go(keep.page, **{VIEW: kept.value.id})
