"""Connecting an Open WebUI that exists: look, sign in, choose, see what would change, write."""

from __future__ import annotations

import streamlit as st

from core.domain.endpoint import Endpoint
from core.domain.finding import Finding, blocking
from core.domain.webui import Access, Card, ConnectPlan, UpstreamRequest, WebUi, WebUiInfo, Wishes
from render.webui_words import finding_in_words
from ui import session
from ui.act import act, forget_refusals, refusals, tell
from ui.components.findings import draw_findings, field_findings, other_findings
from ui.components.webui_access import access_to, leave, sign_in_form
from ui.components.webui_checks import change_lines
from ui.markdown import plain

_FORM = "webui_connect"
_INFO = "webui_seen_info"
_PLAN = "webui_seen_plan"
_NOW = "webui_look_now"
_USER_CONNECTIONS: dict[str, bool | None] = {"now": None, "on": True, "off": False}


def connect_form(endpoints: tuple[Endpoint, ...], known: tuple[WebUi, ...]) -> None:
    """Each step appears when the one before it is done."""
    info = _address()
    if info is None:
        return
    access = access_to(info.url)
    _found(info, fresh=info.onboarding and access is None)
    if access is None:
        sign_in_form(info, "connect")
        return
    _signed_in(info, access)
    requests, wishes = _choices(endpoints, known, info)
    _plan_buttons(info, access, requests, wishes)


def wants_to_connect() -> bool:
    """Whether the form is in use."""
    return _INFO in st.session_state or bool(st.session_state.get(_NOW))


def change_services(url: str) -> None:
    """For a button's on_click: the form opens with what is at ``url``."""
    st.session_state[f"{_FORM}_url"] = url
    st.session_state[_NOW] = True
    st.session_state.pop(_PLAN, None)


# ---------------------------------------------------------------- where and who


def _address() -> WebUiInfo | None:
    t = session.texts()
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    typed = left.text_input(
        t("page.open_webui.address"),
        key=f"{_FORM}_url",
        placeholder="http://10.0.0.5:18080",
        help=t("page.open_webui.address_help"),
        on_change=forget_refusals,
        args=(_FORM,),
    )
    pressed = right.button(t("page.open_webui.look"), key=f"{_FORM}_look", width="stretch")
    field_findings(refusals(_FORM), "url")
    other_findings(refusals(_FORM), "url")
    if st.session_state.pop(_NOW, False) or pressed:
        st.session_state.pop(_INFO, None)
        with st.spinner(t("page.open_webui.looking")):
            looked = act(session.app().webui.connect.look, typed, form=_FORM)
        if looked:
            st.session_state[_INFO] = (typed, looked.value)
            st.session_state.pop(_PLAN, None)
            st.rerun()
    seen = st.session_state.get(_INFO)
    return seen[1] if seen and seen[0] == typed else None


def _found(info: WebUiInfo, *, fresh: bool) -> None:
    t = session.texts()
    lines = [t("page.open_webui.found", version=plain(info.version), url=f"`{info.url}`")]
    if fresh:
        lines.append(t("page.open_webui.found_fresh"))
    elif not info.signs_in:
        lines.append(t("page.open_webui.found_no_auth"))
    st.markdown(f":green[:material/check_circle:] {'  '.join(lines)}")


def _signed_in(info: WebUiInfo, access: Access) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f":green[:material/check_circle:] {t('page.open_webui.signed_in', email=f'`{access.email}`')}",
            width="content",
        )
        if st.button(t("sign_in.sign_out"), key=f"{_FORM}_leave", type="tertiary"):
            leave(info.url)
            st.rerun()


# ---------------------------------------------------------------- what is wanted


def _choices(
    endpoints: tuple[Endpoint, ...], known: tuple[WebUi, ...], info: WebUiInfo
) -> tuple[list[UpstreamRequest], Wishes]:
    t = session.texts()
    before = next((one for one in known if one.url == info.url), None)
    form = f"{_FORM}_{info.url}"  # what was chosen for one Open WebUI is no choice for another
    chosen = choose_endpoints(endpoints, before, form)
    wishes = choose_wishes(form, before.wishes if before else Wishes())
    with st.expander(t("page.open_webui.cards"), key=f"{_FORM}_cards", icon=":material/badge:"):
        return [_request(endpoint, before, form) for endpoint in chosen], wishes


def choose_endpoints(endpoints: tuple[Endpoint, ...], before: WebUi | None, form: str) -> list[Endpoint]:
    """Those that are connected already are chosen; else the first that there is."""
    t = session.texts()
    by_id = {one.id: one for one in endpoints}
    connected = [one.endpoint_id for one in before.connected if one.endpoint_id in by_id] if before else []
    picked = st.multiselect(
        t("page.open_webui.endpoints"),
        list(by_id),
        default=connected or list(by_id)[:1],
        format_func=lambda key: f"{by_id[key].name} · {by_id[key].base_url}",
        key=f"{form}_endpoints",
        placeholder=t("page.chat.endpoints_placeholder"),
        help=t("page.open_webui.endpoints_help"),
    )
    return [by_id[key] for key in picked]


def choose_wishes(form: str, now: Wishes) -> Wishes:
    """Three decisions, each with what it means."""
    t = session.texts()
    quiet = st.toggle(t("page.open_webui.quiet"), now.quiet, key=f"{form}_quiet", help=t("page.open_webui.quiet_help"))
    publish = st.toggle(
        t("page.open_webui.publish"), now.publish, key=f"{form}_publish", help=t("page.open_webui.publish_help")
    )
    default = next(name for name, value in _USER_CONNECTIONS.items() if value == now.user_connections)
    chosen = st.segmented_control(
        t("page.open_webui.user_connections"),
        list(_USER_CONNECTIONS),
        default=default,
        required=True,
        format_func=lambda name: t(f"page.open_webui.user_connections_{name}"),
        key=f"{form}_users",
        help=t("page.open_webui.user_connections_help"),
    )
    if chosen == "on":
        st.caption(t("page.open_webui.user_connections_help"))
    return Wishes(quiet, publish, _USER_CONNECTIONS[chosen or "now"])


def _request(endpoint: Endpoint, before: WebUi | None, form: str) -> UpstreamRequest:
    t, key = session.texts(), f"{form}_{endpoint.id}"
    connected = next((one for one in before.connected if one.endpoint_id == endpoint.id), None) if before else None
    card = connected.card if connected else None
    st.markdown(f"**{plain(endpoint.served_name)}**")
    left, right = st.columns(2)
    name = left.text_input(
        t("page.open_webui.card_name", name=endpoint.served_name),
        card.name if card else "",
        key=f"{key}_name",
        help=t("page.open_webui.card_name_help"),
    )
    route = right.text_input(
        t("page.open_webui.route"),
        key=f"{key}_url",
        placeholder=endpoint.base_url,
        help=t("page.open_webui.route_help"),
    )
    told = st.text_input(t("page.open_webui.card_description"), card.description if card else "", key=f"{key}_told")
    asked = Card(name.strip() or endpoint.served_name, told.strip()) if name.strip() or told.strip() else None
    return UpstreamRequest(endpoint.id, route.strip() or None, asked)


# ---------------------------------------------------------------- what would change


def _plan_buttons(info: WebUiInfo, access: Access, requests: list[UpstreamRequest], wishes: Wishes) -> None:
    t = session.texts()
    asked = (info.url, tuple(requests), wishes)
    kept: tuple[object, ConnectPlan] | None = st.session_state.get(_PLAN)
    plan = kept[1] if kept and kept[0] == asked else None
    pressed = st.button(
        t("page.open_webui.plan"),
        key=f"{_FORM}_plan",
        type="secondary" if plan else "primary",
        icon=":material/difference:",
        disabled=not requests,
    )
    if pressed:
        with st.spinner(t("page.open_webui.planning")):
            made = act(session.app().webui.connect.plan, info, access, requests, wishes)
        if made:
            st.session_state[_PLAN] = (asked, made.value)
            st.rerun()
    if plan is not None:
        _plan(plan, access)


def _plan(plan: ConnectPlan, access: Access) -> None:
    t, blocked = session.texts(), bool(blocking(plan.findings))
    with st.container(border=True, gap="small"):
        if not blocked:
            count = len(plan.changes)
            st.markdown(
                f"**{t('page.open_webui.plan_title', count=count)}**" if count else t("page.open_webui.plan_nothing")
            )
            change_lines(plan.changes)
            for upstream in plan.upstreams:
                route = t("page.open_webui.plan_route", name=plain(upstream.served_name), url=f"`{upstream.url}`")
                st.markdown(f":gray[:material/route: {route}]")
            if plan.kept:
                text = t(
                    "page.open_webui.plan_keeps", count=len(plan.kept), urls=", ".join(f"`{url}`" for url in plan.kept)
                )
                st.markdown(f":gray[:material/lock: {text}]")
        draw_findings(finding_in_words(t, finding) for finding in plan.findings)
        if not blocked:
            _apply_button(plan, access)


def _apply_button(plan: ConnectPlan, access: Access) -> None:
    t, room, count = session.texts(), session.app().webui, len(plan.changes)
    label = t("page.open_webui.apply", count=count) if count else t("page.open_webui.apply_nothing")
    if not st.button(label, key=f"{_FORM}_apply", type="primary", icon=":material/check:"):
        return
    with st.spinner(t("page.open_webui.applying")):
        done = act(room.connect.apply, session.actor(), plan, access)
        checked = act(room.doctor.examine, done.value.webui.id, access) if done else None
    if done:
        st.session_state.pop(_PLAN, None)
        st.session_state.pop(_INFO, None)
        report = checked.value.report if checked else None
        good = report is not None and not any(_is_bad(check.finding) for check in report.checks)
        key = "page.open_webui.applied" if good else "page.open_webui.applied_failed"
        if good and done.value.not_taken:
            key = "page.open_webui.applied_partly"
        tell(t(key, count=done.value.writes))
        st.rerun()


def _is_bad(finding: Finding | None) -> bool:
    return finding is not None and bool(blocking((finding,)))
