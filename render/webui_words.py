"""Open WebUI in words: a change, a check, a finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from core.domain.finding import Finding
from core.domain.webui import Change, Check, CheckState
from render.texts import Texts

Value = str | int | float | bool | None
Shown = Callable[[Value], Value]
"""How a value is put into a sentence: as it is, or as Markdown."""


def as_it_is(value: Value) -> Value:
    """For a terminal."""
    return value


def change_text(t: Texts, change: Change, shown: Shown = as_it_is) -> str:
    """One thing that is set."""
    return t(f"webui_change.{change.code}", **_words(t, change.params, shown))


def check_text(t: Texts, check: Check, shown: Shown = as_it_is) -> str:
    """What was asked, and how it stands."""
    group = "webui_check_bad" if check.state in {CheckState.BAD, CheckState.ATTENTION} else "webui_check"
    if check.code == "signed_in" and check.state is CheckState.UNKNOWN:
        group = "webui_check_bad"
    return t(f"{group}.{check.code}", **_words(t, check.params, shown))


def finding_in_words(t: Texts, finding: Finding, shown: Shown = as_it_is) -> Finding:
    """The same, with the switches in it by their names."""
    return replace(finding, params=_words(t, finding.params, shown))


def _words(t: Texts, params: Mapping[str, Value], shown: Shown) -> dict[str, Value]:
    named = {"switch": t(f"webui_switch.{params['switch']}")} if "switch" in params else {}
    return {**{name: shown(value) for name, value in params.items()}, **named}
