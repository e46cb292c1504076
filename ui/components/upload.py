"""An upload that does not pass through memory: the browser sends the file to a route of ours (ui/uploads.py)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from ui import session
from ui.uploads import UPLOAD_PATH


def upload_image(*, key: str, on_sent: Callable[[str], None]) -> None:
    """A button that sends an image file. ``on_sent`` gets its path on this machine before the page is drawn anew."""
    t = session.texts()
    words = {name: t(f"page.host.upload_{name}") for name in ("choose", "sending", "sent", "failed", "stop")}
    words |= {
        "sending": t("page.host.upload_sending", name="{name}"),
        "sent": t("page.host.upload_sent", name="{name}"),
    }
    words["failed"] = t("page.host.upload_failed", reason="{reason}")
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    address = f"{'/' + base if base else ''}{UPLOAD_PATH}"

    def sent() -> None:
        path = st.session_state[key].get("sent")
        if path:
            on_sent(str(path))

    _element()(key=key, data=[{"words": words, "address": address}], on_sent_change=sent)


@cache
def _element() -> Callable[..., Any]:
    code = (Path(__file__).parent / "upload.js").read_text(encoding="utf-8")
    element: Callable[..., Any] = st.components.v2.component("seatrial_upload", js=code, isolate_styles=False)
    return element
