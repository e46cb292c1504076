"""What the fields of the benchmark form share: their keys, their words, their memory."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import number_lists, session

SESSION: dict[str, Any] = {"persist_state": "session"}
"""A field keeps what was typed when its page is left, and while it is not drawn."""


def key(field: str) -> str:
    """The widget's key in the session."""
    return f"bench_{field}"


def value(field: str) -> Any:
    """What stands in the field."""
    return st.session_state[key(field)]


def labels(field: str) -> dict[str, Any]:
    """Label, key and help of a field."""
    t = session.texts()
    name = field.removesuffix("_s").removesuffix("_ms")
    return {"label": t(f"page.benchmark.{name}"), "key": key(field), "help": t(f"page.benchmark.{name}_help")}


def follow() -> None:
    """The loads have changed: the requests go with them."""
    loads, requests = number_lists.read(value("concurrency")), number_lists.read(value("requests"))
    if loads is None:
        return
    if requests is not None:
        before = st.session_state.get(key("loads_before"), ())
        st.session_state[key("requests")] = number_lists.write(number_lists.realigned(before, requests, loads))
    st.session_state[key("loads_before")] = list(loads)
