"""The list of datasets, and what can be done to have them here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from core.domain.access import Role
from core.domain.evaluation import Dataset, DatasetChoice, DatasetOrigin, Hub
from core.domain.job import JobKind, JobState, JobView, Param
from core.services.datasets import DatasetFilter, DatasetRow
from ui import session
from ui.act import act, refusals, tell
from ui.components.dataset_choice import dataset_name
from ui.components.findings import draw_findings
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.job import job_card
from ui.markdown import plain

CATEGORIES = ("llm", "vlm", "agent", "aigc")
SHOWN = 30
FETCH, TRY = "datasets_fetch", "datasets_try"
_SPANS = {"name": 4, "needs": 3, "samples": 2, "subsets": 1, "shots": 2}
_NUMBERS = ("samples", "subsets", "shots")


def filters() -> DatasetFilter:
    """Words, a category, and whether a network may be needed."""
    t = session.texts()
    left, middle, right = st.columns([3, 2, 2], vertical_alignment="bottom")
    text = left.text_input(t("page.datasets.search"), key="datasets_text", help=t("page.datasets.search_help"))
    category = middle.selectbox(
        t("page.datasets.category"),
        [None, *CATEGORIES],
        key="datasets_category",
        format_func=lambda name: t(f"dataset.category_{name}" if name else "page.datasets.category_all"),
    )
    offline = right.toggle(t("page.datasets.offline"), key="datasets_offline")
    return DatasetFilter(text=text, category=category, offline_only=offline)


def dataset_table(rows: Sequence[DatasetRow]) -> None:
    """The first of them; what is here stands on top."""
    t = session.texts()
    if not rows:
        st.markdown(t("page.datasets.no_match"))
        return
    columns = [Column(name, t(f"page.datasets.column_{name}"), span, name in _NUMBERS) for name, span in _SPANS.items()]
    grid_table(columns, [_cells(row) for row in rows[:SHOWN]])
    if len(rows) > SHOWN:
        st.caption(t("page.datasets.shown", shown=SHOWN, count=len(rows)))


def _cells(row: DatasetRow) -> dict[str, Cell]:
    t, dataset = session.texts(), row.dataset
    version = f" v{dataset.version}" if dataset.version else ""
    here = f" :green-badge[:material/home: {t('page.datasets.here')}]" if row.is_here else ""
    needs = " ".join(f":gray-badge[{t(f'dataset.need_{need}')}]" for need in dataset.needs)
    return {
        "name": partial(_name, dataset, f"**{plain(dataset.key)}**{version}{here}"),
        "samples": t.number(dataset.samples),
        "subsets": t.number(len(dataset.subsets)),
        "shots": t.number(dataset.few_shot),
        "needs": needs or "–",
    }


def _name(dataset: Dataset, title: str) -> None:
    about = plain(dataset.description) or None
    st.markdown(f"{title}  \n:small[{plain(dataset_name(dataset))}]", help=about)


# ---------------------------------------------------------------- having them here


def fetch_form(known: dict[str, Dataset]) -> None:
    """A job that loads datasets out of a hub."""
    t, names = session.texts(), _evalscope(known)
    st.caption(t("page.datasets.fetch_lead"))
    with st.form("datasets_fetch_form", border=False):
        keys = st.multiselect(
            t("page.datasets.fetch_keys"),
            names,
            key="datasets_fetch_keys",
            placeholder=t("page.accuracy.datasets_placeholder"),
        )
        hub = st.selectbox(
            t("page.datasets.fetch_hub"), list(Hub), key="datasets_hub", format_func=lambda one: str(one.label)
        )
        pressed = st.form_submit_button(t("page.datasets.fetch_start"), icon=":material/download:")
    draw_findings(refusals(FETCH))
    choices = tuple(DatasetChoice(key) for key in keys)
    if pressed and act(session.app().datasets.fetch, session.actor(), choices, hub or Hub.MODELSCOPE, form=FETCH):
        tell(t("page.datasets.fetching"))
        st.rerun()


def folder_form(known: dict[str, Dataset]) -> None:
    """A job that loads one dataset out of a folder."""
    t = session.texts()
    st.caption(t("page.datasets.folder_lead"))
    with st.form("datasets_folder_form", border=False):
        key = st.selectbox(t("page.datasets.folder_key"), _evalscope(known), key="datasets_folder_key")
        folder = st.text_input(t("page.datasets.folder_path"), key="datasets_folder_path")
        pressed = st.form_submit_button(t("page.datasets.folder_start"), icon=":material/folder_open:")
    draw_findings(refusals(TRY))
    choice = (DatasetChoice(str(key), local_path=folder.strip()),)
    if pressed and act(session.app().datasets.fetch, session.actor(), choice, form=TRY):
        tell(t("page.datasets.folder_begun"))
        st.rerun()


def _evalscope(known: dict[str, Dataset]) -> list[str]:
    return sorted(key for key, dataset in known.items() if dataset.origin is DatasetOrigin.EVALSCOPE)


def dataset_jobs(jobs: Sequence[JobView]) -> None:
    """Those that go on, and the last one that ended, with the first sample that it found."""
    for view in jobs:
        job_card(view, key="datasets_")
        progress = view.progress
        if view.state is JobState.DONE and progress and progress.detail.get("question"):
            _sample(progress.detail)


def _sample(found: Mapping[str, Param]) -> None:
    t = session.texts()
    with st.container(border=True, gap="xsmall"):
        st.caption(t("page.datasets.loaded", **found))
        st.code(str(found["question"]), language=None, wrap_lines=True)
        st.caption(plain(t("page.datasets.gold", gold=found.get("gold"))))


def latest_jobs(views: Sequence[JobView]) -> tuple[JobView, ...]:
    """Of a page of jobs: what goes on, and the newest that ended."""
    ours = [view for view in views if view.job.kind is JobKind.DATASETS]
    open_ones = [view for view in ours if not view.state.is_finished]
    ended = [view for view in ours if view.state.is_finished]
    return (*open_ones, *ended[:1])


def may_change() -> bool:
    """Whether the person may fetch and keep."""
    return session.may(Role.OPERATOR)
