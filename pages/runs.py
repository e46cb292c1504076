"""Every run, newest first; a page at a time, as SQL delivers it."""

import streamlit as st

from core.domain.benchmark import Page, RunRow
from ui import session
from ui.components import empty_state, header
from ui.components.links import go
from ui.components.run_table import run_table

PER_PAGE = 25

app, t = session.app(), session.texts()


def filters() -> tuple[str | None, str | None]:
    """Model and words; both live in the address."""
    left, right = st.columns([2, 3])
    model = left.selectbox(
        t("page.runs.model"),
        app.results.models(),
        index=None,
        key="model",
        bind="query-params",
        placeholder=t("page.runs.all_models"),
    )
    text = right.text_input(t("page.runs.search"), key="q", bind="query-params", help=t("page.runs.search_help"))
    return model, text.strip() or None


def pager(total: int) -> int:
    """The number of the page, from 1; nothing is drawn where one page holds everything."""
    pages = max(1, -(-total // PER_PAGE))
    return st.pagination(pages, key="page") if pages > 1 else 1


def table(page: Page[RunRow]) -> None:
    """A click on a row opens the run."""
    chosen = run_table(page.rows)
    if chosen is not None:
        go("run", id=chosen)


answer = st.container()
everything = app.results.runs(0, 1).total
if not everything:
    header("runs")
    empty_state(t("page.runs.none"), label=t("page.overview.benchmark"), page="benchmark")
    st.stop()
model, text = filters()
place = st.container()
total = app.results.runs(0, 1, model=model, text=text).total
number = pager(total)
with answer:
    header("runs", t("page.runs.answer", total=total, everything=everything))
with place:
    if total:
        table(app.results.runs((number - 1) * PER_PAGE, PER_PAGE, model=model, text=text))
    else:
        empty_state(t("page.runs.no_match"))
