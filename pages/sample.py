"""One sample of an evaluation, whole."""

import streamlit as st

from ui import session
from ui.components import empty_state
from ui.components.evaluation_sample import sample_view
from ui.components.url_state import url_number

t = session.texts()
run_id, number = st.query_params.get("run", ""), url_number("number")
if not run_id or number is None:
    empty_state(t("page.sample.no_id"), label=t("page.evaluation.to_list"), page="runs")
    st.stop()
sample_view(run_id, st.query_params.get("dataset", ""), number)
