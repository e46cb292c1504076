"""Prompts of exact length, random and reproducible: token ids, or text of words whose cost in tokens is known."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import shake_128
from typing import Protocol

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

    def __init__(self, seed: int, length: int, band: tuple[int, int]) -> None:
        low, end = band
        self._seed = seed
        self._length = length
        distinct = min(end - low, _DISTINCT_IDS)
        ids = [str(low + number * (end - low) // distinct) for number in range(distinct)]
        self._table = (ids * (_TABLE_SIZE // distinct + 1))[:_TABLE_SIZE]

    def field(self, kind: str, index: int) -> bytes:
        """``"prompt":[id,id,...]``."""
        values = random_values(self._seed, kind, index, self._length)
        return f'"prompt":[{",".join(map(self._table.__getitem__, values))}]'.encode()


@dataclass(frozen=True)
class Words:
    """What a server's tokenizer makes of words: ``overhead`` tokens of the chat template, and words by their cost."""

    overhead: int
    by_cost: dict[int, tuple[str, ...]]

    @property
    def costs(self) -> tuple[int, ...]:
        """Known costs, dearest first."""
        return tuple(sorted(self.by_cost, reverse=True))


class TextPrompts:
    """Prompts as one user message, for /v1/chat/completions, of random words that add up to the length."""

    def __init__(self, seed: int, length: int, words: Words) -> None:
        self._seed = seed
        self._budget = max(1, length - words.overhead)
        self._words = words

    def text(self, kind: str, index: int) -> str:
        """The message's text."""
        values = random_values(self._seed, kind, index, self._budget)
        return " ".join(_words_for(self._budget, self._words, values))

    def field(self, kind: str, index: int) -> bytes:
        """``"messages":[{"role":"user","content":"..."}]``."""
        message = {"role": "user", "content": self.text(kind, index)}
        return b'"messages":' + json.dumps([message], ensure_ascii=False).encode()


def _words_for(budget: int, words: Words, values: Sequence[int]) -> list[str]:
    """Words worth ``budget`` tokens: mostly of the commonest cost, the rest filled with whatever still fits."""
    costs = words.costs
    main = max(costs, key=lambda cost: len(words.by_cost[cost]))
    chosen: list[str] = []
    left = budget
    for value in values:
        cost = main if main <= left else next((cost for cost in costs if cost <= left), 0)
        if cost == 0:
            break
        choices = words.by_cost[cost]
        chosen.append(choices[value % len(choices)])
        left -= cost
    return chosen or [words.by_cost[costs[-1]][0]]
