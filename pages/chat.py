"""A chat of our own, for the first try: one endpoint, or two side by side."""

import streamlit as st

from ui import session
from ui.components import chat, empty_state, header
from ui.components.endpoint import withheld_notice

app, t = session.app(), session.texts()
offers = app.deployments.offers()
endpoints = offers.endpoints

header("chat")
withheld_notice(offers.withheld)
if not endpoints:
    empty_state(t("page.chat.none"), label=t("page.overview.attach"), page="endpoints")
    st.stop()
with st.container(horizontal=True, vertical_alignment="center"):
    picked = chat.pick(endpoints)
    chosen = chat.parameters()
    if chat.talk().turns:
        st.button(t("page.chat.new"), key="chat_new", icon=":material/add_comment:", on_click=chat.begin_anew)
chat.conversation(picked)
started = chat.starters() if not chat.talk().turns and picked else None
busy = chat.under_way()
if busy:
    st.button(t("page.chat.stop"), key="chat_stop", icon=":material/stop_circle:", on_click=chat.stop_all)
elif chat.talk().turns:
    st.download_button(
        t("page.chat.save"),
        chat.as_markdown({one.id: one.name for one in endpoints}),
        file_name="chat.md",
        mime="text/markdown",
        key="chat_save",
        icon=":material/download:",
        help=t("page.chat.save_help"),
        type="tertiary",
        on_click="ignore",
    )
typed = st.chat_input(t("page.chat.message"), key="chat_message", disabled=bool(busy) or not picked)
if message := typed or started:
    chat.send(message, picked, chosen)
