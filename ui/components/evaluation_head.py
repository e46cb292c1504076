"""What stands above an evaluation: whose it is, where it comes from, what it can be compared with."""

from __future__ import annotations

import streamlit as st

from core.domain.benchmark import RunRow
from core.domain.endpoint import Origin
from core.services.evaluation_results import EvaluationDetail
from render.score_words import evaluation_line, run_name
from render.texts import Texts
from render.version_words import version_name
from ui import session
from ui.components.evaluation_share import share_evaluation
from ui.components.links import link, link_button
from ui.components.pieces import provenance_line, simulated_badge, state_badge
from ui.markdown import plain


def evaluation_head(detail: EvaluationDetail, *, is_open: bool) -> None:
    """Ways out, title, state and provenance in three lines."""
    t, run = session.texts(), detail.run
    with st.container(horizontal=True, gap="small"):
        link("runs", t("page.evaluation.to_list"), icon=":material/arrow_back:")
        link("leaderboard", t("page.evaluation.to_leaderboard"), icon=":material/leaderboard:")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(plain(run_name(run)), anchor=False, width="content")
        st.space("stretch")
        share_evaluation(detail)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not is_open:
            state_badge(run.state)
        if run.origin == Origin.SIMULATED:
            simulated_badge()
        if detail.is_imported:
            st.badge(t("page.evaluation.imported"), icon=":material/move_to_inbox:", color="gray")
        provenance_line(*evaluation_line(run, t))


def compare_choice(detail: EvaluationDetail) -> None:
    """Another evaluation to stand beside this one."""
    t, shared = session.texts(), rivals(detail)
    if not shared:
        st.caption(t("page.evaluation.compare_none"))
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = st.selectbox(
            t("page.evaluation.compare"),
            [row.id for row in shared],
            format_func={row.id: rival_name(row, t) for row in shared}.__getitem__,
            key="evaluation_compare",
            help=t("page.evaluation.compare_help"),
            width=420,
        )
        link_button(
            "compare_evaluations",
            t("page.evaluation.compare_go"),
            key="evaluation_compare_go",
            icon=":material/difference:",
            before=chosen,
            after=detail.run.id,
        )


def rivals(detail: EvaluationDetail) -> list[RunRow]:
    """Others that asked a dataset of this one: of the same model first, then the newest."""
    mine = set(detail.asked)
    rows = [row for row in session.app().evaluation_results.recent() if row.id != detail.run.id]
    shared = [row for row in rows if mine & set(row.workload_label.split(", "))]
    return sorted(shared, key=lambda row: row.model != detail.run.model)


def rival_name(row: RunRow, t: Texts) -> str:
    """Its version, what it asked, and when."""
    name = version_name(row.model, row.version_label, row.origin)
    return f"{name} · {row.workload_label} · {t.when(row.created_at)}"
