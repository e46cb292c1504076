"""Cards for what went wrong."""

from __future__ import annotations

import streamlit as st

from core.errors import AppError, RefusedError
from ui import session
from ui.markdown import plain


def error_card(error: AppError) -> None:
    """What happened and what to do next."""
    t = session.texts()
    refused = isinstance(error, RefusedError)
    title = t("act.refused_title" if refused else "act.failed_title")
    if refused:
        st.warning(plain(t.error(error)), title=title, icon=":material/block:")
    else:
        st.error(plain(t.error(error)), title=title, icon=":material/error:")


def reference_card(reference: str) -> None:
    """Something unforeseen: the log holds it under the reference."""
    t = session.texts()
    st.error(
        t("act.unforeseen", reference=f"**{reference}**"), title=t("act.unforeseen_title"), icon=":material/error:"
    )
