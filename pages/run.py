"""One run: the answer, the curve as it grows, every figure, and the evidence behind it."""

import streamlit as st

from core.domain.job import JobState
from core.services.results import RunDetail
from render.answers import run_answer, warning_lines
from ui import session
from ui.act import guard
from ui.components import empty_state, go, plain, worker_notice
from ui.components.run_chart import choose_point, curve_card, percentiles_card
from ui.components.run_evidence import evidence
from ui.components.run_head import run_head
from ui.components.run_live import live_panel
from ui.components.run_point import point_details
from ui.components.run_slo import chosen_slo, slo_card
from ui.components.run_tables import points_tables

POLL_S = 2

app, t = session.app(), session.texts()


def figures(detail: RunDetail) -> None:
    """Answer, progress, chart, table: drawn anew with every point. What comes and goes has a place of its own: what
    stands below it would otherwise move up, and be another element to the browser, without its zoom."""
    answer = run_answer(detail, t)
    st.markdown(f"#### {plain(answer)}")
    with st.container():
        for line in warning_lines(detail.measurements, t):
            st.warning(plain(line), icon=":material/warning:")
    with st.container():
        if detail.job and detail.job.state is not JobState.DONE:
            st.fragment(follow, run_every=POLL_S if is_open(detail) else None)(detail, [detail])
    if not detail.measurements:
        waiting = detail.job is not None and detail.job.state.is_active
        empty_state(t("page.run.waiting" if waiting else "page.run.nothing"), icon=":material/show_chart:")
        return
    slo = chosen_slo(detail)
    left, right = st.columns([3, 2])
    with left:
        curve_card(detail, answer, slo)
    with right:
        percentiles_card(detail.measurements, slo)
    slo_card(detail, slo)
    points_tables(detail.measurements)
    point = choose_point(detail.measurements)
    if point is not None:
        point_details(detail, point)


def is_open(detail: RunDetail) -> bool:
    """Whether it is worth watching: an interrupted one may go on, too."""
    return detail.job is not None and not detail.job.state.is_finished


def follow(drawn: RunDetail, fresh: list[RunDetail]) -> None:
    """By itself while it is measured, and only what moves between two points: that costs the measuring machine least.
    ``fresh`` is what the page has asked a moment ago; from the second time on it is asked anew."""
    with guard():
        now = fresh.pop() if fresh else app.results.run(drawn.run.id)
        if stage(now) != stage(drawn):
            st.rerun()
        live_panel(now)


def stage(detail: RunDetail) -> tuple[object, ...]:
    """What changes more of the page than its progress."""
    return len(detail.measurements), detail.run.state, detail.job and detail.job.state


run_id = st.query_params.get("id", "")
if not run_id:
    empty_state(t("page.run.no_id"), label=t("page.run.to_list"), page="runs")
    st.stop()
if app.results.is_evaluation(run_id):
    go("evaluation", id=run_id)
found = app.results.run(run_id)
run_head(found, is_open=is_open(found))
with st.container():
    worker_notice()

with guard():
    figures(found)
evidence(found)
