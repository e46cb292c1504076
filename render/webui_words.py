"""Open WebUI in words: a change, a check, a finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from core.domain.finding import Finding
from core.domain.webui import Change, Check, CheckState
from render.texts import Texts


def change_text(t: Texts, change: Change) -> str:
    """One thing that is set."""
    return t(f"webui_change.{change.code}", **_words(t, change.params))


def check_text(t: Texts, check: Check) -> str:
    """What was asked, and how it stands."""
    group = "webui_check_bad" if check.state in {CheckState.BAD, CheckState.ATTENTION} else "webui_check"
    if check.code == "signed_in" and check.state is CheckState.UNKNOWN:
        group = "webui_check_bad"
    return t(f"{group}.{check.code}", **check.params)


def finding_in_words(t: Texts, finding: Finding) -> Finding:
    """The same, with the switches in it by their names."""
    return replace(finding, params=_words(t, finding.params))


def _words(
    t: Texts, params: Mapping[str, str | int | float | bool | None]
) -> dict[str, str | int | float | bool | None]:
    named = {"switch": t(f"webui_switch.{params['switch']}")} if "switch" in params else {}
    return {**params, **named}
