"""The stand-in for editdistance gives the distances of the definition."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

SOURCE = Path(__file__).resolve().parents[3] / "vendor" / "editdistance" / "editdistance.py"


@cache
def stand_in() -> ModuleType:
    spec = importlib.util.spec_from_file_location("editdistance_stand_in", SOURCE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_definition(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(
        by_definition(a[1:], b) + 1,
        by_definition(a, b[1:]) + 1,
        by_definition(a[1:], b[1:]) + (a[0] != b[0]),
    )


@pytest.mark.parametrize(("a", "b", "expected"), [("", "", 0), ("kitten", "sitting", 3), ("ab", "", 2), ("", "abc", 3)])
def test_known_distances(a: str, b: str, expected: int) -> None:
    assert stand_in().eval(a, b) == expected
    assert stand_in().distance(a.split(), b.split()) == (a != b) * max(len(a.split()), len(b.split()))
    assert stand_in().eval_criterion(a, b, expected)
    assert not stand_in().eval_criterion(a, b, expected - 1)


@given(st.text("ab", max_size=5), st.text("ab", max_size=5))
def test_agrees_with_the_definition(a: str, b: str) -> None:
    assert stand_in().eval(a, b) == by_definition(a, b)
