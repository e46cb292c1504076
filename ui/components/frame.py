"""What stands around a page: language, who is signed in, signed-out notice."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from core.domain.access import Actor
from render.texts import LANGUAGE_NAMES, LANGUAGES, Texts
from ui import session
from ui.components.pieces import simulated_badge
from ui.markdown import plain


def signed_out(t: Texts) -> None:
    """The session is over. What was started goes on."""
    with st.container(horizontal_alignment="center"):
        st.space("large")
        st.subheader(t("sign_in.title"), anchor=False, width="content")
        st.markdown(t("sign_in.ended"), width="content")
        # A link that leaves for a plain route in the same tab: Markdown links open another one.
        path, query = urlsplit(str(st.context.url or "")).path or "/", urlencode(st.query_params.to_dict())
        target = quote(f"{path}?{query}" if query else path)
        st.html(f'<a href="/login?next={target}" target="_self">{t("sign_in.again")}</a>', width="content")


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
