"""From an endpoint to where people chat with it."""

from __future__ import annotations

import streamlit as st

from core.domain.endpoint import Endpoint
from core.domain.webui import CheckState
from ui import session
from ui.components.links import link, link_button
from ui.components.webui_checks import state_of
from ui.markdown import plain

_ICONS = {
    CheckState.GOOD: ":material/hub:",
    CheckState.ATTENTION: ":material/warning:",
    CheckState.BAD: ":material/error:",
    CheckState.UNKNOWN: ":material/hub:",
}


def chat_button(endpoint_id: str) -> None:
    """A first try of our own."""
    label = session.texts()("page.chat.try_it")
    link_button("chat", label, key=f"chat_{endpoint_id}", icon=":material/forum:", endpoint=endpoint_id)


def webui_links(endpoint_id: str) -> None:
    """Each Open WebUI that it is connected to, and how that stands; what has changed since is put right there."""
    t = session.texts()
    for webui in session.app().webui.connect.of_endpoint(endpoint_id):
        count = len(webui.report.drift) if webui.report else 0
        state = t("page.open_webui.plan_title", count=count) if count else t(f"page.open_webui.state_{state_of(webui)}")
        with st.container(horizontal=True):
            link("open_webui", plain(f"{webui.name} · {state}"), icon=_ICONS[state_of(webui)], id=webui.id)


def for_people(endpoint: Endpoint | None) -> None:
    """Under a deployment: a first try, and where colleagues chat with it."""
    if endpoint is not None:
        chat_button(endpoint.id)
        webui_links(endpoint.id)
