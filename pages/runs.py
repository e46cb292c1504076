"""Every run, newest first; a page at a time, as SQL delivers it."""

import streamlit as st

from core.domain.history import Facet, RunFilter
from ui import session
from ui.components import empty_state, header
from ui.components.run_table import run_table

PER_PAGE = 25

app, t = session.app(), session.texts()


def filters() -> tuple[str | None, str | None]:
    """Model and words; both live in the address, and a change begins at the first page."""
    left, right = st.columns([2, 3])
    model = left.selectbox(
        t("page.runs.model"),
        app.results.models(),
        index=None,
        key="model",
        bind="query-params",
        placeholder=t("page.runs.all_models"),
        on_change=first_page,
    )
    text = right.text_input(
        t("page.runs.search"), key="q", bind="query-params", help=t("page.runs.search_help"), on_change=first_page
    )
    return model, text.strip() or None


def first_page() -> None:
    """Another list begins at its beginning."""
    st.session_state.pop("runs_page", None)


def clear() -> None:
    """Everything again."""
    st.session_state["model"], st.session_state["q"] = None, ""
    first_page()


everything = app.results.runs(0, 1).total
if not everything:
    header("runs")
    empty_state(t("page.runs.none"), label=t("page.overview.benchmark"), page="benchmark")
    st.stop()
answer = st.container()
model, text = filters()
where = RunFilter(facets={Facet.MODEL: model} if model else {}, text=text or "")
total = app.results.runs(0, 1, where).total
with answer:
    header("runs", t("page.runs.answer", total=total, everything=everything))
if not total:
    empty_state(t("page.runs.no_match"), icon=":material/search_off:")
    st.button(t("page.runs.clear"), on_click=clear, key="runs_clear")
    st.stop()
pages = -(-total // PER_PAGE)
place = st.container()
number = st.pagination(pages, key="runs_page") if pages > 1 else 1
with place:
    run_table(app.results.runs((number - 1) * PER_PAGE, PER_PAGE, where).rows)
