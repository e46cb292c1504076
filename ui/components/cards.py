"""Cards: an empty place, and a question before something is done."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from ui import session
from ui.act import act, tell
from ui.components.links import link_button
from ui.markdown import plain


def empty_state(
    text: str, *, icon: str = ":material/inbox:", label: str | None = None, page: str | None = None
) -> None:
    """One sentence, and one button to the page where something can be done about it."""
    with st.container(border=True, horizontal_alignment="center", gap="small"):
        st.space("small")
        st.markdown(icon, width="content")
        st.markdown(plain(text), width="content", text_alignment="center")
        if label and page:
            link_button(page, label, type="primary", key=f"empty_{page}_{label}")
        st.space("small")


def close_popover(key: str) -> None:
    """For the on_click of a button in the popover ``key``, which needs on_change="rerun": it would stay open and lie
    over the question that the button asks."""
    st.session_state[key] = False


def confirm(
    title: str, text: str, yes: str, action: Callable[[], object], told: str | None = None, no: str | None = None
) -> None:
    """Asks in a dialog, then acts through ui.act, says ``told`` and draws the page anew. Call it when the button was
    pressed. ``no``: the other button's word where "cancel" would be taken for yes."""
    t = session.texts()

    @st.dialog(title)
    def ask() -> None:
        st.markdown(plain(text))
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(no or t("word.cancel"), key="confirm_no"):
                st.rerun()
            agreed = st.button(yes, type="primary", key="confirm_yes")
        if agreed and act(action):
            if told:
                tell(told)
            st.rerun()

    ask()
