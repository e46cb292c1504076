"""Two evaluations of the same questions: the difference first, then what flipped."""

import streamlit as st

from render.score_words import comparison_answer, evaluation_line, run_name
from ui import session
from ui.components import empty_state, link, link_button, plain, provenance_line
from ui.components.evaluation_flips import flips_section, pairs_card
from ui.components.evaluation_share import kept_state, share_pairs
from ui.components.kept_views import views_popover

app, t = session.app(), session.texts()
chosen = kept_state(st.query_params.to_dict())
before, after = chosen.get("before", ""), chosen.get("after", "")
if not before or not after:
    empty_state(t("page.compare_evaluations.choose"), label=t("page.evaluation.to_list"), page="runs")
    views_popover("compare_evaluations")
    st.stop()
found = app.evaluation_results.compare(before, after)
answer = comparison_answer(found, t)
link("evaluation", plain(run_name(found.after)), icon=":material/arrow_back:", id=after)
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    st.title(t("page.compare_evaluations.title"), anchor=False, width="content")
    st.space("stretch")
    views_popover("compare_evaluations")
    share_pairs(found)
st.markdown(f"#### {plain(answer)}")
for name, run in (("before", found.before), ("after", found.after)):
    provenance_line(t(f"page.compare_evaluations.{name}"), run_name(run), *evaluation_line(run, t))
with st.container(horizontal=True, vertical_alignment="center", gap="small"):
    link("evaluation", t("page.compare_evaluations.before"), icon=":material/quiz:", id=before)
    link("evaluation", t("page.compare_evaluations.after"), icon=":material/quiz:", id=after)
    link_button(
        "compare_evaluations",
        t("page.compare_evaluations.swap"),
        key="swap",
        icon=":material/swap_horiz:",
        before=after,
        after=before,
    )
if found.datasets:
    pairs_card(found, answer)
    flips_section(found)
