"""Runs side by side: the answer first, then the curves, every change with its interval, and what it rests on."""

import streamlit as st

from core.domain.comparison import Comparison
from ui import session
from ui.components import empty_state, header, link, link_button, plain
from ui.components.compare_answer import answer_lines
from ui.components.compare_charts import changes_card, curves_card, follow_click
from ui.components.compare_evidence import evidence_tabs
from ui.components.compare_links import compare_query, compared
from ui.components.compare_pick import change_popover, first_choice, others_choice, watched_table
from ui.components.compare_share import share_popover
from ui.components.compare_tables import changes_table
from ui.components.kept_views import views_popover

app, t = session.app(), session.texts()
follow_click()


def figures(found: Comparison) -> None:
    """Answer, charts, table, evidence."""
    answer_lines(found)
    left, right = st.columns([3, 2])
    with left:
        curves_card(found)
    with right:
        changes_card(found)
    changes_table(found)
    evidence_tabs(found)


run_ids, baseline_id = compared()
if not run_ids:
    header("compare")
    if not app.results.recent(1):
        empty_state(t("page.compare.no_runs"), label=t("page.overview.benchmark"), page="benchmark")
        st.stop()
    watched_table()
    st.subheader(t("page.compare.pick"), anchor=False)
    st.caption(t("page.compare.none"))
    first_choice()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        link("runs", t("page.compare.to_runs"), icon=":material/table_rows:")
        views_popover("compare")
    st.stop()
if not app.comparisons.has_partner(run_ids, baseline_id):
    header("compare", t("page.compare.alone"))
    with st.container(border=True, gap="small"):
        link("run", plain(run_ids[0]), id=run_ids[0], icon=":material/show_chart:")
        others_choice(run_ids[0])
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    st.title(t("page.compare.title"), anchor=False, width="stretch")
    place = st.container(width="content")
comparison = app.comparisons.compare(run_ids, baseline_id)
with place, st.container(horizontal=True, gap="small"):
    if len(comparison.pairs) == 1:
        ids = [side.run.id for side in comparison.sides]
        link_button(
            "release", t("page.compare.card"), key="to_card", icon=":material/approval:", **compare_query(ids, ids[0])
        )
    change_popover(comparison)
    views_popover("compare")
    share_popover(comparison)
figures(comparison)
