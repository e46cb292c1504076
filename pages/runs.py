"""The history: every run, newest first, a page at a time as SQL delivers it; or one figure of them over time."""

import streamlit as st

from ui import session
from ui.components import empty_state, header, link_button
from ui.components.run_bulk import after_a_shelf_change, bulk_bar, pick_box
from ui.components.run_filters import clear_filters, filter_chips, filter_popover, first_page, run_filter
from ui.components.run_table import run_table
from ui.components.run_trend import trend_card
from ui.components.run_views import history_views, open_view, view_line
from ui.components.url_state import url_segments

PER_PAGE = 15

app, t = session.app(), session.texts()
after_a_shelf_change()
view = open_view()
choices = app.history.choices()
if not choices:
    header("runs")
    empty_state(t("page.runs.none"), label=t("page.overview.benchmark"), page="benchmark")
    link_button("import_results", t("page.runs.import"), key="runs_import", icon=":material/upload_file:")
    st.stop()
answer = st.container()
if view:
    view_line(view)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    shown = url_segments("show", t("page.runs.show"), ("list", "trend"), "list", lambda one: t(f"page.runs.show_{one}"))
    st.text_input(
        t("page.runs.search"),
        key="q",
        bind="query-params",
        placeholder=t("page.runs.search_help"),
        label_visibility="collapsed",
        icon=":material/search:",
        on_change=first_page,
    )
    filter_popover(choices)
    keep = st.container(width="content")
    link_button("import_results", t("page.runs.import"), key="runs_import", icon=":material/upload_file:")
where = run_filter(view.run_ids if view else None)
number = int(st.session_state.get("runs_page", 1))
page = app.history.page((number - 1) * PER_PAGE, PER_PAGE, where)
if page.total and not page.rows:
    first_page()
    st.rerun()
with answer:
    header("runs", t("page.runs.found", total=t.number(page.total), count=page.total))
with keep:
    history_views(where, page.total)
filter_chips(choices)
if not page.total:
    empty_state(t("page.runs.no_match"), icon=":material/search_off:")
    st.button(t("page.runs.clear"), on_click=clear_filters, key="runs_clear_all")
    st.stop()
if shown == "trend":
    trend_card(where)
    st.stop()
bulk_bar(page.rows, where.shelf)
run_table(page.rows, pick_box)
if page.total > PER_PAGE:
    st.pagination(-(-page.total // PER_PAGE), key="runs_page")
