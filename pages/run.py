"""One run: the answer, the curve as it grows, every figure, and the evidence behind it."""

import streamlit as st

from core.domain.benchmark import Run
from core.domain.endpoint import Origin
from core.domain.job import JobState
from core.services.results import RunDetail
from render.answers import run_answer, warning_lines
from ui import session
from ui.act import guard
from ui.components import empty_state, link, plain, provenance_line, simulated_badge, state_badge, worker_notice
from ui.components.run_chart import choose_point, curve_card, percentiles_card, points_table
from ui.components.run_evidence import evidence, run_line, run_title
from ui.components.run_live import live_panel
from ui.components.run_point import point_details

POLL_S = 2

app, t = session.app(), session.texts()


def head(run: Run) -> None:
    """What was measured, and where it comes from."""
    link("runs", t("page.run.to_list"), icon=":material/arrow_back:")
    st.title(plain(run_title(run)), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not is_open(found):
            state_badge(run.state)
        if run.origin == Origin.SIMULATED:
            simulated_badge()
        provenance_line(*run_line(run, t))


def figures(detail: RunDetail) -> None:
    """Answer, progress, chart, table. What comes and goes has a place of its own: what stands below it would otherwise
    move up, and be another element to the browser, without its zoom."""
    answer = run_answer(detail, t)
    st.markdown(f"#### {plain(answer)}")
    with st.container():
        for line in warning_lines(detail.measurements, t):
            st.warning(plain(line), icon=":material/warning:")
        if detail.job and detail.job.state is not JobState.DONE:
            live_panel(detail.job)
    if not detail.measurements:
        waiting = detail.job is not None and detail.job.state.is_active
        empty_state(t("page.run.waiting" if waiting else "page.run.nothing"), icon=":material/show_chart:")
        return
    left, right = st.columns([3, 2])
    with left:
        curve_card(detail, answer)
    with right:
        percentiles_card(detail.measurements)
    points_table(detail.measurements)
    point = choose_point(detail.measurements)
    if point is not None:
        point_details(detail, point)


def is_open(detail: RunDetail) -> bool:
    """Whether it is worth watching: an interrupted one may go on, too."""
    return detail.job is not None and not detail.job.state.is_finished


run_id = st.query_params.get("id", "")
if not run_id:
    empty_state(t("page.run.no_id"), label=t("page.run.to_list"), page="runs")
    st.stop()
found = app.results.run(run_id)
head(found.run)
with st.container():
    worker_notice()


@st.fragment(run_every=POLL_S if is_open(found) else None)
def follow() -> None:
    """By itself while it is measured; the frame is drawn anew when that has ended."""
    with guard():
        now = app.results.run(run_id)
        if is_open(found) and not is_open(now):
            st.rerun()
        figures(now)


follow()
evidence(found)
