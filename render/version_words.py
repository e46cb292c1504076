"""What a version is called: model and label, neither of them twice."""

from __future__ import annotations

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


@cache
def _simulated() -> frozenset[str]:
    """What the demo calls its own server, in the language that it was started in."""
    return frozenset(Texts(language)("app.simulated") for language in LANGUAGES)
