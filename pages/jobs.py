"""The queue and the history of jobs: state, progress, log; cancel and resume."""

import streamlit as st

from core.domain.benchmark import Page
from core.domain.job import JobState, JobView
from ui import session
from ui.act import guard
from ui.components import empty_state, header, job_card, worker_notice
from ui.components.job_log import job_log
from ui.components.job_table import job_table

PER_PAGE = 20
POLL_S = 3

app, t = session.app(), session.texts()
active = app.jobs.active()
app.notices.seen(session.actor())


def states(views: tuple[JobView, ...]) -> dict[str, JobState]:
    """What the rest of the page shows of them."""
    return {view.job.id: view.state for view in views}


@st.fragment(run_every=POLL_S if any(view.state.is_active for view in active) else None)
def in_progress() -> None:
    """What runs and what waits; follows by itself, and draws the whole page anew where a state has changed."""
    with guard():
        now = app.jobs.active()
        if states(now) != states(active):
            st.rerun()
        st.subheader(t("page.jobs.in_progress"), anchor=False)
        if not now:
            empty_state(t("page.jobs.nothing_runs"), icon=":material/hourglass_empty:")
        for view in now:
            job_card(view)
            job_log(view.job.id, key="active")


def pager(total: int) -> int:
    """The number of the page, from 1; nothing is drawn where one page holds everything."""
    pages = max(1, -(-total // PER_PAGE))
    return st.pagination(pages, key="jobs_page") if pages > 1 else 1


def history() -> None:
    """Every job, newest first."""
    st.subheader(t("page.jobs.history"), anchor=False)
    place = st.container()
    number = pager(newest.total)
    rows = newest if number == 1 else app.jobs.page((number - 1) * PER_PAGE, PER_PAGE)
    with place:
        job_table(rows.rows)


def details(job_id: str) -> None:
    """One job and its log, whatever its state."""
    st.subheader(t("page.jobs.chosen"), anchor=False)
    job_card(app.jobs.view(job_id), key="chosen")
    job_log(job_id, key="chosen", opened=True)


newest: Page[JobView] = app.jobs.page(0, PER_PAGE)
answer = t(f"page.jobs.answer{'' if active else '_idle'}", active=len(active), total=newest.total)
header("jobs", answer if newest.total else None)
worker_notice()
if not newest.total:
    empty_state(t("page.jobs.none"), label=t("page.overview.benchmark"), page="benchmark")
    st.stop()
in_progress()
if chosen := st.query_params.get("id"):
    with guard():
        details(chosen)
history()
