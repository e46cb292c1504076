"""The release card: two versions of a model, their speed, their answers and their configuration on one page."""

import streamlit as st

from render.comparison_report import comparison_title
from ui import session
from ui.components import empty_state, link, plain
from ui.components.compare_links import compare_query, compared
from ui.components.compare_tables import config_section
from ui.components.release_card import answer_card, charts, download, figures, provenance

app, t = session.app(), session.texts()
run_ids, baseline_id = compared()
candidates = [run_id for run_id in run_ids if run_id != baseline_id]
if not baseline_id or not candidates:
    empty_state(t("page.release.none"), label=t("page.compare.title"), page="compare")
    st.stop()
card = app.releases.card(baseline_id, candidates[0])
link(
    "compare",
    t("page.release.to_comparison"),
    icon=":material/arrow_back:",
    **compare_query([baseline_id, candidates[0]], baseline_id),
)
with st.container(horizontal=True, vertical_alignment="center"):
    st.title(plain(comparison_title(card.comparison, t)), anchor=False, width="stretch")
    download(card)
answer_card(card)
charts(card)
figures(card)
st.subheader(t("page.compare.config"), anchor=False)
config_section(card.configuration, card.comparison)
provenance(card.comparison)
