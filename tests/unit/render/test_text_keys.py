"""Every sentence that a screen, a command or a report asks for by name is in render/texts, in both languages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from render.texts import LANGUAGES, sentences

ROOT = Path(__file__).resolve().parents[3]
ASKERS = ("ui", "pages", "cli", "render")
SAYS = {"t", "texts"}
"""``t("key")``, ``self.t("key")``, ``_t("key")``, ``texts()("key")``, ``session.texts()("key")``."""


def is_asked(function: ast.expr) -> bool:
    if isinstance(function, ast.Call):
        function = function.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name.lstrip("_") in SAYS


def keys(node: ast.expr) -> Iterator[str]:
    """The key or keys of an argument as regular expressions: what is put into an f-string may be anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield re.escape(node.value)
    elif isinstance(node, ast.IfExp):
        yield from keys(node.body)
        yield from keys(node.orelse)
    elif isinstance(node, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values]
        yield "".join(str(part) for part in parts)


@cache
def asked() -> dict[str, str]:
    """Each key, and one place where it is asked for."""
    found: dict[str, str] = {}
    for path in sorted(path for folder in ASKERS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and is_asked(node.func):
                for key in keys(node.args[0]):
                    found.setdefault(key, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_is_asked_for_is_there(language: str) -> None:
    assert len(asked()) > 500, "the test has lost sight of the askers"
    every = "\n".join(sentences(language))
    missing = {key: where for key, where in asked().items() if not re.search(f"^{key}$", every, re.MULTILINE)}
    assert missing == {}
