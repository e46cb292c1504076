"""Writing into an Open WebUI from wherever it is offered: write, prove, tell."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.domain.webui import Access, WebUi
from core.services.webui import Applied
from ui import session
from ui.act import act, tell


def write_and_prove(webui: WebUi, access: Access, told: str, write: Callable[[], Applied]) -> None:
    """``told``: the sentence afterwards, with how many documents were written. What was not taken stands on the card of
    that Open WebUI."""
    t = session.texts()
    with st.spinner(t("page.open_webui.applying")):
        done = act(write)
        if done:
            act(session.app().webui.doctor.examine, webui.id, access)
    if done:
        tell_written(done.value, told)
        st.rerun()


def tell_written(applied: Applied, told: str) -> None:
    """What was written, or that not all of it stayed."""
    t, untaken = session.texts(), len(applied.not_taken)
    if untaken:
        tell(t("page.open_webui.partly_taken", count=untaken))
    else:
        tell(t(told, count=applied.writes, settings=applied.settings))
