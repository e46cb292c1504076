"""What stands around a page: language, and who is signed in."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Actor
from render.texts import LANGUAGE_NAMES, LANGUAGES, Texts
from ui import session
from ui.components.pieces import simulated_badge
from ui.markdown import plain


def side(t: Texts, person: Actor) -> None:
    """The foot of the navigation: language, account, simulation."""
    with st.sidebar:
        language_switch(t, key="frame_switch")
        settings = session.app().settings
        if settings.simulated or settings.host_profile:
            simulated_badge()
        if session.is_local():
            st.caption(f":material/lock: {t('frame.local_only')}", help=t("frame.local_only_help"))
        else:
            st.caption(plain(t("sign_in.signed_in_as", name=person.name)), help=t(f"role.{person.role}"))
            st.button(t("sign_in.sign_out"), key="frame_sign_out", on_click=session.sign_out, type="tertiary")


def language_switch(t: Texts, key: str) -> None:
    """Takes effect at once, before anything is drawn."""
    st.session_state[key] = t.language
    st.segmented_control(
        t("frame.language"),
        LANGUAGES,
        key=key,
        format_func=LANGUAGE_NAMES.__getitem__,
        required=True,
        label_visibility="collapsed",
        on_change=lambda: session.choose_language(st.session_state[key]),
        width="stretch",
    )


def role_needed(t: Texts) -> None:
    """In place of a page that the person's role does not cover."""
    st.info(t("frame.role_needed"), title=t("frame.role_needed_title"), icon=":material/lock:")
