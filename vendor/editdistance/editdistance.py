"""Levenshtein distance between two sequences of hashable items: the interface of the package editdistance, in Python.

Wagner and Fischer, "The String-to-String Correction Problem", 1974, with one row kept.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def eval(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """How many insertions, deletions and substitutions turn ``a`` into ``b``."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(b, 1):
            best = min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
            diagonal, row[j] = row[j], best
    return row[-1]


def eval_criterion(a: Sequence[Hashable], b: Sequence[Hashable], thr: int) -> bool:
    """Whether the distance is at most ``thr``."""
    return eval(a, b) <= thr


distance = eval
distance_le_than = eval_criterion
