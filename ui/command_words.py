"""Environment and arguments as people type and paste them."""

from __future__ import annotations

import re
import shlex

from core.domain.finding import Finding, Severity

_PASTED = re.compile(r"^\s*(?:-e|--env|export)\s+")


def read_env(text: str) -> tuple[tuple[str, str], ...] | Finding:
    """``NAME=value``, one a line; a leading ``-e`` or ``export`` and a trailing backslash, as they come with copied
    commands, are dropped. A line without ``=`` is a finding about ``env``."""
    pairs: list[tuple[str, str]] = []
    for line in text.splitlines():
        words = _PASTED.sub("", line.rstrip().removesuffix("\\")).strip()
        if not words:
            continue
        name, equals, value = words.partition("=")
        if not equals:
            return Finding("env_line_bad", Severity.BLOCK, "env", {"line": words})
        pairs.append((name.strip(), _unquoted(value.strip())))
    return tuple(pairs)


def read_args(text: str) -> tuple[str, ...] | Finding:
    """Words as a shell would split them, over any number of lines; a quote that is never closed is a finding about
    ``serve_args``."""
    try:
        return tuple(shlex.split(text.replace("\\\n", " ")))
    except ValueError:
        return Finding("args_unbalanced", Severity.BLOCK, "serve_args")


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
