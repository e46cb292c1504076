"""What a deployment will do, before it does."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.deployment import DeploymentPlan
from core.domain.finding import Finding
from core.domain.job import Reason
from core.ports import EngineInfo
from ui import session
from ui.components.deployment_form import FIELDS, UNFILLED
from ui.components.pieces import command_block
from ui.markdown import plain


def engine_line(engine: EngineInfo | Reason) -> None:
    """Which engine would do it; why there is none stands among the findings."""
    t = session.texts()
    if isinstance(engine, EngineInfo):
        memory = t.size(engine.memory_bytes)
        facts = {"version": engine.version, "architecture": engine.architecture, "memory": memory}
        st.caption(plain(t("page.deploy.engine", cpus=engine.cpus, **facts)))


def plan_commands(plan: DeploymentPlan) -> None:
    """The exact line, and the same as a compose file."""
    t = session.texts()
    run, compose = st.tabs(["docker run", "compose"])
    with run:
        command_block(plan.docker_run)
        if plan.added:
            st.caption(t("page.deploy.added", options=", ".join(f"`{option}`" for option in plan.added)))
    with compose:
        st.code(plan.compose, language="yaml", wrap_lines=True)


def still_needed(found: Sequence[Finding]) -> str | None:
    """The required fields that are empty, in one sentence, in the form's order."""
    t = session.texts()
    empty = {finding.field for finding in found if finding.code in UNFILLED}
    if "weights" in empty:
        empty.discard("served_name")  # the folder will name it
    names = [t(f"page.deploy.{field}") for field in FIELDS if field in empty]
    return t("page.deploy.needed", fields=t("page.deploy.needed_between").join(names)) if names else None
