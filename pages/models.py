"""Weights on this host: downloads under way, the folders that are here, and the form for the next one."""

import streamlit as st

from core.domain.access import Role
from core.domain.weights import WeightsView
from ui import session
from ui.act import guard
from ui.components import empty_state, header, worker_notice
from ui.components.download_form import adopt_form, download_form
from ui.components.models import download_card, is_download, is_moving, models_table, states

POLL_S = 2

app, t = session.app(), session.texts()
views = app.weights.list()
downloads = tuple(view for view in views if is_download(view))
here = tuple(view for view in views if not is_download(view))


def answer() -> str:
    """How much is here, and how much room is left."""
    size, free = sum(view.present_bytes or 0 for view in here), app.weights.free_bytes()
    active = sum(is_moving(view) for view in downloads)
    key = "page.models.answer_loading" if active else "page.models.answer"
    return t(key, count=len(here), size=t.size(size), active=active, free=t.size(free))


@st.fragment(run_every=POLL_S if any(map(is_moving, downloads)) else None)
def under_way() -> None:
    """Follows by itself while bytes come; once a state has changed, the whole page is drawn anew."""
    with guard():
        now: tuple[WeightsView, ...] = tuple(view for view in app.weights.told() if is_download(view))
        if states(now) != states(downloads):
            st.rerun()
        for view in now:
            download_card(view)


header("models", answer() if views else None)
worker_notice()
if downloads:
    st.subheader(t("page.models.downloads"), anchor=False)
    under_way()
if here:
    st.subheader(t("page.models.here"), anchor=False)
    models_table(here)
if not views:
    empty_state(t("page.models.none"), icon=":material/hard_drive:")
if session.may(Role.OPERATOR):
    with st.expander(t("page.models.download"), expanded=not views, icon=":material/download:"):
        download_form()
    with st.expander(t("page.models.adopt"), icon=":material/create_new_folder:"):
        adopt_form()
