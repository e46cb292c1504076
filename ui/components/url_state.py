"""Choices that live in the address. Streamlit can bind a widget to it, but then the address carries the label in the
reader's language; here it carries the id, and nothing where the choice is the default."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import streamlit as st


def url_select(
    param: str,
    label: str,
    options: Sequence[str],
    default: str,
    words: Callable[[str], str],
    help: str | None = None,
    width: int | Literal["stretch"] = "stretch",
) -> str:
    """A select box whose choice is ``?param=id``."""
    wanted = st.query_params.get(param, default)
    index = options.index(wanted if wanted in options else default)
    chosen = st.selectbox(label, options, index=index, format_func=words, key=f"url_{param}", help=help, width=width)
    keep(param, chosen, default)
    return chosen


def url_toggle(param: str, label: str, help: str | None = None) -> bool:
    """A switch that is ``?param=1`` when on."""
    on = st.toggle(label, value=st.query_params.get(param) == "1", key=f"url_{param}", help=help)
    keep(param, "1" if on else "", "")
    return on


def keep(param: str, value: str, default: str = "") -> None:
    """Writes a choice into the address; the default leaves it."""
    if value == default:
        st.query_params.pop(param, None)
    elif st.query_params.get(param) != value:
        st.query_params[param] = value


def url_number(param: str) -> int | None:
    """``?param=3``; None where it is no number."""
    text = st.query_params.get(param, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def url_segments(param: str, label: str, options: Sequence[str], default: str, words: Callable[[str], str]) -> str:
    """A segmented control, without its label, whose choice is ``?param=id``."""
    wanted = st.query_params.get(param, default)
    shown = wanted if wanted in options else default
    chosen = st.segmented_control(
        label,
        options,
        default=shown,
        format_func=words,
        key=f"url_{param}",
        required=True,
        label_visibility="collapsed",
    )
    keep(param, chosen or default, default)
    return chosen or default
