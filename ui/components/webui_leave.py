"""Taking one of several services out of an Open WebUI: the difference first."""

from __future__ import annotations

import streamlit as st

from core.domain.webui import Access, ConnectPlan, WebUi
from ui import session
from ui.act import act
from ui.components.cards import close_popover
from ui.components.webui_again import write_and_prove
from ui.components.webui_checks import change_lines
from ui.markdown import plain


def disconnect_buttons(webui: WebUi, access: Access | None, popover: str) -> None:
    """One for each service that is connected, in the popover of that key."""
    t, connect = session.texts(), session.app().webui.connect
    for one in webui.connected:
        pressed = st.button(
            plain(t("page.open_webui.disconnect", name=one.served_name)),
            key=f"disconnect_{webui.id}_{one.endpoint_id}",
            help=t("page.open_webui.disconnect_help" if access else "page.open_webui.sign_in_needed"),
            disabled=access is None,
            on_click=close_popover,
            args=(popover,),
        )
        if pressed and access and (planned := act(connect.plan_leaving, webui.id, access, [one.endpoint_id])):
            _ask(webui, access, planned.value)


def _ask(webui: WebUi, access: Access, plan: ConnectPlan) -> None:
    t = session.texts()
    names = ", ".join(one.served_name for one in plan.leaving)

    @st.dialog(t("page.open_webui.disconnect_title", name=plain(names)))
    def ask() -> None:
        if plan.changes:
            change_lines(plan.changes)
            st.caption(t("page.open_webui.disconnect_text"))
        else:
            st.markdown(t("page.open_webui.disconnect_nothing"))
        with st.container(horizontal=True, horizontal_alignment="right"):
            if st.button(t("word.cancel"), key="disconnect_no"):
                st.rerun()
            agreed = st.button(t("page.open_webui.disconnect_do"), type="primary", key="disconnect_yes")
        if agreed:
            apply, actor = session.app().webui.connect.apply, session.actor()
            write_and_prove(webui, access, "page.open_webui.disconnected", lambda: apply(actor, plan, access))

    ask()
