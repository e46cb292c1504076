"""Starting an Open WebUI here: the guide's settings, corrected; the exact command first."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.domain.endpoint import Endpoint
from core.domain.finding import Finding, blocking
from core.domain.webui import Network, UpstreamRequest, WebUiStartPlan, WebUiStartRequest
from render.webui_words import finding_in_words
from ui import session
from ui.act import act, refusals, tell
from ui.components.findings import field_findings, other_findings
from ui.components.links import go
from ui.components.pieces import command_block
from ui.components.webui_access import show_once
from ui.components.webui_connect import choose_endpoints, choose_wishes
from ui.markdown import plain

_FORM = "webui_start"
_FIELDS = ("image", "email", "port", "network", "volume", "container_name", "password", "endpoints")
_UNFILLED = frozenset({"webui_email_empty", "image_empty"})
_BLANK = WebUiStartRequest("", "")
_RESTARTS = ("always", "unless-stopped", "no")
_LOCALES = {"": "browser", "zh-CN": "zh", "en-US": "en"}


def start_form(endpoints: tuple[Endpoint, ...]) -> None:
    """Fields on the left; what stands against them, the command and the button on the right."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        request, places = _fields(endpoints)
    plan = session.app().webui.containers.plan(request)
    found = (*plan.findings, *(one for one in refusals(_FORM) if one not in plan.findings))
    shown = tuple(finding_in_words(session.texts(), one) for one in found if one.code not in _UNFILLED)
    for field, place in places.items():
        with place:
            field_findings(shown, field)
    with right, st.container(border=True):
        _panel(plan, found, shown)


def _fields(endpoints: tuple[Endpoint, ...]) -> tuple[WebUiStartRequest, dict[str, st.delta_generator.DeltaGenerator]]:
    t, places = session.texts(), {}
    image = _image()
    places["image"] = st.container(gap="xxsmall")
    email = st.text_input(
        t("page.open_webui.email"),
        key=f"{_FORM}_email",
        placeholder="admin@example.com",
        help=t("page.open_webui.admin_email_help"),
        autocomplete="email",
    )
    places["email"] = st.container(gap="xxsmall")
    chosen = choose_endpoints(endpoints, None, _FORM)
    places["endpoints"] = st.container(gap="xxsmall")
    first, second = st.columns(2)
    port = first.number_input(
        t("page.open_webui.port"), 1, 65535, _BLANK.port, key=f"{_FORM}_port", help=t("page.open_webui.port_help")
    )
    places["port"] = first.container(gap="xxsmall")
    locale = second.selectbox(
        t("page.open_webui.locale"),
        list(_LOCALES),
        index=list(_LOCALES).index("zh-CN" if t.language == "zh" else ""),  # the guide's own choice, for its readers
        format_func=lambda code: t(f"page.open_webui.locale_{_LOCALES[code]}"),
        key=f"{_FORM}_locale",
        help=t("page.open_webui.locale_help"),
    )
    wishes = choose_wishes(_FORM, _BLANK.wishes)
    with st.expander(t("page.open_webui.more"), key=f"{_FORM}_more", icon=":material/tune:"):
        options = _options(places)
    return (
        WebUiStartRequest(
            image=image,
            email=email,
            upstreams=tuple(UpstreamRequest(one.id) for one in chosen),
            port=int(port),
            locale=locale,
            wishes=wishes,
            **options,
        ),
        places,
    )


def _image() -> str:
    t = session.texts()
    offered = [*session.app().webui.containers.images(), ""]
    picked = st.selectbox(
        t("page.open_webui.image"),
        offered,
        format_func=lambda name: name or t("page.open_webui.image_own"),
        key=f"{_FORM}_image",
        help=t("page.open_webui.image_help"),
    )
    if picked:
        return picked
    return st.text_input(t("page.open_webui.image_own_label"), key=f"{_FORM}_image_own")


def _options(places: dict[str, st.delta_generator.DeltaGenerator]) -> dict[str, Any]:
    t = session.texts()
    network = st.segmented_control(
        t("page.open_webui.network"),
        list(Network),
        default=_BLANK.network,
        required=True,
        format_func=lambda kind: t(f"page.open_webui.network_{kind.value}"),
        key=f"{_FORM}_network",
        help=t("page.open_webui.network_help"),
    )
    places["network"] = st.container(gap="xxsmall")
    left, right = st.columns(2)
    volume = left.text_input(
        t("page.open_webui.volume"), _BLANK.volume, key=f"{_FORM}_volume", help=t("page.open_webui.volume_help")
    )
    places["volume"] = left.container(gap="xxsmall")
    name = right.text_input(t("page.open_webui.container_name"), _BLANK.container_name, key=f"{_FORM}_name")
    places["container_name"] = right.container(gap="xxsmall")
    restart = left.selectbox(t("page.open_webui.restart_policy"), _RESTARTS, key=f"{_FORM}_restart")
    password = right.text_input(
        f"{t('page.open_webui.old_password')} ({t('word.optional')})",
        type="password",
        key=f"{_FORM}_password",
        autocomplete="off",
        live=True,  # Tab leads over its own eye, and what was typed would be lost
        help=t("page.open_webui.old_password_help"),
    )
    places["password"] = right.container(gap="xxsmall")
    offline = st.toggle(t("page.open_webui.offline"), key=f"{_FORM}_offline", help=t("page.open_webui.offline_help"))
    return {
        "network": network or _BLANK.network,
        "volume": volume,
        "container_name": name,
        "restart": restart,
        "password": password or None,
        "offline": offline,
    }


def _panel(plan: WebUiStartPlan, found: tuple[Finding, ...], shown: tuple[Finding, ...]) -> None:
    t, blocked = session.texts(), bool(blocking(found))
    other_findings(shown, *_FIELDS)
    missing = [one for one in found if one.code in _UNFILLED]
    if missing:
        fields = t("page.deploy.needed_between").join(t(f"page.open_webui.{one.field}") for one in missing)
        st.markdown(t("page.open_webui.needed", fields=fields))
    st.caption(t("page.open_webui.command_lead"))
    command_block(plan.docker_run)
    pressed = st.button(
        t("page.open_webui.start"),
        key=f"{_FORM}_do",
        type="primary",
        icon=":material/rocket_launch:",
        disabled=blocked,
        width="stretch",
    )
    if blocked and not missing:
        st.caption(t("page.open_webui.start_blocked"))
    if pressed and (begun := act(session.app().webui.containers.start, session.actor(), plan, form=_FORM)):
        webui, password = begun.value
        unsure = any(one.code == "webui_volume_there" for one in plan.findings)
        if password is not None:
            told = f"page.open_webui.{'started_maybe' if unsure else 'started'}"
            show_once(t(told, email=plain(plan.request.email)), password)
        tell(t("page.open_webui.start_told", name=webui.name))
        go("open_webui", id=webui.id)
