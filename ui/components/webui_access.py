"""Signing in to an Open WebUI. The token lives in the browser session's memory on the server, and nowhere else unless
it is asked for."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.webui import Access, CheckState, WebUi, WebUiInfo
from ui import session
from ui.act import act, refusals
from ui.components.findings import field_findings, other_findings
from ui.components.pieces import copyable
from ui.markdown import plain

_ACCESSES = "webui_accesses"
_PASSWORD_ONCE = "webui_password_once"


def access_to(url: str) -> Access | None:
    """Of this browser session."""
    found: Access | None = st.session_state.get(_ACCESSES, {}).get(url)
    return found


def enter(url: str, access: Access) -> None:
    """For the rest of this browser session."""
    st.session_state.setdefault(_ACCESSES, {})[url] = access


def leave(url: str) -> None:
    """Forgets it."""
    st.session_state.get(_ACCESSES, {}).pop(url, None)


def usable_access(webui: WebUi) -> Access | None:
    """This session's, else the one that is kept for checks; None for a viewer, and where it does not answer."""
    if not session.may(Role.OPERATOR):
        return None
    found = access_to(webui.url)
    if found is None and (webui.token_kept or webui.is_ours) and answers(webui):
        found = session.app().webui.connect.known_access(webui.id)
        if found is not None:
            enter(webui.url, found)
    return found


def answers(webui: WebUi) -> bool:
    """Unless its last check found nobody; asking one that is away would hold up the page."""
    checks = webui.report.checks if webui.report else ()
    return not any(check.code == "answers" and check.state is CheckState.BAD for check in checks)


def sign_in_form(info: WebUiInfo, key: str) -> None:
    """E-mail and password, or a token; or the first account of one that has none."""
    t = session.texts()
    form = f"webui_sign_in_{key}"
    ways = ["first"] if info.onboarding else ["password", "token"] if info.signs_in else ["open"]
    way = ways[0]
    if len(ways) > 1:
        way = (
            st.segmented_control(
                t("page.open_webui.how_sign_in"),
                ways,
                default=ways[0],
                required=True,
                key=f"{form}_way",
                format_func=lambda one: t(f"page.open_webui.way_{one}"),
                label_visibility="collapsed",
            )
            or ways[0]
        )
    found = refusals(form)
    {"first": _first, "password": _password, "token": _token, "open": _open}[way](info, form)
    field_findings(found, "email", "token")
    other_findings(found, "email", "token")


def _fields(form: str) -> st.delta_generator.DeltaGenerator:
    """Enter signs in. Outside of a form a password is lost where Tab leads over its own eye to the button."""
    return st.form(f"{form}_fields", border=False)


def _password(info: WebUiInfo, form: str) -> None:
    t, connect = session.texts(), session.app().webui.connect
    with _fields(form):
        left, right = st.columns(2)
        email = left.text_input(t("page.open_webui.email"), key=f"{form}_email", autocomplete="username")
        secret = right.text_input(
            t("word.password"),
            type="password",
            key=f"{form}_password",
            autocomplete="current-password",
            help=t("page.open_webui.password_help"),
        )
        pressed = st.form_submit_button(t("page.open_webui.sign_in"), key=f"{form}_do", type="primary")
    if pressed and (done := act(connect.sign_in, session.actor(), info, email, secret, form=form)):
        enter(info.url, done.value)
        st.rerun()


def _token(info: WebUiInfo, form: str) -> None:
    t, connect = session.texts(), session.app().webui.connect
    with _fields(form):
        token = st.text_input(
            t("page.open_webui.token"),
            type="password",
            key=f"{form}_token",
            autocomplete="off",
            help=t("page.open_webui.token_help"),
        )
        pressed = st.form_submit_button(t("page.open_webui.sign_in"), key=f"{form}_do_token", type="primary")
    if pressed and (done := act(connect.use_token, session.actor(), info, token, form=form)):
        enter(info.url, done.value)
        st.rerun()


def _open(info: WebUiInfo, form: str) -> None:
    """One that asks nobody to sign in."""
    t, connect = session.texts(), session.app().webui.connect
    pressed = st.button(t("page.open_webui.sign_in"), key=f"{form}_do_open", type="primary")
    if pressed and (done := act(connect.sign_in, session.actor(), info, "", "", form=form)):
        enter(info.url, done.value)
        st.rerun()


def _first(info: WebUiInfo, form: str) -> None:
    t, connect = session.texts(), session.app().webui.connect
    st.caption(t("page.open_webui.first_help"))
    with _fields(form):
        email = st.text_input(t("page.open_webui.email"), key=f"{form}_first", autocomplete="email")
        pressed = st.form_submit_button(t("page.open_webui.make_first"), key=f"{form}_do_first", type="primary")
    if pressed and (done := act(connect.sign_up, session.actor(), info, email, form=form)):
        access, password = done.value
        enter(info.url, access)
        show_once(t("page.open_webui.first_made", email=plain(access.email)), password)
        st.rerun()


def show_once(text: str, password: str) -> None:
    """Keeps a new password until the person says that they have it."""
    st.session_state[_PASSWORD_ONCE] = (text, password)


def password_once() -> None:
    """The box with a password that was just made."""
    once = st.session_state.get(_PASSWORD_ONCE)
    if once is None:
        return
    t = session.texts()
    with st.container(border=True):
        st.markdown(f":material/key: {once[0]}")
        with st.container(width=420):
            copyable(once[1])
        if st.button(t("page.open_webui.password_once"), key="webui_password_once_ok"):
            st.session_state.pop(_PASSWORD_ONCE)
            st.rerun()
