"""Round steps for axes and bins."""

from __future__ import annotations

from math import floor, log10


def round_up(width: float) -> float:
    """The next 1, 2 or 5 times a power of ten; for positive widths."""
    power = 10.0 ** floor(log10(width))
    return next(step for step in (1.0, 2.0, 5.0, 10.0) if step >= width / power - 1e-9) * power
