"""Small things that many pages draw: headers, badges, commands, provenance."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.domain.benchmark import RunKind, RunRow, RunState
from core.domain.deployment import DeploymentState
from core.domain.job import JobState
from core.ports.containers import SIMULATED
from render.version_words import version_name
from ui import session
from ui.components.links import link
from ui.markdown import cut, plain

Color = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]

_LINE_LENGTH = 72
_SHORT_CELL = 32
_NAME_COLUMNS = 30
_JOINER, _NO_BREAK = "\N{WORD JOINER}", "\N{NO-BREAK SPACE}"
_JOINED = re.compile("(?<=[\u4e00-\u9fff])(?=[\u4e00-\u9fff（])|(?<=\N{EN DASH})(?= )")
_LOOKS: dict[str, tuple[Color, str]] = {
    "queued": ("gray", ":material/schedule:"),
    "pending": ("gray", ":material/schedule:"),
    "planned": ("gray", ":material/schedule:"),
    "running": ("blue", ":material/progress_activity:"),
    "starting": ("blue", ":material/progress_activity:"),
    "loading": ("blue", ":material/progress_activity:"),
    "interrupted": ("orange", ":material/pause_circle:"),
    "partial": ("orange", ":material/contrast:"),
    "lost": ("orange", ":material/help:"),
    "cancelling": ("gray", ":material/cancel:"),
    "cancelled": ("gray", ":material/cancel:"),
    "stopped": ("gray", ":material/stop_circle:"),
    "removed": ("gray", ":material/delete:"),
    "failed": ("red", ":material/error:"),
    "done": ("green", ":material/check_circle:"),
    "complete": ("green", ":material/check_circle:"),
    "ready": ("green", ":material/check_circle:"),
}


def header(page: str, lead: str | None = None) -> None:
    """A page's title, and the sentence under it: its answer where it has one, else its lead."""
    t = session.texts()
    st.title(t(f"page.{page}.title"), anchor=False)
    st.caption(lead if lead is not None else t(f"page.{page}.lead"))


def state_badge(state: JobState | RunState | DeploymentState) -> None:
    """A state in colour, sign and word."""
    group = {JobState: "job", RunState: "run", DeploymentState: "deployment"}[type(state)]
    color, icon = _LOOKS[state.value]
    st.badge(session.texts()(f"{group}.{state.value}"), icon=icon, color=color)


def state_words(state: JobState | RunState | DeploymentState) -> str:
    """The same badge inside a line of Markdown: a table of many rows has one element less for each."""
    group = {JobState: "job", RunState: "run", DeploymentState: "deployment"}[type(state)]
    color, icon = _LOOKS[state.value]
    return f":{color}-badge[{icon} {session.texts()(f'{group}.{state.value}')}]"


def version_link(row: RunRow) -> None:
    """A run by its version, the model in bold, as far as a list's first column holds it; the whole is its tooltip."""
    name = version_name(row.model, row.version_label, row.origin)
    short = cut(name, _NAME_COLUMNS)
    bold = short[: len(row.model)]
    label = f"**{plain(bold)}**{plain(short[len(row.model) :])}"
    page = "evaluation" if row.kind is RunKind.EVALUATION else "run"
    link(page, label, help=None if short == name else plain(name), id=row.id)


def simulated_badge() -> None:
    """Beside everything that a simulated server answered."""
    t = session.texts()
    st.badge(t("app.simulated"), icon=":material/science:", color="violet", help=t("app.simulated_help"))


def engine_version(version: str) -> str:
    """As the engine tells it; that of a simulated host in words."""
    return session.texts()("app.simulated").lower() if version == SIMULATED else version


def command_block(command: str | Sequence[str]) -> None:
    """A command as it is run, with a copy button; argv is quoted for a shell, a long one with an option a line."""
    text = command if isinstance(command, str) else shell_text(command)
    st.code(text, language=None, wrap_lines=True)


def shell_text(argv: Sequence[str]) -> str:
    """One line where it is short, else continued lines: they can be pasted as they are."""
    line = shlex.join(argv)
    if len(line) <= _LINE_LENGTH:
        return line
    parts: list[list[str]] = [[]]
    for word in argv:
        if word.startswith("--"):
            parts.append([])
        parts[-1].append(word)
    return " \\\n  ".join(shlex.join(part) for part in parts if part)


def provenance_line(*parts: str | None) -> None:
    """Where a number comes from, in one line; absent parts are left out."""
    st.caption(" · ".join(plain(part) for part in parts if part))


def wide_table(text: str) -> None:
    """A table in Markdown. On a narrow screen it scrolls by itself; without its own row the whole page would."""
    with st.container(horizontal=True, wrap=False):
        st.markdown("\n".join(map(_unbroken, text.split("\n"))), width="content")


def _unbroken(line: str) -> str:
    """A row whose short cells keep to one line. Browsers break Chinese between any two characters, and would stand a
    head's characters one below the other."""
    if not (line.startswith("| ") and line.endswith(" |")):
        return line
    return f"| {' | '.join(map(_glued, line[2:-2].split(' | ')))} |"


def _glued(cell: str) -> str:
    return cell if len(cell) > _SHORT_CELL else _JOINED.sub(_JOINER, cell).replace(" ", _NO_BREAK)


def copyable(text: str) -> None:
    """A value with a copy button, such as a link or a key that is shown once."""
    st.code(text, language=None, wrap_lines=True)


def group() -> DeltaGenerator:
    """Things of one row that stay together: where the row is too narrow, they move to the next line as one."""
    return st.container(horizontal=True, vertical_alignment="center", width="content")


def worker_notice() -> None:
    """On pages that start or watch jobs: says when nobody does the work, or nobody can."""
    app = session.app()
    if app.jobs.worker_alive():
        return
    t = session.texts()
    if app.storage.is_full():
        text = plain(t("frame.disk_full", path=str(app.settings.home)))
        st.error(text, title=t("frame.disk_full_title"), icon=":material/hard_drive:")
    else:
        st.warning(t("frame.worker_silent"), title=t("frame.worker_silent_title"), icon=":material/engineering:")
