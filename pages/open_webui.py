"""Open WebUI in front of what serves here: connected, proved, handed over."""

import streamlit as st

from core.domain.access import Role
from core.domain.webui import CheckState
from ui import session
from ui.components import empty_state, header, worker_notice
from ui.components.endpoint import withheld_notice
from ui.components.webui_access import password_once
from ui.components.webui_card import webui_card
from ui.components.webui_checks import state_of
from ui.components.webui_connect import connect_form, wants_to_connect
from ui.components.webui_start import start_form

app, t = session.app(), session.texts()
known = app.webui.connect.list()
offers = app.deployments.offers(keep=[one.endpoint_id for webui in known for one in webui.connected])
endpoints = offers.endpoints
wanted = st.query_params.get("id")


def ways() -> None:
    """Two ways to one more."""
    connect, start = st.tabs(
        [t("page.open_webui.connect_tab"), t("page.open_webui.start_tab")], key="webui_way", on_change="rerun"
    )
    if connect.open:
        with connect:
            connect_form(endpoints, known)
    if start.open:
        with start:
            start_form(endpoints)


good = sum(state_of(one) is CheckState.GOOD for one in known)
header("open_webui", t("page.open_webui.answer", count=len(known), good=good) if known else None)
worker_notice()
withheld_notice(offers.withheld)
password_once()
for one in sorted(known, key=lambda one: one.id != wanted):
    webui_card(one, opened=one.id == wanted)
if not endpoints and not known:
    empty_state(t("page.open_webui.need_endpoint"), label=t("page.overview.attach"), page="endpoints")
elif session.may(Role.OPERATOR) and known:
    with st.expander(t("page.open_webui.another"), icon=":material/add_link:", expanded=wants_to_connect()):
        ways()
elif session.may(Role.OPERATOR):
    ways()
elif not known:
    empty_state(t("page.open_webui.none"))
