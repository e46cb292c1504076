"""Lists of whole numbers as people type them, and two that belong together: loads and requests."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

REQUESTS_PER_STREAM = 10
"""For a load that was just added beside none: ten requests for each stream."""
_RATE = re.compile(r"\d{1,6}(?:\.\d{1,6})?")
_BETWEEN = re.compile(r"[\s,;、]+")


def read(text: str) -> tuple[int, ...] | None:
    """``1, 4,16``; None where it is not a list of whole numbers from 1 up. Full-width ones are read too."""
    parts = [part for part in _BETWEEN.split(unicodedata.normalize("NFKC", text)) if part]
    if not parts or not all(part.isdecimal() and len(part) < 10 and int(part) > 0 for part in parts):
        return None
    return tuple(map(int, parts))


def read_rates(text: str) -> tuple[float, ...] | None:
    """``0.5, 2``; None where it is not a list of numbers above 0."""
    parts = [part for part in _BETWEEN.split(unicodedata.normalize("NFKC", text)) if part]
    if not parts or not all(_RATE.fullmatch(part) and float(part) > 0 for part in parts):
        return None
    return tuple(map(float, parts))


def write(numbers: Sequence[int]) -> str:
    """The inverse of ``read``; a list of equal numbers becomes one."""
    return ", ".join(map(str, numbers))


def spread(numbers: Sequence[int], count: int) -> tuple[int, ...] | None:
    """One for each of ``count``: as they are, or a single one repeated; None where they do not fit."""
    if len(numbers) == 1:
        return tuple(numbers) * count
    return tuple(numbers) if len(numbers) == count else None


def realigned(loads: Sequence[int], requests: Sequence[int], new_loads: Sequence[int]) -> tuple[int, ...]:
    """Requests after the loads have changed: what was there keeps its number, what is new gets as many per stream as
    its nearest neighbour. A single number stays one while every load can be filled with it."""
    if len(requests) == 1:
        enough = tuple(max(requests[0], load) for load in new_loads)
        return enough if any(load > requests[0] for load in new_loads) else tuple(requests)
    if len(loads) != len(requests):
        return tuple(requests)
    known = dict(zip(loads, requests, strict=True))
    return tuple(known.get(load) or _like_the_nearest(load, known) for load in new_loads)


def _like_the_nearest(load: int, known: dict[int, int]) -> int:
    if not known:
        return load * REQUESTS_PER_STREAM
    nearest = min(known, key=lambda other: abs(other - load))
    return max(load, round(known[nearest] / nearest * load))
