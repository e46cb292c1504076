"""A chart on the page. st.plotly_chart makes a new element of every new figure and loses the reader's zoom with each
measured point (docs/decisions/0005-our-own-chart-element.md); this one keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st

from render.texts import Texts
from ui import session
from ui.plotly_script import SCRIPT_PATH

_DICTIONARY = {
    "Download plot as a PNG": "image",
    "Zoom": "zoom",
    "Pan": "pan",
    "Reset axes": "reset",
    "Double-click to zoom back out": "zoom_out",
    "Double-click on legend to isolate one trace": "isolate",
    "Preparing image - this may take a few seconds": "taking",
    "Image download succeeded": "taken",
    "Sorry, there was a problem downloading your image!": "not_taken",
}
"""What Plotly itself says, and the key of its sentence."""


def chart(
    figure: go.Figure, *, key: str, alt: str, file: str = "chart", on_click: Callable[[list[Any]], None] | None = None
) -> None:
    """Draws the figure in the reader's theme. ``on_click`` gets the ``customdata`` of a clicked point before the page
    is drawn anew. ``alt`` says the chart in a sentence, ``file`` names the image that a reader saves."""
    t = session.texts()
    words = {"failed": t("chart.not_loaded"), "svg": t("chart.bar_svg"), "dictionary": _dictionary(t)}
    data = {"figure": json.loads(figure.to_json()), "alt": alt, "file": file, "script": _script(), "words": words}

    def clicked() -> None:
        chosen = st.session_state[key].get("clicked")
        if chosen and on_click:
            on_click(chosen)

    _element()(key=key, data=[data], on_clicked_change=clicked)  # in a list: a dict is searched for data frames


def _script() -> str:
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"{'/' + base if base else ''}{SCRIPT_PATH}?v={plotly.__version__}"


def _dictionary(t: Texts) -> dict[str, str]:
    return {english: t(f"chart.bar_{key}") for english, key in _DICTIONARY.items()}


@cache
def _element() -> Callable[..., Any]:
    code = (Path(__file__).parent / "chart.js").read_text(encoding="utf-8")
    element: Callable[..., Any] = st.components.v2.component("seatrial_chart", js=code, isolate_styles=False)
    return element
