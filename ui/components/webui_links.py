"""From an endpoint to where people chat with it."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.domain.access import Role
from core.domain.endpoint import Endpoint
from core.domain.webui import CheckState
from core.services.webui_links import WebUiLink
from ui import session
from ui.components.links import link, link_button
from ui.components.webui_access import usable_access
from ui.components.webui_again import write_and_prove
from ui.components.webui_checks import change_lines, state_of
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


def webui_links(endpoint_id: str, links: Iterable[WebUiLink]) -> None:
    """Each Open WebUI that it stands behind, how that is, and what of the service has changed since."""
    for found in links:
        _link(found)
        if found.changes and session.may(Role.OPERATOR):
            _renewed(found, endpoint_id)


def _link(found: WebUiLink) -> None:
    t, webui = session.texts(), found.webui
    count = len(found.changes or webui.drifted)
    state = t("page.open_webui.plan_title", count=count) if count else t(f"page.open_webui.state_{state_of(webui)}")
    icon = ":material/difference:" if found.changes else _ICONS[state_of(webui)]
    with st.container(horizontal=True):
        link("open_webui", plain(f"{webui.name} · {state}"), icon=icon, id=webui.id)


def _renewed(found: WebUiLink, endpoint_id: str) -> None:
    """What the service has now and Open WebUI has not, and the button that writes it."""
    t, webui, access = session.texts(), found.webui, usable_access(found.webui)
    change_lines(found.changes)
    pressed = st.button(
        t("page.open_webui.put_right"),
        key=f"right_{webui.id}_{endpoint_id}",
        icon=":material/sync_alt:",
        disabled=access is None,
        help=None if access else t("page.open_webui.sign_in_there"),
    )
    if pressed and access:
        links, actor = session.app().webui.links, session.actor()
        told = "page.open_webui.put_right_done"
        write_and_prove(webui, access, told, lambda: links.reconnect(actor, webui.id, endpoint_id, access))


def for_people(endpoint: Endpoint | None, *, serves: bool) -> None:
    """Under a deployment: a first try while it serves, and where colleagues chat with it."""
    if endpoint is not None and endpoint.writes:
        if serves:
            chat_button(endpoint.id)
        webui_links(endpoint.id, session.app().webui.links.by_endpoint().get(endpoint.id, ()))
