"""Prompts of exact length, random and reproducible: token ids, or text of words whose cost in tokens is known."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import shake_128
from itertools import cycle
from typing import Protocol

from core.loadgen.shape import Shape

FALLBACK_BAND = (1_000, 20_000)
"""Ids that the vocabularies of the usual models all have."""
_TABLE_SIZE = 1 << 16
_DISTINCT_IDS = 1 << 13


class Prompts(Protocol):
    """Makes prompts. The same (seed, kind, index) makes the same prompt in any process."""

    def field(self, kind: str, index: int) -> bytes:
        """The JSON member of the request's body that holds the prompt: ``"prompt":[...]`` or ``"messages":[...]``."""
        ...


def middle_band(vocabulary_size: int | None) -> tuple[int, int]:
    """Ids to draw from, first and one past the last: the middle four fifths of a vocabulary. Special tokens sit at its
    ends, and a model's stated size may be padded beyond its tokenizer's."""
    if vocabulary_size is None:
        return FALLBACK_BAND
    low = vocabulary_size // 10
    return low, max(low + 1, vocabulary_size * 9 // 10)


def random_values(seed: int, kind: str, index: int, count: int) -> array[int]:
    """``count`` uniform 16-bit numbers out of SHAKE-128: the same on every machine and Python, and quick."""
    values = array("H")
    values.frombytes(shake_128(f"{seed}/{kind}/{index}".encode()).digest(2 * count))
    return values


class TokenIdPrompts:
    """Prompts as token ids, for /v1/completions: no tokenizer is needed and the length is exact."""

    def __init__(self, shape: Shape, band: tuple[int, int]) -> None:
        low, end = band
        self._shape = shape
        distinct = min(end - low, _DISTINCT_IDS)
        ids = [str(low + number * (end - low) // distinct) for number in range(distinct)]
        self._table = (ids * (_TABLE_SIZE // distinct + 1))[:_TABLE_SIZE]

    def field(self, kind: str, index: int) -> bytes:
        """``"prompt":[id,id,...]``."""
        ids: list[str] = []
        for name, count in parts(self._shape, kind, index):
            ids += map(self._table.__getitem__, random_values(self._shape.seed, *name, count))
        return f'"prompt":[{",".join(ids)}]'.encode()


def parts(shape: Shape, kind: str, index: int) -> Iterator[tuple[tuple[str, int], int]]:
    """What a prompt is made of: (kind, index) of a random stream and how many tokens of it. A later turn repeats the
    earlier ones and the answers made up for them; every conversation, a warm-up's too, begins with the shared part."""
    first = index - index % shape.turns
    for turn in range(first, index + 1):
        tokens = shape.asked(kind, turn)
        shared = shape.shared(tokens) if turn == first else 0
        if shared:
            yield ("prefix", 0), shared
        yield (kind, turn), tokens - shared
        if turn < index:
            yield (f"{kind}/answer", turn), shape.output(kind, turn)


@dataclass(frozen=True)
class Words:
    """What a server's tokenizer makes of words: ``overhead`` tokens of the chat template for one message, ``pair`` for
    each answer and message more, and words (or short runs of them) by their cost."""

    overhead: int
    by_cost: dict[int, tuple[str, ...]]
    pair: int = 0

    @property
    def costs(self) -> tuple[int, ...]:
        """Known costs, dearest first."""
        return tuple(sorted(self.by_cost, reverse=True))


class TextPrompts:
    """Prompts as chat messages, for /v1/chat/completions, of random words that add up to the length."""

    def __init__(self, shape: Shape, words: Words) -> None:
        self._shape = shape
        self._words = words

    def texts(self, kind: str, index: int) -> list[str]:
        """The messages' texts, a user's and an answer by turns."""
        opening, texts = "", list[str]()
        for name, count in parts(self._shape, kind, index):
            if name[0] == "prefix":
                opening = self._text(name, count) + " "
            elif len(texts) % 2:
                texts.append(self._text(name, count))
            else:
                overhead = self._words.pair if texts else self._words.overhead
                texts.append(opening + self._text(name, max(1, count - overhead)))
                opening = ""
        return texts

    def _text(self, name: tuple[str, int], budget: int) -> str:
        values = random_values(self._shape.seed, *name, budget)
        return " ".join(_words_for(budget, self._words, values))

    def field(self, kind: str, index: int) -> bytes:
        """``"messages":[{"role":"user","content":"..."}, ...]``."""
        roles = cycle(("user", "assistant"))
        messages = [{"role": role, "content": text} for role, text in zip(roles, self.texts(kind, index), strict=False)]
        return b'"messages":' + json.dumps(messages, ensure_ascii=False).encode()


def _words_for(budget: int, words: Words, values: Sequence[int]) -> list[str]:
    """Words worth ``budget`` tokens, at random among those that still fit."""
    known = sorted((cost, word) for cost, those in words.by_cost.items() for word in those)
    chosen: list[str] = []
    left, end = budget, len(known)
    for value in values:
        while end and known[end - 1][0] > left:
            end -= 1
        if not end:
            break
        cost, word = known[value % end]
        chosen.append(word)
        left -= cost
    return chosen or [known[0][1]]
