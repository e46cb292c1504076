"""Shell words, read as a shell reads them and never run."""

from __future__ import annotations

import pytest

from core.formats.shell import ShellError, first_command, join, lines
from tests.guide import shell_words


@pytest.mark.parametrize(
    "text",
    [
        "a b  c",
        "a 'b c' \"d e\"",
        r"a b\ c \"d\"",
        """a --x='{"method":"deepseek_mtp","num_speculative_tokens":1}' b""",
        r'''a "say \"hi\" \\ \$HOME \n"''',
        "a -e X=\"102400\" ''",
        "a \\\n  b \\\n\tc",
        "名称 '权重 目录'",
    ],
)
def test_words_are_those_of_a_shell(text: str) -> None:
    assert list(first_command(text).words) == shell_words(text)


@pytest.mark.parametrize(
    ("text", "words", "rest"),
    [
        ("a b\nc d", ("a", "b"), "c d"),
        ("a b; rm -rf /", ("a", "b"), "; rm -rf /"),
        ("a b && c", ("a", "b"), "&& c"),
        ("a b # why", ("a", "b"), ""),
        ("a b#c", ("a", "b#c"), ""),
        ("a b \\  \n c", ("a", "b", "c"), ""),
        ("a b \\", ("a", "b"), ""),
        ("a b > out.txt", ("a", "b"), "> out.txt"),
    ],
)
def test_a_command_ends_where_a_shell_ends_it(text: str, words: tuple[str, ...], rest: str) -> None:
    command = first_command(text)
    assert (command.words, command.rest) == (words, rest)


@pytest.mark.parametrize("word", ["$HOME/models", "${HOME}", "$(rm -rf / ; echo x)", "`id -u`", "~/models"])
def test_nothing_is_expanded(word: str) -> None:
    assert first_command(f"a {word} b").words == ("a", word, "b")


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a $(b", "a `b"])
def test_an_open_quote_is_refused(text: str) -> None:
    with pytest.raises(ShellError):
        first_command(text)


def test_written_words_are_read_again() -> None:
    words = ["a", "", "b c", "it's", '{"x": 1}', "$HOME", "x\ny", "名称"]
    assert list(first_command(join(words)).words) == words
    assert list(first_command(lines([words, words])).words) == [*words, *words]
