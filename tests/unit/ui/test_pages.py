"""What import-linter cannot see: pages are scripts and no package. They draw; they neither reach out nor catch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "pages").glob("*.py"))
DRAWS_WITH = ("streamlit", "ui", "render", "core.domain", "core.services", "core.product")
PLAIN = ("__future__", "collections", "dataclasses", "datetime", "functools", "pathlib", "typing")
"""Of core a page knows the types that its one question is answered with; of the standard library what does no I/O but
for a path's name."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def is_under(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", [*PAGES, ROOT / "streamlit_app.py"], ids=lambda path: path.stem)
def test_a_page_imports_only_what_it_draws_with(path: Path) -> None:
    assert [module for module in imported(path) if not is_under(module, DRAWS_WITH + PLAIN)] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_catches_nothing_and_asks_no_socket_file_or_database(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Try | ast.TryStar)]
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert called & {"store", "read_text", "read_bytes", "write_text", "write_bytes"} == set()


def test_nothing_imports_a_page_or_the_launcher() -> None:
    files = [path for folder in ("core", "render", "ui", "cli") for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 300
    found = [path for path in files if any(is_under(one, ("pages", "streamlit_app")) for one in imported(path))]
    assert found == []
