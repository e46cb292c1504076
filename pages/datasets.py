"""What a model can be asked: the list, fetching for later, folders, and questions of one's own."""

import streamlit as st

from core.domain.job import JobView
from ui import session
from ui.act import guard
from ui.components import dataset_table as table
from ui.components import header, worker_notice
from ui.components.question_upload import preview, upload_form

POLL_S = 3
JOBS = 50

app, t = session.app(), session.texts()


def jobs_now() -> tuple[JobView, ...]:
    """Jobs about datasets that are worth showing."""
    return table.latest_jobs(app.jobs.page(0, JOBS).rows)


everything = app.datasets.list()
known = {row.dataset.key: row.dataset for row in everything}
here = sum(row.is_here for row in everything)
header("datasets", t("page.datasets.answer", here=here, count=len(everything)))
shown = jobs_now()
active = any(not view.state.is_finished for view in shown)


@st.fragment(run_every=POLL_S if active else None)
def follow() -> None:
    """By itself while something is fetched; the page is drawn anew when that has ended."""
    with guard():
        now = jobs_now()
        if active and all(view.state.is_finished for view in now):
            st.rerun()
        table.dataset_jobs(now)


if shown:
    if active:
        worker_notice()
    follow()
left, right = st.columns([2, 1], gap="medium")
with left:
    table.dataset_table(app.datasets.list(table.filters()))
    preview(everything)
with right:
    if table.may_change():
        with st.container(border=True):
            st.subheader(t("page.datasets.own"), anchor=False)
            upload_form()
        with st.container(border=True):
            st.subheader(t("page.datasets.fetch"), anchor=False)
            table.fetch_form(known)
        with st.container(border=True):
            st.subheader(t("page.datasets.folder"), anchor=False)
            table.folder_form(known)
