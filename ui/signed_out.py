"""What is drawn in place of a page once nobody is signed in any more."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

import streamlit as st

from render.texts import Texts


def signed_out(t: Texts) -> None:
    """The session is over. What was started goes on."""
    with st.container(horizontal_alignment="center"):
        st.space("large")
        st.subheader(t("sign_in.title"), anchor=False, width="content")
        st.markdown(t("sign_in.ended"), width="content")
        # A link that leaves for a plain route in the same tab: Markdown links open another one.
        path, query = urlsplit(str(st.context.url or "")).path or "/", urlencode(st.query_params.to_dict())
        target = quote(f"{path}?{query}" if query else path)
        st.html(f'<a href="/login?next={target}" target="_self">{t("sign_in.again")}</a>', width="content")
