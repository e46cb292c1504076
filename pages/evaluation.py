"""One evaluation: the answer, whether to believe it, every figure, every sample."""

import streamlit as st

from core.domain.job import JobState
from core.services.evaluation_results import EvaluationDetail
from render.score_words import evaluation_answer
from ui import session
from ui.act import guard
from ui.components import empty_state, job_card, plain, worker_notice
from ui.components.evaluation_files import evaluation_evidence
from ui.components.evaluation_head import compare_choice, evaluation_head
from ui.components.evaluation_samples import samples_section
from ui.components.evaluation_scores import charts, health_card, scores_in_figures

POLL_S = 3

app, t = session.app(), session.texts()


def is_open(detail: EvaluationDetail) -> bool:
    """Whether it is worth watching: an interrupted one may go on, too."""
    return detail.job is not None and not detail.job.state.is_finished


def figures(detail: EvaluationDetail) -> None:
    """Answer, progress, belief, charts, table."""
    answer = evaluation_answer(detail, t)
    st.markdown(f"#### {plain(answer)}")
    with st.container():
        if detail.job and detail.job.state is not JobState.DONE:
            job_card(detail.job)
    if not detail.datasets:
        empty_state(
            t("page.evaluation.waiting" if is_open(detail) else "page.evaluation.nothing"), icon=":material/quiz:"
        )
        return
    health_card(detail.healths)
    charts(detail, answer)
    scores_in_figures(detail)


run_id = st.query_params.get("id", "")
if not run_id:
    empty_state(t("page.evaluation.no_id"), label=t("page.evaluation.to_list"), page="runs")
    st.stop()
found = app.evaluation_results.evaluation(run_id)
evaluation_head(found, is_open=is_open(found))
with st.container():
    if is_open(found):
        worker_notice()


@st.fragment(run_every=POLL_S if is_open(found) else None)
def follow() -> None:
    """By itself while it is asked; the frame is drawn anew when that has ended."""
    with guard():
        now = app.evaluation_results.evaluation(run_id)
        if is_open(found) and not is_open(now):
            st.rerun()
        figures(now)


follow()
if found.datasets:
    samples_section(found)
    compare_choice(found)
evaluation_evidence(found)
