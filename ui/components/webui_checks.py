"""How an Open WebUI stands: its state in a word, each check in a line, what has changed since."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.domain.webui import Change, Check, CheckState, WebUi
from render.webui_words import change_text, check_text, finding_in_words
from ui import session
from ui.components.pieces import Color
from ui.markdown import plain

_LOOKS: dict[CheckState, tuple[Color, str]] = {
    CheckState.GOOD: ("green", ":material/check_circle:"),
    CheckState.ATTENTION: ("orange", ":material/warning:"),
    CheckState.BAD: ("red", ":material/error:"),
    CheckState.UNKNOWN: ("gray", ":material/help:"),
}


def state_of(webui: WebUi) -> CheckState:
    """By its last round, as far as that still holds."""
    return webui.report.state_at(session.app().clock.now()) if webui.report else CheckState.UNKNOWN


def webui_badge(webui: WebUi) -> None:
    """In colour, sign and word."""
    state = state_of(webui)
    color, icon = _LOOKS[state]
    st.badge(session.texts()(f"page.open_webui.state_{state.value}"), icon=icon, color=color)


def check_lines(checks: Iterable[Check]) -> None:
    """Each in one line, and under it what to do."""
    t = session.texts()
    for check in checks:
        color, icon = _LOOKS[check.state]
        word = t(f"webui_state.{check.state.value}")
        ago = f" · {t.ago(check.at, session.app().clock.now())}" if check.at else ""
        st.markdown(f":{color}[{icon} **{word}**] {check_text(t, check, marked)}{plain(ago)}")
        if check.finding is not None:
            st.caption(t.finding(finding_in_words(t, check.finding, marked)))


def change_lines(changes: Iterable[Change]) -> None:
    """What is set, one a line."""
    t = session.texts()
    st.markdown("\n".join(f"- {change_text(t, change, marked)}" for change in changes))


def marked(value: str | int | float | bool | None) -> str | int | float | bool | None:
    """A value within a sentence: addresses as code, for Markdown would make links of them that swallow the full-width
    signs behind; everything else as plain text."""
    if not isinstance(value, str):
        return value
    is_address = "`" not in value and " " not in value and ("://" in value or "@" in value)
    return f"`{value}`" if is_address else plain(value)
