"""What a deployment will do, before it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.domain.access import Role
from core.domain.deployment import Arithmetic, DeploymentPlan
from core.domain.devices import write_devices
from core.domain.finding import Finding, Severity, blocking
from core.domain.job import Reason
from core.domain.preflight import Check, CheckState
from core.formats import docker_cli
from core.ports import EngineInfo
from ui import session
from ui.act import act, tell
from ui.components.deployment_form import FIELDS, UNFILLED, where
from ui.components.pieces import command_block, engine_version
from ui.markdown import plain

_LEAST_GIB = 0.05
_CHECK_LOOKS = {
    CheckState.OK: ("green", ":material/check_circle:"),
    CheckState.NOTE: ("gray", ":material/info:"),
    CheckState.WARN: ("orange", ":material/warning:"),
    CheckState.BLOCK: ("red", ":material/block:"),
    CheckState.UNKNOWN: ("gray", ":material/visibility_off:"),
}


def engine_line(engine: EngineInfo | Reason) -> None:
    """Which engine would do it; why there is none stands among the findings."""
    t = session.texts()
    if isinstance(engine, EngineInfo):
        memory = t.size(engine.memory_bytes)
        facts = {"version": engine_version(engine.version), "architecture": engine.architecture, "memory": memory}
        st.caption(plain(t("page.deploy.engine", cpus=engine.cpus, **facts)))


def arithmetic(found: Arithmetic, *, known_platform: bool) -> None:
    """Devices and memory in two lines."""
    t = session.texts()
    if not known_platform:
        return
    told = {"needed": found.devices_needed, "sizes": found.sizes, "cards": found.cards}
    key = "cards" if found.cards else "devices"
    parts = [t(f"page.deploy.needs_{key}", **told)]
    if found.devices:
        parts.append(t("page.deploy.uses", devices=write_devices(found.devices)))
    if found.devices_there is not None:
        parts.append(t("page.deploy.there", count=found.devices_there))
    st.markdown(plain(" · ".join(parts)))
    _memory(found)


def _memory(found: Arithmetic) -> None:
    t, left = session.texts(), found.left_gib
    if found.weights_gib is None or found.weights_gib < _LEAST_GIB:
        return
    weights = t.number(found.weights_gib, 1)
    if found.device_gib is None or left is None:
        st.caption(t("page.deploy.weights_per_device", weights=weights))
        return
    share = min(found.weights_gib / found.device_gib, 1.0)
    words = {"weights": weights, "memory": t.number(found.device_gib, 0), "left": t.number(max(left, 0.0), 1)}
    st.progress(share, text=t("page.deploy.memory", **words))


def plan_commands(plan: DeploymentPlan) -> None:
    """The exact line, the same as a compose file, and without what we add."""
    t = session.texts()
    run, compose, guide = st.tabs(["docker run", "compose", t("page.deploy.as_guide")])
    with run:
        command_block(plan.docker_run)
        if plan.added:
            st.caption(t("page.deploy.added", options=", ".join(f"`{option}`" for option in plan.added)))
    with compose:
        st.code(plan.compose, language="yaml", wrap_lines=True)
    with guide:
        command_block(docker_cli.render_shell(docker_cli.as_guide(plan.spec)))
        st.caption(t("page.deploy.as_guide_help"))


def still_needed(found: Sequence[Finding]) -> str | None:
    """The required fields that are empty, in one sentence, in the form's order."""
    t = session.texts()
    empty = {finding.field for finding in found if finding.code in UNFILLED}
    if "weights" in empty:
        empty.discard("served_name")  # the folder will name it
    names = [t(f"page.deploy.{field}") for field in FIELDS if field in empty]
    return t("page.deploy.needed", fields=t("page.deploy.needed_between").join(names)) if names else None


def whereabouts(found: Sequence[Finding]) -> str | None:
    """Where to look for what blocks it, else for what the start would accept; None where that has no field."""
    t, blocks = session.texts(), blocking(found)
    weighty = blocks or [one for one in found if one.severity is Severity.WARN or one.overridden]
    named = dict.fromkeys(one.field for one in weighty if one.field in FIELDS and one.code not in UNFILLED)
    places = [where(field) for field in named if field and t.has(f"page.deploy.{field}")]
    words = t("page.deploy.needed_between").join(places)
    if blocks:
        return t("page.deploy.blocked_at", fields=words) if places else t("page.deploy.blocked")
    return t("page.deploy.warned_at", fields=words) if places else None


def verdict(found: Sequence[Finding]) -> str:
    """How many things stand against it, in one sentence; each is beside its field."""
    t = session.texts()
    blocks = len([finding for finding in blocking(found) if finding.code not in UNFILLED])
    warnings = sum(finding.severity is Severity.WARN for finding in found)
    overridden = sum(finding.overridden for finding in found)
    if blocks:
        return f":red[:material/block: {t('page.deploy.verdict_blocked', count=blocks)}]"
    if warnings or overridden:
        return f":orange[:material/warning: {t('page.deploy.verdict_warned', count=warnings + overridden)}]"
    return f":green[:material/check_circle: {t('page.deploy.verdict_fine')}]"


def preflight(plan: DeploymentPlan, found: Sequence[Finding]) -> None:
    """Every check in one line, its findings under it."""
    t = session.texts()
    checks = session.app().preflight.look(plan.request).checks(found)
    label = t("page.deploy.preflight", ok=sum(check.state is CheckState.OK for check in checks), count=len(checks))
    with (
        st.expander(label, icon=":material/flight_takeoff:", key="deploy_preflight", expanded=False),
        st.container(gap="xsmall"),
    ):
        for check in checks:
            _check_line(check)


def _check_line(check: Check) -> None:
    t = session.texts()
    color, icon = _CHECK_LOOKS[check.state]
    name = f":{color}[{icon} **{t(f'preflight.{check.name}')}**]"
    if check.state is CheckState.OK:
        st.markdown(f"{name} {plain(_check_facts(check))}")
    elif not check.findings:
        st.markdown(f"{name} {t(f'preflight_state.{check.state}')}")
    for finding in check.findings:
        color, icon = _CHECK_LOOKS[CheckState(finding.severity.value)]
        st.markdown(f":{color}[{icon} **{t(f'preflight.{check.name}')}**] {plain(t.finding(finding))}")


def _check_facts(check: Check) -> str:
    t = session.texts()
    facts = dict(check.facts)
    sizes = {name.removesuffix("_bytes"): t.size(facts[name]) for name in facts if name.endswith("_bytes")}  # type: ignore[arg-type]
    if any(content is None for content in facts.values()):
        return t("preflight_state.ok")
    return t(f"preflight_fact.{check.name}", **{**facts, **sizes})


def save_profile(plan: DeploymentPlan) -> None:
    """Keeps what the form holds under a name, for everybody here."""
    t, catalog = session.texts(), session.app().catalog
    with st.popover(t("page.deploy.save"), icon=":material/bookmark_add:", key="deploy_save", width="stretch"):
        name = st.text_input(t("page.deploy.profile_name"), key="deploy_profile_name", max_chars=60)
        again = st.checkbox(t("page.deploy.save_again"), key="deploy_save_again")
        pressed = st.button(t("word.save"), key="deploy_save_yes", type="primary")
        keep = replace(plan.request, devices=())
        if pressed and act(catalog.save, session.actor(), name, keep, replace_it=again):
            tell(t("page.deploy.save_done", name=name.strip()))
            st.rerun()


def ask_image(plan: DeploymentPlan) -> None:
    """Where the image is here: what its own vLLM knows becomes the last word about arguments. It is asked by itself,
    once; by the button where that failed."""
    inside, image = session.app().inside, plan.request.image
    if not session.may(Role.OPERATOR) or plan.image_id is None:
        return
    if inside.learn_aside(session.actor(), image, plan.image_id):
        _being_asked(plan.image_id)
    elif inside.flags_known(image) is None:
        _ask_button(image)


@st.fragment(run_every=2)
def _being_asked(image_id: str) -> None:
    """Until the answer is there, and the plan is made anew with it."""
    st.caption(f":material/quiz: {session.texts()('page.deploy.asking_image')}")
    if not session.app().inside.is_asking(image_id):
        st.rerun()


def _ask_button(image: str) -> None:
    t = session.texts()
    pressed = st.button(
        t("page.deploy.ask_image"),
        key="deploy_ask_image",
        icon=":material/quiz:",
        help=t("page.deploy.ask_image_help"),
        width="stretch",
    )
    if pressed:
        with st.spinner(t("page.deploy.asking_image")):
            asked = act(session.app().inside.ask_flags, session.actor(), image)
        if asked:
            tell(t("page.deploy.asked_image", count=asked.value))
            st.rerun()
