"""A made-up tokenizer: every token id is one pronounceable word, and every word of that kind is one token."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from itertools import product

SPECIAL_TOKENS = 10
"""Ids below this are special: they decode to nothing."""
MESSAGE_START, MESSAGE_END, ROLE = 1, 2, 3
_SYLLABLES = ["".join(pair) for pair in product("bcdfghjklmnpqrstvwxz", "aeiou")]
_DIGITS = {syllable: index for index, syllable in enumerate(_SYLLABLES)}
_PIECES = re.compile(r"\S{1,4}")


class Tokenizer:
    """Words of two syllables up to a vocabulary of 10,000, of three above."""

    def __init__(self, vocabulary_size: int) -> None:
        self.vocabulary_size = vocabulary_size
        self._syllables = 2 if vocabulary_size <= len(_SYLLABLES) ** 2 else 3

    def encode(self, text: str) -> list[int]:
        """A word of ours is its token; any other is cut into pieces of four characters, each a token of its own."""
        tokens: list[int] = []
        for word in text.split():
            known = self._id_of(word)
            tokens += [known] if known is not None else map(self._hashed, _PIECES.findall(word))
        return tokens

    def encode_chat(self, contents: Iterable[str]) -> list[int]:
        """Messages between markers, then the marker of the answer: what a chat template does."""
        tokens: list[int] = []
        for content in contents:
            tokens += [MESSAGE_START, ROLE, *self.encode(content), MESSAGE_END]
        return [*tokens, MESSAGE_START, ROLE]

    def word(self, token: int) -> str:
        """The text of a token, with the space before it; empty for special and unknown ones."""
        if not SPECIAL_TOKENS <= token < self.vocabulary_size:
            return ""
        digits = []
        for _ in range(self._syllables):
            token, digit = divmod(token, len(_SYLLABLES))
            digits.append(_SYLLABLES[digit])
        return " " + "".join(reversed(digits))

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of several tokens."""
        return "".join(map(self.word, tokens))

    def _id_of(self, word: str) -> int | None:
        if len(word) != 2 * self._syllables:
            return None
        token = 0
        for start in range(0, len(word), 2):
            digit = _DIGITS.get(word[start : start + 2])
            if digit is None:
                return None
            token = token * len(_SYLLABLES) + digit
        return token if SPECIAL_TOKENS <= token < self.vocabulary_size else None

    def _hashed(self, piece: str) -> int:
        return SPECIAL_TOKENS + zlib.crc32(piece.encode()) % (self.vocabulary_size - SPECIAL_TOKENS)
