"""A question in two languages, and the dice."""

from __future__ import annotations

import random
from dataclasses import dataclass

Draw = random.Random


@dataclass(frozen=True)
class Question:
    """One question in both languages. ``solution`` is a chain of equations that ends in the answer (arithmetic); for
    logic ``options`` are (English, Chinese) and ``right`` is the place of the only right one."""

    en: str
    zh: str
    answer: int | None = None
    solution: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    right: int = -1
