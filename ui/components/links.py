"""Ways from page to page, by name. Ids travel in the address: ``go("run", id=run.id)`` opens /run?id=..."""

from __future__ import annotations

from typing import Literal, NoReturn
from urllib.parse import urlencode

import streamlit as st

from ui import registry, session


def go(page: str, **query: str | int) -> NoReturn:
    """Opens a page; outside of callbacks."""
    st.switch_page(registry.entry(page).path, query_params={key: str(value) for key, value in query.items()})


def link(page: str, label: str, *, icon: str | None = None, help: str | None = None, **query: str | int) -> None:
    """A link to a page; plain text where that page is not part of this version."""
    if not registry.has(page):
        st.markdown(label)
        return
    path = registry.entry(page).path
    params = {key: str(value) for key, value in query.items()}
    st.page_link(path, label=label, icon=icon, help=help, query_params=params or None)


def page_address() -> str:
    """What a colleague is sent: this page, with everything that its address carries."""
    query = urlencode(st.query_params.to_dict(), doseq=True, safe=",")
    base = str(st.context.url or "").split("?")[0]
    return f"{base}?{query}" if query else base


def link_button(
    page: str,
    label: str,
    *,
    key: str,
    type: Literal["primary", "secondary", "tertiary"] = "secondary",
    icon: str | None = None,
    **query: str | int,
) -> None:
    """A button that opens a page; nothing where the person may not use it, or this version has no such page."""
    offered = registry.has(page) and session.may(registry.entry(page).role)
    if offered and st.button(label, key=key, type=type, icon=icon):
        go(page, **query)
