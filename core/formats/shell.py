"""Shell words: read one command as POSIX quotes it, and write one. Text is never run, and nothing in it is expanded."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ENDS = frozenset("\n;|&<>()")
_BLANKS = frozenset(" \t\r")
_ESCAPABLE_IN_DOUBLE_QUOTES = frozenset('"\\$`\n')


class ShellError(ValueError):
    """A quote that is never closed."""


@dataclass(frozen=True)
class Command:
    """The words of one command; ``rest`` is the text after it (another command, a redirection), untouched. Variables
    and substitutions stay in the words as they were written."""

    words: tuple[str, ...]
    rest: str


def first_command(text: str) -> Command:
    """The first command in ``text``: quotes and backslashes resolved, line continuations joined (blanks after the
    backslash are forgiven, as pasted documents have them), a comment left out. Raises ShellError."""
    reader = _Reader(text)
    words: list[str] = []
    while (word := reader.next_word()) is not None:
        words.append(word)
    return Command(tuple(words), text[reader.position :].strip())


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.position = 0

    def next_word(self) -> str | None:
        """The next word; None at the command's end."""
        self._skip_blanks()
        if self._at_end():
            return None
        parts: list[str] = []
        while self.position < len(self._text):
            character = self._text[self.position]
            if character in _BLANKS or character in _ENDS:
                break
            parts.append(self._piece(character))
        return "".join(parts)

    def _skip_blanks(self) -> None:
        while self.position < len(self._text):
            if self._text[self.position] in _BLANKS:
                self.position += 1
            elif (after := self._continuation()) is not None:
                self.position = after
            elif self._text[self.position] == "#":
                newline = self._text.find("\n", self.position)
                self.position = len(self._text) if newline < 0 else newline
            else:
                return

    def _at_end(self) -> bool:
        return self.position >= len(self._text) or self._text[self.position] in _ENDS

    def _continuation(self) -> int | None:
        """Where the text goes on after a backslash that ends its line; None where there is none."""
        if self._text[self.position] != "\\":
            return None
        after = self.position + 1
        while after < len(self._text) and self._text[after] in _BLANKS:
            after += 1
        if after == len(self._text):
            return after
        return after + 1 if self._text[after] == "\n" else None

    def _piece(self, character: str) -> str:
        if character == "'":
            return self._single_quoted()
        if character == '"':
            return self._double_quoted()
        if character == "\\":
            return self._escaped()
        if character == "`" or self._text.startswith("$(", self.position):
            return self._substitution(character)
        self.position += 1
        return character

    def _single_quoted(self) -> str:
        end = self._closing("'", self.position + 1)
        found = self._text[self.position + 1 : end]
        self.position = end + 1
        return found

    def _double_quoted(self) -> str:
        parts: list[str] = []
        self.position += 1
        while self.position < len(self._text):
            character = self._text[self.position]
            if character == '"':
                self.position += 1
                return "".join(parts)
            following = self._text[self.position + 1 : self.position + 2]
            if character == "\\" and following in _ESCAPABLE_IN_DOUBLE_QUOTES and following:
                parts.append("" if following == "\n" else following)
                self.position += 2
            else:
                parts.append(character)
                self.position += 1
        raise ShellError('"')

    def _escaped(self) -> str:
        after = self._continuation()
        if after is not None:
            self.position = after
            return ""
        self.position += 2
        return self._text[self.position - 1 : self.position]

    def _substitution(self, character: str) -> str:
        """Kept as it is written: $(...) to its closing bracket, `...` to its closing tick."""
        start = self.position
        if character == "`":
            self.position = self._closing("`", start + 1) + 1
            return self._text[start : self.position]
        depth = 0
        for index in range(start + 1, len(self._text)):
            depth += {"(": 1, ")": -1}.get(self._text[index], 0)
            if depth == 0:
                self.position = index + 1
                return self._text[start : self.position]
        raise ShellError("$(")

    def _closing(self, character: str, start: int) -> int:
        end = self._text.find(character, start)
        if end < 0:
            raise ShellError(character)
        return end


def join(words: Sequence[str]) -> str:
    """One line that a shell reads as exactly these words."""
    return shlex.join(words)


def lines(groups: Iterable[Sequence[str]], indent: str = "    ") -> str:
    """Several lines, one group of words on each, that a shell reads as one command."""
    return f" \\\n{indent}".join(shlex.join(group) for group in groups)
