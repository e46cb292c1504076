"""Environment and arguments as people paste them."""

from __future__ import annotations

import pytest

from core.domain.finding import Finding
from ui.command_words import read_args, read_env


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("A=1\n\n  B = two words ", (("A", "1"), ("B", "two words"))),
        ("-e A=1 \\\nexport B='x=y'\n", (("A", "1"), ("B", "x=y"))),
        ("EMPTY=", (("EMPTY", ""),)),
    ],
)
def test_variables_are_read_as_they_come(text: str, pairs: tuple[tuple[str, str], ...]) -> None:
    assert read_env(text) == pairs


def test_a_line_that_is_no_variable_is_named() -> None:
    found = read_env("A=1\nLONELY")
    assert isinstance(found, Finding)
    assert (found.code, found.field, found.params["line"]) == ("env_line_bad", "env", "LONELY")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("--max-model-len 4096 \\\n  --x", ("--max-model-len", "4096", "--x")),
        ("""--config '{"a": 1}'\n--y""", ("--config", '{"a": 1}', "--y")),
    ],
)
def test_arguments_are_split_as_a_shell_does(text: str, words: tuple[str, ...]) -> None:
    assert read_args(text) == words


def test_an_open_quote_is_a_finding() -> None:
    found = read_args("--x 'open")
    assert isinstance(found, Finding)
    assert found.field == "serve_args"
