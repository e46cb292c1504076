"""An endpoint on the screen: what a check found, and its card in the list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import streamlit as st

from core.domain.deployment import DeploymentState
from core.domain.endpoint import Endpoint, EndpointCheck, KeyState, Origin
from core.domain.finding import Finding
from core.domain.job import JobView
from core.services.offers import Withheld
from render.texts import Texts
from render.version_words import version_label
from ui import session
from ui.components.findings import draw_findings
from ui.components.links import link
from ui.components.pieces import Color, simulated_badge, state_badge
from ui.markdown import plain

_KEY_ICONS = {
    KeyState.OPEN: ":material/lock_open:",
    KeyState.ACCEPTED: ":material/key:",
    KeyState.MISSING: ":material/key_off:",
    KeyState.REFUSED: ":material/key_off:",
    KeyState.UNKNOWN: ":material/help:",
}
_HEALTH: dict[str, tuple[Color, str]] = {
    "answering": ("green", ":material/check_circle:"),
    "limited": ("orange", ":material/warning:"),
    "silent": ("red", ":material/error:"),
    "unknown": ("gray", ":material/help:"),
}


def health(check: EndpointCheck | None) -> str:
    """What the last check says in one word: answering, limited, silent or unknown."""
    if check is None:
        return "unknown"
    if not check.reachable:
        return "silent"
    return "answering" if check.serves else "limited"


def health_badge(check: EndpointCheck | None) -> None:
    """In colour, sign and word."""
    word = health(check)
    color, icon = _HEALTH[word]
    st.badge(session.texts()(f"page.endpoints.health_{word}"), icon=icon, color=color)


def choose_endpoint(offered: Sequence[Endpoint], help: str) -> Endpoint:
    """The one in the address, else the first of at least one; the address follows the choice."""
    wanted = st.query_params.get("endpoint")
    chosen = st.selectbox(
        session.texts()("page.endpoints.choose"),
        [one.id for one in offered],
        index=next((at for at, one in enumerate(offered) if one.id == wanted), 0),
        format_func={one.id: _label(one) for one in offered}.__getitem__,
        help=help,
    )
    if chosen != wanted:
        st.query_params["endpoint"] = chosen
    return next(one for one in offered if one.id == chosen)


def check_facts(check: EndpointCheck) -> None:
    """Everything that a check found, one fact a cell; what is not known says so."""
    t = session.texts()
    with st.grid(min_column_width=170, gap=("xsmall", "small")):
        for key, value in _facts(check, t):
            st.markdown(f":gray[:small[{t(f'page.endpoints.fact_{key}')}]]  \n{plain(value)}")


def check_card(check: EndpointCheck, extra: Iterable[Finding] = ()) -> None:
    """The answer first, then the facts, then what to do about what is wrong."""
    t = session.texts()
    ready = "usable" if check.usable else "serves" if check.serves else "unusable"
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            icon, color = (":material/check_circle:", "green") if check.serves else (":material/error:", "red")
            st.markdown(f":{color}[{icon}] **{t(f'page.endpoints.{ready}')}**", width="content")
            if check.simulated:
                simulated_badge()
        if check.reachable:
            check_facts(check)
        draw_findings([*check.findings, *extra])


def _facts(check: EndpointCheck, t: Texts) -> list[tuple[str, str]]:
    count = check.max_model_len
    models = ", ".join(model.id for model in check.served_models)
    return [
        (
            "answer",
            t("page.endpoints.answered_in", latency=t.ms(check.latency_ms)) if check.reachable else t("word.no"),
        ),
        ("models", models or t("word.unknown")),
        ("key", t(f"key_state.{check.key_state}")),
        ("context", t("page.endpoints.token_count", count=t.number(count)) if count else t("word.unknown")),
        ("vocabulary", t.number(check.vocabulary_size) if check.vocabulary_size else t("word.unknown")),
        ("version", check.server_version or t("word.unknown")),
        ("streams", _known(check.streams, t)),
        ("reasons", _known(check.reasons, t)),
        ("metrics", _known(check.has_metrics, t)),
        ("tokenize", _known(check.has_tokenize, t)),
    ]


def _known(value: bool | None, t: Texts) -> str:
    return t("word.unknown") if value is None else t("word.yes" if value else "word.no")


def endpoint_title(endpoint: Endpoint, down: DeploymentState | None = None) -> None:
    """Name, what it is, whether it answered at the last check. ``down``: the state of its deployment, which does not
    serve now: it says more than a check of earlier."""
    t = session.texts()
    st.markdown(f"**{plain(endpoint.name)}**", width="content")
    if down is None:
        health_badge(endpoint.check)
    else:
        state_badge(down)
    if endpoint.origin is Origin.SIMULATED:
        simulated_badge()
    else:
        st.badge(t(f"origin.{endpoint.origin}"), color="gray")
    if endpoint.archived_at:
        st.badge(t("page.endpoints.archived_since"), color="gray", icon=":material/inventory_2:")


def endpoint_facts(endpoint: Endpoint) -> None:
    """Served name, version (a simulated one need not have one), key, context, address, in two quiet lines."""
    t, check = session.texts(), endpoint.check
    facts = [_pair(t("word.served_name"), f"**{plain(endpoint.served_name)}**")]
    if endpoint.origin is not Origin.SIMULATED or version_label(endpoint.version_label, endpoint.origin):
        facts.append(_pair(t("word.version"), plain(_version(endpoint, t))))
    if check:
        if check.task is not None and not check.writes:
            facts.append(t(f"page.endpoints.gives_{check.task}"))
        facts.append(f"{_KEY_ICONS[check.key_state]} {t(f'key_state.{check.key_state}')}")
        if check.max_model_len:
            count = t("page.endpoints.token_count", count=t.number(check.max_model_len))
            facts.append(_pair(t("page.endpoints.fact_context"), count))
    st.markdown(" · ".join(facts))
    quiet = [f"`{endpoint.base_url}`"]
    if check:
        quiet.append(t("page.endpoints.checked", ago=t.ago(check.checked_at, session.app().clock.now())))
    st.caption(" · ".join(quiet))


def _version(endpoint: Endpoint, t: Texts) -> str:
    """The label; on a server that is not ours, somebody's word. Of a simulated one all is made up, and it says so."""
    label = endpoint.version_label or t("word.unknown")
    verified = endpoint.version_verified or not endpoint.version_label or endpoint.origin is Origin.SIMULATED
    return label if verified else t("page.endpoints.label_unverified", label=label)


def _pair(label: str, value: str) -> str:
    return session.texts()("component.pair", label=label, value=value)


def withheld_notice(withheld: Sequence[Withheld]) -> None:
    """Endpoints that are not offered now, each with the reason; the one in the address is not passed over silently."""
    t, wanted = session.texts(), st.query_params.get("endpoint")
    for one in withheld:
        if one.endpoint.id == wanted:
            told = t("page.offers.wanted", name=one.endpoint.name, reason=t.reason(one.reason))
            st.info(plain(told), icon=":material/power_off:")
    others = [one for one in withheld if one.endpoint.id != wanted]
    if others:
        with st.expander(t("page.offers.withheld", count=len(others)), icon=":material/power_off:", key="withheld"):
            for one in others:
                line = t("component.pair", label=f"**{plain(one.endpoint.name)}**", value=plain(t.reason(one.reason)))
                st.caption(line)


def running_here(busy: JobView | None) -> None:
    """What runs on an endpoint's server now."""
    t = session.texts()
    if busy is None:
        st.caption(t("page.endpoints.idle"))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.markdown(f":blue[:material/progress_activity:] {t('page.endpoints.busy')}", width="content")
        if busy.job.run_id:
            link("run", plain(busy.job.title), id=busy.job.run_id)
        else:
            st.markdown(plain(busy.job.title), width="content")


def _label(endpoint: Endpoint) -> str:
    """Name, served name and label; simulated ones say so."""
    simulated = session.texts()("app.simulated") if endpoint.origin is Origin.SIMULATED else ""
    label = version_label(endpoint.version_label, endpoint.origin)
    parts = dict.fromkeys([endpoint.name, endpoint.served_name, label, simulated])
    return " · ".join(part for part in parts if part)
