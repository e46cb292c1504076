"""What can be changed of an endpoint: names, key, whether it is listed."""

from __future__ import annotations

import streamlit as st

from core.domain.endpoint import Endpoint
from ui import session
from ui.act import act, refusals, tell
from ui.components.cards import confirm
from ui.components.findings import field_findings

_TURN = "endpoints_change_turn"


def rename(endpoint: Endpoint) -> None:
    """Name and version label together."""
    t, key = session.texts(), endpoint.id
    form = f"rename_{key}"
    name = st.text_input(t("word.name"), endpoint.name, key=f"name_{key}", help=t("page.endpoints.name_help"))
    field_findings(refusals(form), "name")
    version = st.text_input(
        t("page.endpoints.version_label"),
        endpoint.version_label,
        key=f"version_{key}",
        help=t("page.endpoints.version_label_help"),
    )
    same = (name, version) == (endpoint.name, endpoint.version_label)
    pressed = st.button(t("word.save"), key=f"rename_{key}", disabled=same)
    if pressed and act(session.app().endpoints.rename, session.actor(), key, name, version, form=form):
        tell(t("page.endpoints.renamed", name=name))
        st.rerun()


def replace_key(endpoint: Endpoint) -> None:
    """A new key is tried at once; the stored one is never shown."""
    t, key, turn = session.texts(), endpoint.id, st.session_state.get(_TURN, 0)
    secret = st.text_input(
        t("page.endpoints.new_key"),
        key=f"key_{key}_{turn}",
        type="password",
        live=True,  # Tab leads over its own eye, and what was typed would be lost
        autocomplete="off",
        help=t("page.endpoints.key_help"),
    )
    with st.container(horizontal=True):
        replaced = st.button(t("page.endpoints.set_key"), key=f"set_key_{key}", disabled=not secret)
        forgotten = endpoint.key_ref and st.button(t("page.endpoints.forget_key"), key=f"forget_key_{key}")
    if (replaced or forgotten) and act(
        session.app().endpoints.set_key, session.actor(), key, secret if replaced else None
    ):
        tell(t("page.endpoints.key_set" if replaced else "page.endpoints.key_forgotten", name=endpoint.name))
        st.session_state[_TURN] = turn + 1
        st.rerun()


def archive(endpoint: Endpoint) -> None:
    """Asks first."""
    t, actor, service = session.texts(), session.actor(), session.app().endpoints
    if st.button(t("page.endpoints.archive"), key=f"archive_{endpoint.id}", icon=":material/inventory_2:"):
        confirm(
            t("page.endpoints.archive_title", name=endpoint.name),
            t("page.endpoints.archive_text"),
            t("page.endpoints.archive"),
            lambda: service.archive(actor, endpoint.id),
            told=t("page.endpoints.archived", name=endpoint.name),
        )
