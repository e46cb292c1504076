"""One Open WebUI on the screen: what it is, how it is, what can be done."""

from __future__ import annotations

import streamlit as st

from core.domain.access import Role
from core.domain.endpoint import Origin
from core.domain.webui import Access, Change, CheckState, WebUi, WriteState
from core.formats import docker_cli
from ui import session
from ui.act import act, guard, tell
from ui.components.cards import close_popover, confirm
from ui.components.job import watch_job
from ui.components.pieces import command_block, simulated_badge
from ui.components.webui_access import answers, leave, sign_in_form, usable_access
from ui.components.webui_again import tell_written, write_and_prove
from ui.components.webui_checks import change_lines, check_lines, state_of, webui_badge
from ui.components.webui_connect import change_services
from ui.components.webui_hand_over import address_from_here, hand_over
from ui.components.webui_leave import disconnect_buttons
from ui.markdown import plain

_UP = frozenset({"running", "restarting", "paused"})
_LOG_LINES = 200
_LOG_HEIGHT_PX = 320


def webui_card(webui: WebUi, *, opened: bool) -> None:
    """The whole card."""
    t, access = session.texts(), usable_access(webui)
    with st.container(border=True, gap="small", key=f"webui_{webui.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(webui.name)}**", width="content")
            webui_badge(webui)
            st.space("stretch")
            address = address_from_here(webui)
            if address is not None:
                st.link_button(t("page.open_webui.open"), address, icon=":material/open_in_new:")
            _buttons(webui, access)
        _facts(webui)
        _job(webui)
        if session.may(Role.OPERATOR):
            _half(webui, access)
            _not_taken(webui)
            _drift(webui, access)
            _other_version(webui, access)
        _more(webui, access, opened)


def _facts(webui: WebUi) -> None:
    t = session.texts()
    address = address_from_here(webui)
    facts = [f"[{plain(address)}]({address})" if address else f"`{webui.url}`"]
    version = (webui.report.version if webui.report else None) or webui.version
    if version:
        facts.append(plain(t("page.open_webui.version", version=version)))
    if webui.report:
        ago = t.ago(webui.report.at, session.app().clock.now())
        facts.append(plain(t("page.open_webui.checked", ago=ago)))
    if webui.container_id is not None:
        facts.append(plain(_container_state(webui)))
    st.markdown(" · ".join(facts))
    _services(webui)


def _services(webui: WebUi) -> None:
    t, simulated = session.texts(), _simulated()
    names = [f"**{plain(one.served_name)}**" for one in webui.connected]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" · ".join(names) if names else f":gray[{t('page.open_webui.no_services')}]", width="content")
        if any(one.endpoint_id in simulated for one in webui.connected):
            simulated_badge()


def _simulated() -> set[str]:
    found = session.app().endpoints.list(include_archived=True)
    return {endpoint.id for endpoint in found if endpoint.origin is Origin.SIMULATED}


def _container_state(webui: WebUi) -> str:
    t, view = session.texts(), session.app().webui.containers.container(webui)
    if view is None:
        return t("page.open_webui.container_gone")
    return t("page.open_webui.container_state", state=t(f"webui_container.{view.state}"))


def _job(webui: WebUi) -> None:
    if webui.job_id and webui.is_ours:
        job = session.app().jobs.view(webui.job_id)
        if not job.state.is_finished or job.job.reason is not None:
            watch_job(webui.job_id)


# ---------------------------------------------------------------- what can be done


def _buttons(webui: WebUi, access: Access | None) -> None:
    t, room, actor = session.texts(), session.app().webui, session.actor()
    if not session.may(Role.OPERATOR):
        return
    pressed = st.button(t("page.open_webui.check"), key=f"check_{webui.id}", icon=":material/stethoscope:")
    if pressed:
        with st.spinner(t("page.open_webui.checking")):
            done = act(room.doctor.examine, webui.id, access)
        if done:
            checks = done.value.report.checks if done.value.report else ()
            if any(check.code == "signed_in" and check.state is CheckState.BAD for check in checks):
                leave(webui.url)  # the form is there again
            tell(t("page.open_webui.checked_told", address=webui.url))
            st.rerun()
    if room.connect.can_undo(webui) and webui.written is not WriteState.HALF:
        _undo_button(webui, access)
    more = f"more_{webui.id}"
    with st.popover(t("word.actions"), key=more, on_change="rerun"):
        if webui.is_ours:
            _container_buttons(webui, access, more)
        _services_button(webui, more)
        disconnect_buttons(webui, access, more)
        _token_button(webui, access)
        forgets = not webui.is_ours and st.button(
            t("page.open_webui.forget"), key=f"forget_{webui.id}", on_click=close_popover, args=(more,)
        )
        if forgets:
            confirm(
                t("page.open_webui.forget_title", name=webui.name),
                t("page.open_webui.forget_text"),
                t("word.remove"),
                lambda: room.connect.forget(actor, webui.id),
                told=t("page.open_webui.forget_done", name=webui.name),
            )


def _undo_button(webui: WebUi, access: Access | None) -> None:
    t = session.texts()
    pressed = st.button(
        t("page.open_webui.undo"),
        key=f"undo_{webui.id}",
        icon=":material/undo:",
        help=t("page.open_webui.undo_help" if access else "page.open_webui.sign_in_needed"),
        disabled=access is None,
    )
    if pressed and access:
        done = act(session.app().webui.connect.undo, session.actor(), webui.id, access)
        if done:
            tell_written(done.value, "page.open_webui.undo_done")
            st.rerun()


def _services_button(webui: WebUi, popover: str) -> None:
    def opens() -> None:
        close_popover(popover)
        change_services(webui.url)

    st.button(session.texts()("page.open_webui.connect_services"), key=f"services_{webui.id}", on_click=opens)


def _token_button(webui: WebUi, access: Access | None) -> None:
    t, connect = session.texts(), session.app().webui.connect
    if webui.is_ours:
        return
    key, help_text = f"keep_{webui.id}", t("page.open_webui.keep_token_help")
    wanted = st.toggle(
        t("page.open_webui.keep_token"),
        value=webui.token_kept,
        key=key,
        help=help_text,
        disabled=access is None and not webui.token_kept,
    )
    if wanted == webui.token_kept:
        return
    if act(connect.keep_token, session.actor(), webui.id, access if wanted else None):
        tell(t("page.open_webui.token_kept" if wanted else "page.open_webui.token_forgotten"))
        st.rerun()


def _container_buttons(webui: WebUi, access: Access | None, popover: str) -> None:
    t, room, actor = session.texts(), session.app().webui.containers, session.actor()
    volume = webui.spec.mounts[0].source if webui.spec else ""
    with_volume = st.toggle(
        t("page.open_webui.remove_volume"),
        key=f"volume_{webui.id}",
        help=t("page.open_webui.remove_volume_text", volume=volume),
    )
    texts = {
        "stop": t("page.open_webui.stop_text"),
        "restart": t("page.open_webui.restart_text"),
        "remove": t(f"page.open_webui.{'remove_volume_text' if with_volume else 'remove_text'}", volume=volume),
    }
    actions = {
        "stop": lambda: _stop(webui),
        "restart": lambda: room.restart(actor, webui.id, access),
        "remove": lambda: room.remove(actor, webui.id, with_volume=with_volume),
    }
    view = room.container(webui)
    for verb, action in actions.items():
        if verb == "stop" and (view is None or view.state not in _UP):
            continue
        if st.button(t(f"word.{verb}"), key=f"{verb}_{webui.id}", on_click=close_popover, args=(popover,)):
            confirm(
                t(f"page.open_webui.{verb}_title", name=webui.name),
                texts[verb],
                t(f"word.{verb}"),
                action,
                told=t(f"page.open_webui.{verb}_done", name=webui.name),
            )


def _stop(webui: WebUi) -> None:
    """And looks: it is not said to work any more."""
    room = session.app().webui
    room.containers.stop(session.actor(), webui.id)
    room.doctor.examine(webui.id, ask_model=False)


# ---------------------------------------------------------------- what is wrong


def _half(webui: WebUi, access: Access | None) -> None:
    """Two ways out of a change that was cut off."""
    if webui.written is not WriteState.HALF:
        return
    t = session.texts()
    st.warning(t("page.open_webui.half_lead"), title=t("page.open_webui.half_title"), icon=":material/contrast:")
    with st.container(horizontal=True):
        label, disabled = t("page.open_webui.finish"), access is None
        if st.button(label, key=f"finish_{webui.id}", type="primary", disabled=disabled) and access:
            _put_right(webui, access, "page.open_webui.finished")
        _undo_button(webui, access)
    if access is None:
        st.caption(t("page.open_webui.sign_in_needed"))


def _untaken(webui: WebUi) -> tuple[Change, ...]:
    """What this Open WebUI did not keep, and by the last round still has not."""
    report = webui.report
    return tuple(change for change in webui.not_taken if report is None or change in report.drift)


def _not_taken(webui: WebUi) -> None:
    untaken, t = _untaken(webui), session.texts()
    if untaken:
        with st.container(border=True, gap="small"):
            st.markdown(f":orange[:material/rule:] {t('page.open_webui.not_taken', count=len(untaken))}")
            change_lines(untaken)


def _drift(webui: WebUi, access: Access | None) -> None:
    drift, t = webui.drifted, session.texts()
    if not drift:
        return
    with st.container(border=True, gap="small"):
        lead = t("page.open_webui.drift_lead", count=len(drift))
        st.markdown(f":orange[:material/difference:] **{t('page.open_webui.drift_title')}** · {lead}")
        change_lines(drift)
        label, disabled = t("page.open_webui.put_right"), access is None
        if st.button(label, key=f"right_{webui.id}", type="primary", disabled=disabled) and access:
            _put_right(webui, access, "page.open_webui.put_right_done")
        if access is None:
            st.caption(t("page.open_webui.sign_in_needed"))


def _other_version(webui: WebUi, access: Access | None) -> None:
    """It was renewed since: one look at every setting, and the version counts as connected."""
    report, t = webui.report, session.texts()
    if report is None or report.drift or not any(check.code == "same_version" for check in report.checks):
        return
    label, disabled = t("page.open_webui.apply_nothing"), access is None
    if st.button(label, key=f"version_{webui.id}", type="primary", disabled=disabled) and access:
        _put_right(webui, access, "page.open_webui.put_right_done")


def _put_right(webui: WebUi, access: Access, told: str) -> None:
    """Connects the same services again: what differs is written, nothing else."""
    put_right = session.app().webui.links.put_right
    write_and_prove(webui, access, told, lambda: put_right(session.actor(), webui.id, access))


# ---------------------------------------------------------------- more


def _more(webui: WebUi, access: Access | None, opened: bool) -> None:
    t = session.texts()
    checks = webui.report.checks if webui.report else ()
    bad = state_of(webui) in {CheckState.BAD, CheckState.ATTENTION}
    with st.expander(
        t("page.open_webui.checks", count=len(checks)), icon=":material/fact_check:", expanded=opened or bad
    ):
        check_lines(checks)
        if not checks:
            st.caption(t("page.open_webui.checks_none"))
        if session.may(Role.OPERATOR):
            _sign_in(webui, access)
    with st.expander(t("page.open_webui.hand_over"), icon=":material/qr_code_2:", key=f"hand_{webui.id}"):
        hand_over(webui, access)
    if webui.spec is not None:
        _log(webui)
        with st.expander(t("word.command"), icon=":material/terminal:", key=f"command_{webui.id}"):
            st.caption(t("page.open_webui.command_lead"))
            command_block(docker_cli.render_shell(webui.spec))


def _sign_in(webui: WebUi, access: Access | None) -> None:
    """Who is signed in, or the form; nothing for one that does not answer."""
    t = session.texts()
    if access is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("page.open_webui.signed_in", email=f"`{access.email}`"), width="content")
            if st.button(t("sign_in.sign_out"), key=f"leave_{webui.id}", type="tertiary"):
                leave(webui.url)
                st.rerun()
        return
    if not answers(webui) or (webui.report is None and webui.version is None):  # one that has never answered yet
        return
    st.caption(t("page.open_webui.sign_in_needed"))
    looked = act(session.app().webui.connect.look, webui.url)
    if looked:
        sign_in_form(looked.value, webui.id)


def _log(webui: WebUi) -> None:
    t = session.texts()
    box = st.expander(t("page.open_webui.log"), key=f"webui_log_{webui.id}", icon=":material/notes:", on_change="rerun")
    if not box.open:
        return
    with box, guard():
        text = session.app().webui.containers.logs(webui.id, _LOG_LINES).rstrip()
        if text:
            st.caption(t("page.open_webui.log_lines", count=_LOG_LINES))
            st.code(text, language=None, wrap_lines=True, height=_LOG_HEIGHT_PX)
        else:
            st.caption(t("page.open_webui.log_empty"))
