"""The form that attaches an endpoint: look first, then store."""

from __future__ import annotations

import streamlit as st

from core.domain.endpoint import EndpointCheck
from core.domain.finding import blocking
from ui import session
from ui.act import act, forget_refusals, refusals, tell
from ui.components.endpoint import check_card
from ui.components.findings import field_findings, other_findings

FORM = "endpoints_attach"
_TURN = "endpoints_attach_turn"


def is_open() -> bool:
    """Whether a check is on the screen."""
    return FORM in st.session_state or bool(refusals(FORM))


def attach_form() -> None:
    """URL and key, what the check found, then the names. Nothing is stored before the last button."""
    t, turn = session.texts(), st.session_state.setdefault(_TURN, 0)
    st.caption(t("page.endpoints.attach_lead"))
    found = refusals(FORM)
    left, right = st.columns([3, 2])
    with left:
        url = st.text_input(
            t("page.endpoints.url"),
            key=f"attach_url_{turn}",
            placeholder="http://127.0.0.1:8000",
            help=t("page.endpoints.url_help"),
            on_change=forget_refusals,
            args=(FORM,),
        )
        field_findings(found, "url")
    with right:
        key = st.text_input(
            f"{t('page.endpoints.key')} ({t('word.optional')})",
            key=f"attach_key_{turn}",
            type="password",
            live=True,  # Tab leads over its own eye, and what was typed would be lost
            autocomplete="off",
            help=t("page.endpoints.key_help"),
        )
    known = st.session_state.get(FORM)
    check = known[1] if known and known[0] == (url, key) else None
    other_findings(found, "url")
    if st.button(t("page.endpoints.check"), key="attach_check", type="secondary" if check else "primary"):
        with st.spinner(t("page.endpoints.checking")):
            looked = act(session.app().endpoints.check, url, key, form=FORM)
        if looked:
            st.session_state[FORM] = ((url, key), looked.value)
            st.rerun()
    if check:
        check_card(check)
        if check.served_models and not blocking(check.findings):
            _names(check, url, key, turn)


def _names(check: EndpointCheck, url: str, key: str, turn: int) -> None:
    """Which of its models, under which name and label."""
    t = session.texts()
    model, name, label = st.columns(3)
    served = [model.id for model in check.served_models]
    chosen = model.selectbox(
        t("page.endpoints.served_model"),
        served,
        index=served.index(check.served_name) if check.served_name in served else 0,
        key=f"attach_model_{turn}",
    )
    called = name.text_input(t("word.name"), key=f"attach_name_{turn}", help=t("page.endpoints.name_help"))
    version = label.text_input(
        t("page.endpoints.version_label"), key=f"attach_version_{turn}", help=t("page.endpoints.version_label_help")
    )
    if st.button(t("page.endpoints.do_attach"), key="attach_do", type="primary") and (
        attached := act(
            session.app().endpoints.attach,
            session.actor(),
            url,
            key=key,
            served_name=chosen,
            name=called,
            version_label=version,
            form=FORM,
        )
    ):
        tell(t("page.endpoints.attached", name=attached.value.name))
        st.session_state[_TURN] = turn + 1  # empty fields
        st.session_state.pop(FORM)
        st.rerun()
