"""Findings beside the field they concern."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from core.domain.finding import Finding, Severity
from ui import session
from ui.markdown import plain

_COLORS = {Severity.BLOCK: "red", Severity.WARN: "orange", Severity.NOTE: "gray"}
_ICONS = {
    Severity.BLOCK: ":material/block:",
    Severity.WARN: ":material/warning:",
    Severity.NOTE: ":material/info:",
}
_ORDER = (Severity.BLOCK, Severity.WARN, Severity.NOTE)


def field_findings(found: Iterable[Finding], *fields: str) -> None:
    """The findings about these fields, right under the widget that was just drawn."""
    draw_findings(finding for finding in found if finding.field in fields)


def other_findings(found: Iterable[Finding], *fields: str) -> None:
    """Those about none of these fields: for the foot of a form, so that none is lost."""
    draw_findings(finding for finding in found if finding.field not in fields)


def draw_findings(found: Iterable[Finding]) -> None:
    """Each in one line: icon, severity in words, sentence, source."""
    for finding in sorted(found, key=lambda one: _ORDER.index(one.severity)):
        st.markdown(finding_line(finding), help=_source(finding))


def finding_line(finding: Finding) -> str:
    """One finding as Markdown: never by colour alone. A block that was overridden weighs as a warning does."""
    t = session.texts()
    severity = Severity.WARN if finding.overridden else finding.severity
    color, icon = _COLORS[severity], _ICONS[severity]
    label = t("component.set_aside" if finding.overridden else f"severity.{severity}")
    return f":{color}[{icon} **{label}**] {plain(t.finding(finding))}"


def _source(finding: Finding) -> str | None:
    return plain(session.texts()("component.source", source=finding.source)) if finding.source else None
