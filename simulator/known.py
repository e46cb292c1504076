"""Questions that the simulated model knows: the project's own sets. It answers a known share of them right, so that
what an evaluation measures can be checked to the last question."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "catalog" / "evaluations" / "questions"
_MARK = "####"
_ASKED = ("\\boxed", "ANSWER")
"""Every evaluation asks for one of these; any other prompt is not searched."""


class Fate(StrEnum):
    """How the simulated model deals with a question it knows."""

    RIGHT = "right"
    WRONG = "wrong"
    TRUNCATED = "truncated"
    """It never comes to its answer: the text goes on until max_tokens."""
    OVERFLOW = "overflow"
    """The server refuses it as longer than the context."""
    EMPTY = "empty"
    """It ends at once, without a word."""


@dataclass(frozen=True)
class Known:
    """One question; ``place`` counts from 0 in its file. ``options`` empty: the answer is a number."""

    place: int
    answer: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Shares:
    """Shares of the questions, each evenly spread over a file by place; overflow before truncation before nothing at
    all before right."""

    right: float = 0.75
    truncated: float = 0.0
    overflow: float = 0.0
    empty: float = 0.0

    def fate(self, known: Known) -> Fate:
        """The same question meets the same fate every time."""
        if _is_hit(known.place, self.overflow):
            return Fate.OVERFLOW
        if _is_hit(known.place, self.truncated):
            return Fate.TRUNCATED
        if _is_hit(known.place, self.empty):
            return Fate.EMPTY
        return Fate.RIGHT if _is_hit(known.place, self.right) else Fate.WRONG


def _is_hit(place: int, share: float) -> bool:
    """An exact share of the places: of sixty, 0.75 hits forty-five."""
    return math.floor((place + 1) * share + 1e-9) > math.floor(place * share + 1e-9)


def find(prompt: str) -> Known | None:
    """The known question that stands last in a prompt; examples may stand before it."""
    if not any(word in prompt for word in _ASKED):
        return None
    places = [(prompt.rfind(text), known) for text, known in questions().items() if text in prompt]
    return max(places, key=lambda found: found[0])[1] if places else None


def words(known: Known, fate: Fate) -> tuple[str, ...]:
    """What the model says, a token each."""
    if fate is Fate.EMPTY:
        return ("",)
    answer = known.answer if fate is Fate.RIGHT else _wrong(known)
    if known.options:
        return ("Let", " me", " think", ".", "\n", "ANSWER", ":", f" {answer}")
    return ("The", " result", " is", " \\boxed", "{", answer, "}")


def _wrong(known: Known) -> str:
    if not known.options:
        return str(int(known.answer) + 1)
    return known.options[(known.options.index(known.answer) + 1) % len(known.options)]


@cache
def questions() -> Mapping[str, Known]:
    """Every question's text, and what is known of it."""
    found: dict[str, Known] = {}
    for path in sorted(FOLDER.glob("*.jsonl")):
        for place, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            row = json.loads(line)
            options = tuple(letter for letter in "ABCD" if letter in row)
            found[row["question"]] = Known(place, row["answer"].rpartition(_MARK)[2].strip(), options)
    return found
