"""A container's log: followed, searched, taken along."""

from __future__ import annotations

import streamlit as st

from ui import session
from ui.act import guard

_LINES = (200, 1000, 5000)
_WHOLE = 200_000
_POLL_S = 2
_HEIGHT_PX = 420
_FEW_LINES = 16


def container_log(deployment_id: str) -> None:
    """Follows while its switch is on; the search keeps the lines that hold the text, whatever the case."""
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            t("page.deployment.log_search"),
            key="log_search",
            type="search",
            live=True,
            placeholder=t("page.deployment.log_search"),
            label_visibility="collapsed",
        )
        lines = st.selectbox(
            t("page.deployment.log_lines"),
            _LINES,
            key="log_lines",
            format_func=lambda count: t("page.deployment.log_last", count=count),
            label_visibility="collapsed",
            width=180,
        )
        follow = st.toggle(t("page.deployment.log_follow"), key="log_follow")
        st.download_button(
            t("word.download"),
            lambda: session.app().deployments.logs(deployment_id, _WHOLE),
            file_name=f"{deployment_id}.log",
            mime="text/plain",
            key="log_download",
            icon=":material/download:",
            on_click="ignore",
        )
    st.fragment(_lines, run_every=_POLL_S if follow else None)(deployment_id, lines, text)


def _lines(deployment_id: str, count: int, search: str) -> None:
    t = session.texts()
    with guard():
        text = session.app().deployments.logs(deployment_id, count, search=search).rstrip()
        if text:
            tall = text.count("\n") > _FEW_LINES
            with st.container(height=_HEIGHT_PX if tall else "content", border=tall, autoscroll=tall or None):
                st.code(text, language=None, wrap_lines=True)
        else:
            st.caption(t("page.deployment.log_none" if search.strip() else "page.deployments.log_empty"))
