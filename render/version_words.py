"""What a version is called: model and label, neither of them twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache

from core.domain.endpoint import Origin
from core.domain.run_identity import version_name as joined
from render.texts import LANGUAGES, Texts


def version_label(label: str, origin: str = "") -> str:
    """As somebody has given it; "" where a simulated server has only the word that it is simulated."""
    return "" if origin == Origin.SIMULATED and label in _simulated() else label


def version_name(model: str, label: str, origin: str = "") -> str:
    """Model and label."""
    return joined(model, version_label(label, origin))


def told_apart(names: Sequence[str], marks: Sequence[str]) -> tuple[str, ...]:
    """The names, those that stand there more than once with their mark."""
    found = Counter(names)
    return tuple(f"{name} ({mark})" if found[name] > 1 else name for name, mark in zip(names, marks, strict=True))


@cache
def _simulated() -> frozenset[str]:
    """What the demo calls its own server, in the language that it was started in."""
    return frozenset(Texts(language)("app.simulated") for language in LANGUAGES)
