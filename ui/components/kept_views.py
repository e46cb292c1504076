"""The kept views of a page: to open, and to put away. How one is kept is each page's own matter."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.history import SavedView
from ui import session
from ui.act import act
from ui.components.links import link
from ui.markdown import plain


def views_popover(page: str) -> None:
    """Asked for only once it is open."""
    label = session.texts()("page.runs.views")
    popover = st.popover(label, icon=":material/bookmark:", on_change="rerun", key=f"{page}_views")
    if popover.open:
        with popover:
            kept_list(page)


def kept_list(page: str) -> None:
    """One line each; an operator puts it away, and its link still opens."""
    kept = session.app().history.views(page)
    for view in kept:
        _line(view)
    if not kept:
        st.caption(session.texts()("page.runs.views_none"))


def _line(view: SavedView) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = ":material/lock:" if view.run_ids else ":material/filter_list:"
        link(view.page, plain(view.title), icon=icon, view=view.id)
        st.space("stretch")
        if session.may(Role.OPERATOR):
            pressed = st.button(
                "",
                key=f"view_away_{view.id}",
                icon=":material/close:",
                type="tertiary",
                help=session.texts()("page.runs.view_away"),
            )
            if pressed and act(session.app().history.put_view_away, session.actor(), view.id):
                st.rerun()
