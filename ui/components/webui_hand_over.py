"""What colleagues need: an address they can open, an account, the names to choose; and what was gained."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from core.domain.access import Role
from core.domain.endpoint import is_loopback
from core.domain.webui import MANUAL_URL, Access, WebUi
from render.qr import qr_png
from ui import session
from ui.act import act, guard, refusals, tell
from ui.components.findings import field_findings, other_findings
from ui.components.pieces import copyable
from ui.components.webui_access import show_once
from ui.markdown import plain

_GUIDE_MANUAL = "https://openwebui-doc-zh.pages.dev/features/"
_COUNT_POLL_S = 2


def address_from_here(webui: WebUi) -> str | None:
    """Where this browser can open it: as colleagues do, or by loopback where it sits on this machine itself."""
    found = session.app().webui.address_for_colleagues(webui)
    if found is None and is_loopback(urlsplit(st.context.url or "").hostname or ""):
        return webui.url
    return found


def hand_over(webui: WebUi, access: Access | None) -> None:
    """Address and QR code on the left, people and figures on the right."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        _address(webui)
    with right:
        _models(webui)
        if session.may(Role.OPERATOR):
            _colleague(webui, access)
        _gain(webui)


def _address(webui: WebUi) -> None:
    t = session.texts()
    address = session.app().webui.address_for_colleagues(webui)
    st.markdown(f"**{t('page.open_webui.hand_over_address')}**")
    if address is None:
        st.warning(t("page.open_webui.hand_over_none"), icon=":material/wifi_off:")
    else:
        copyable(address)
        st.image(qr_png(address), width=180)
        st.caption(plain(t("page.open_webui.qr_alt", url=address)))
    if session.may(Role.OPERATOR):
        _other_address(webui)


def _other_address(webui: WebUi) -> None:
    t, form = session.texts(), f"webui_public_{webui.id}"
    typed = st.text_input(
        t("page.open_webui.hand_over_change"),
        webui.public_url or "",
        key=form,
        placeholder="https://chat.example",
        help=t("page.open_webui.hand_over_change_help"),
    )
    field_findings(refusals(form), "url")
    if typed == (webui.public_url or ""):
        return
    pressed = st.button(t("word.save"), key=f"{form}_do")
    if pressed and act(session.app().webui.connect.set_public_url, session.actor(), webui.id, typed, form=form):
        tell(t("page.open_webui.hand_over_saved"))
        st.rerun()


def _models(webui: WebUi) -> None:
    t = session.texts()
    if webui.connected:
        st.markdown(f"**{t('page.open_webui.models_for_people')}**")
    for one in webui.connected:
        name = one.card.name if one.card and one.card.name else one.served_name
        told = f" · {plain(one.card.description)}" if one.card and one.card.description else ""
        st.markdown(f"- {plain(name)}{told}")
    manual, guide = t("page.open_webui.manual"), t("page.open_webui.manual_guide")
    st.markdown(f"[{manual}]({MANUAL_URL}) · [{guide}]({_GUIDE_MANUAL})")


def _colleague(webui: WebUi, access: Access | None) -> None:
    t, form = session.texts(), f"webui_colleague_{webui.id}"
    with st.expander(t("page.open_webui.colleague"), icon=":material/person_add:", key=f"{form}_box"):
        st.caption(t("page.open_webui.colleague_lead"))
        left, right = st.columns(2)
        name = left.text_input(t("word.name"), key=f"{form}_name")
        email = right.text_input(t("page.open_webui.email_of"), key=f"{form}_email")
        admin = st.toggle(t("page.open_webui.colleague_admin"), key=f"{form}_admin")
        found = refusals(form)
        field_findings(found, "colleague_name", "colleague_email")
        other_findings(found, "colleague_name", "colleague_email")
        if access is None:
            st.caption(t("page.open_webui.sign_in_needed"))
        pressed = st.button(t("page.open_webui.colleague_add"), key=f"{form}_do", disabled=access is None)
        add = session.app().webui.connect.add_colleague
        if (
            pressed
            and access
            and (done := act(add, session.actor(), webui.id, access, name, email, admin=admin, form=form))
        ):
            show_once(t("page.open_webui.colleague_made", email=plain(email)), done.value)
            st.rerun()


def _gain(webui: WebUi) -> None:
    t = session.texts()
    with st.expander(t("page.open_webui.gain"), icon=":material/trending_down:", key=f"gain_{webui.id}"):
        st.markdown(t("page.open_webui.gain_text"))
        if webui.connected:
            st.markdown(f"**{t('page.open_webui.count_calls')}**")
            st.caption(t("page.open_webui.count_lead"))
            _count(webui)


def _count(webui: WebUi) -> None:
    t, room = session.texts(), session.app().webui
    key = f"webui_count_{webui.id}"
    if st.button(t("page.open_webui.count_start"), key=f"{key}_do", icon=":material/pin:"):
        taken = {one.endpoint_id: room.taken(one.endpoint_id) for one in webui.connected}
        st.session_state[key] = (session.app().clock.now(), taken)
    if key in st.session_state:
        st.fragment(_counted, run_every=_COUNT_POLL_S)(webui, key)


def _counted(webui: WebUi, key: str) -> None:
    t, app = session.texts(), session.app()
    began, before = st.session_state[key]
    with guard():
        for one in webui.connected:
            start, now = before.get(one.endpoint_id), app.webui.taken(one.endpoint_id)
            if start is None or now is None:
                st.caption(plain(t("page.open_webui.count_impossible", name=one.served_name)))
                continue
            told = {"count": now.calls - start.calls, "name": one.served_name, "since": t.when(began)}
            st.markdown(plain(t("page.open_webui.count_so_far", **told)))
            if now.input_tokens is not None and start.input_tokens is not None:
                tokens = t.number(now.input_tokens - start.input_tokens)
                st.caption(plain(t("page.open_webui.count_tokens", tokens=tokens)))
