"""The frame of every page: who looks, in which language, the navigation, then the page itself.

This is the script that Streamlit runs. Streamlit reads pages/ beside its script, and here is none: no page is ever run
without this file (docs/decisions/0001-shell-outside-the-root.md).
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.domain.access import Actor
from core.domain.notices import Notices
from render.texts import Texts
from ui import registry, session
from ui.act import guard, show_told
from ui.components import frame
from ui.components.notices import tab_title, watch_notices
from ui.signed_out import signed_out

STATIC = Path(__file__).parent / "static"


def navigation(t: Texts, person: Actor | None) -> dict[str, list[st.Page]]:
    """Every page by section, so that every address resolves; visible are those that the person may use."""
    grouped: dict[str, list[st.Page]] = {}
    for entry in registry.PAGES:
        visible = not entry.hidden and person is not None and person.role.covers(entry.role)
        page = st.Page(
            entry.path,
            title=t(entry.title_key),
            icon=entry.icon,
            default=entry.default,
            visibility="visible" if visible else "hidden",
        )
        grouped.setdefault(t(f"section.{entry.section}"), []).append(page)
    return grouped


def draw() -> None:
    """Navigation first, signed in or not: else the old one would stay on the screen."""
    t, person = session.texts(), session.viewer()
    icon = str(STATIC / "icon.png") if person else None  # signed out, the gate keeps pictures too
    notices = session.app().notices.of(person) if person else Notices()
    st.set_page_config(page_title=tab_title(notices, t), page_icon=icon, layout="wide")
    page = st.navigation(navigation(t, person), position="hidden" if person is None else "sidebar", expanded=True)
    if person is None:
        signed_out(t)
        return
    st.logo(str(STATIC / "logo.png"), size="large", icon_image=icon)
    with st.sidebar:
        watch_notices(notices)
    frame.side(t, person)
    show_told()
    needed = registry.entry(page.url_path or registry.DEFAULT).role
    if not person.role.covers(needed):
        frame.role_needed(t)
        return
    with guard():
        page.run()


draw()
