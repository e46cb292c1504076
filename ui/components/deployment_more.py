"""Around one deployment: what differs from its plan, what was there before, a command inside, other containers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import streamlit as st

from core.domain.access import Role
from core.domain.deployment import ContainerCommand, Deployment, DeploymentState, DeploymentView
from core.formats.spec_diff import Difference
from core.ports import ExecResult
from core.services.adoption import Candidate
from core.services.deployment_details import DeploymentDetail
from ui import session
from ui.act import act
from ui.components.cards import confirm
from ui.components.grid_table import Column, grid_table
from ui.components.links import go, link, link_button
from ui.components.pieces import state_badge
from ui.markdown import plain

_LIVING = frozenset({DeploymentState.LOADING, DeploymentState.READY, DeploymentState.STOPPED})


def difference_table(found: Sequence[Difference], before: str, after: str) -> None:
    """One row each; what is not there is a dash."""
    t = session.texts()
    columns = (
        Column("name", t("page.deployment.option"), 3),
        Column("before", before, 4),
        Column("after", after, 4),
    )
    rows = [{"name": f"`{one.name}`", "before": _cell(one.before), "after": _cell(one.after)} for one in found]
    grid_table(columns, rows)


def _cell(value: str | None) -> str:
    if value is None:
        return "–"
    return f"`{value}`" if value else session.texts()("page.deployment.set")


def drift(detail: DeploymentDetail) -> None:
    """Whether the container is what was planned."""
    t = session.texts()
    if detail.image_moved:
        st.warning(t("page.deployment.image_moved"), icon=":material/update:")
    if detail.drift is None:
        st.caption(t("page.deployment.drift_unknown"))
    elif not detail.drift:
        st.markdown(f":green[:material/check_circle: {t('page.deployment.drift_none')}]")
    else:
        st.markdown(f":orange[:material/difference: {t('page.deployment.drift_some', count=len(detail.drift))}]")
        difference_table(detail.drift, t("page.deployment.planned"), t("page.deployment.found"))


def history(detail: DeploymentDetail) -> None:
    """Deployments of this name before it, each of which can be brought back; and any other to hold beside this one."""
    t = session.texts()
    if not detail.earlier:
        st.caption(t("page.deployment.no_history", name=detail.view.deployment.name))
    for one in detail.earlier[:20]:
        _past(one, detail.view.deployment)
    names = {one.id: _past_words(one) for one in detail.earlier}
    names |= {one.id: f"{one.name} · {_past_words(one)}" for one in detail.others}
    if not names:
        return
    other = st.selectbox(
        t("page.deployment.compare"),
        list(names),
        key="compare_with",
        format_func=names.__getitem__,
        index=None,
        placeholder=t("page.deployment.compare_none"),
    )
    if other:
        found = session.app().deployment_details.compare(other, detail.view.deployment.id)
        if found:
            difference_table(found, t("page.deployment.then"), t("page.deployment.this"))
        else:
            st.caption(t("page.deployment.same"))


def _past_words(one: Deployment) -> str:
    t = session.texts()
    return f"{t.when(one.created_at)} · {one.spec.image.rsplit('/', 1)[-1]}"


def _past(one: Deployment, now: Deployment) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center"):
        state_badge(one.state)
        link("deployment", plain(f"{_past_words(one)} · {one.version_label}"), id=one.id)
        st.space("stretch")
        label, key, icon = t("page.deployment.bring_back"), f"back_{one.id}", ":material/history:"
        if now.state in _LIVING and not now.adopted:
            link_button("deploy", label, key=key, icon=icon, like=one.id, replaces=now.id)
        else:
            link_button("deploy", label, key=key, icon=icon, like=one.id)


def run_inside(view: DeploymentView) -> None:
    """One command, for operators, after a question that names what would be disturbed; its output stays until the next.
    What was run before, by whom and how it ended, is there for everybody."""
    t = session.texts()
    if session.may(Role.OPERATOR):
        _ask_to_run(view)
    else:
        st.caption(t("page.deployment.exec_role"))
    done: ExecResult | None = st.session_state.get(_output_key(view))
    if done is not None:
        st.caption(t("page.deployment.exec_code", code=done.exit_code))
        st.code(done.output.rstrip() or "–", language=None, wrap_lines=True)
    _commands_before(view)


def _output_key(view: DeploymentView) -> str:
    return f"exec_output_{view.deployment.id}"


def _ask_to_run(view: DeploymentView) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        command = st.text_input(
            t("page.deployment.exec"),
            key="exec_command",
            placeholder="vllm --version",
            help=t("page.deployment.exec_help"),
        )
        pressed = st.button(t("page.deployment.exec_yes"), key="exec_yes", icon=":material/play_arrow:")
    if not pressed:
        return
    asked = t("page.deployment.exec_text", command=command.strip())
    if view.busy is not None:
        asked = f"{t('page.deployment.exec_busy', title=view.busy.job.title)} {asked}"
    confirm(
        t("page.deployment.exec_title", name=view.deployment.name),
        asked,
        t("page.deployment.exec_yes"),
        lambda: _run(view, command),
    )


def _run(view: DeploymentView, command: str) -> ExecResult:
    with st.spinner(session.texts()("page.deployment.exec_running")):
        done = session.app().inside.run_inside(session.actor(), view.deployment.id, command)
    st.session_state[_output_key(view)] = done
    return done


def _commands_before(view: DeploymentView) -> None:
    t, found = session.texts(), session.app().inside.commands(view.deployment.id)
    if not found:
        return
    st.caption(t("page.deployment.exec_before"))
    columns = (
        Column("at", t("page.deployment.exec_at"), 2),
        Column("by", t("page.deployment.exec_by"), 2),
        Column("words", t("page.deployment.exec"), 5),
        Column("code", t("page.deployment.exec_end"), 2, right=True),
    )
    grid_table(columns, [_command_row(one) for one in found])


def _command_row(one: ContainerCommand) -> dict[str, str]:
    t = session.texts()
    unseen = t("page.deployment.exec_unseen")
    code = unseen if one.exit_code is None else str(one.exit_code)
    return {"at": plain(t.when(one.at)), "by": plain(one.by), "words": plain(shlex.join(one.words)), "code": code}


def adoptable(candidates: Sequence[Candidate]) -> None:
    """Containers that serve a model and were not started here."""
    t = session.texts()
    if not candidates:
        st.caption(t("page.deployments.adopt_none"))
    for one in candidates:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(one.container.name)}**", width="content")
            st.caption(plain(f"{one.served_name} · {one.container.image}"), width="content")
            st.space("stretch")
            if not session.may(Role.OPERATOR):
                continue
            pressed = st.button(t("page.deployments.adopt_yes"), key=f"adopt_{one.container.id[:12]}")
            if pressed and (taken := act(session.app().adoption.adopt, session.actor(), one.container.id)):
                go("deployment", id=taken.value.job.deployment_id or "")
