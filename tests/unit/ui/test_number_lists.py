"""Lists of numbers as people type them."""

from __future__ import annotations

import pytest

from ui.number_lists import read, realigned, spread, write


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1, 4, 16", (1, 4, 16)),
        ("1,4,16", (1, 4, 16)),
        (" 1  4;16 ", (1, 4, 16)),
        ("1，4、16", (1, 4, 16)),
        ("１６", (16,)),
        ("7,", (7,)),
        ("", None),
        ("1, x", None),
        ("0", None),
        ("-3", None),
        ("1.5", None),
        ("99999999999", None),
    ],
)
def test_what_is_read(text: str, numbers: tuple[int, ...] | None) -> None:
    assert read(text) == numbers


def test_what_is_written_is_read_again() -> None:
    assert read(write((1, 4, 16))) == (1, 4, 16)


def test_one_number_stands_for_all_points_and_others_must_fit() -> None:
    assert spread((96,), 3) == (96, 96, 96)
    assert spread((16, 48, 96), 3) == (16, 48, 96)
    assert spread((16, 48), 3) is None
    assert spread((), 3) is None


def test_requests_follow_the_loads() -> None:
    assert realigned((1, 4), (16, 48), (1, 4, 16)) == (16, 48, 192), "as many per stream as its neighbour"
    assert realigned((1, 4, 16), (16, 48, 96), (4,)) == (48,)
    assert realigned((1, 4), (96,), (1, 4, 16)) == (96,), "a single number stays"
    assert realigned((), (), (8,)) == (80,)
    assert realigned((64,), (64,), (64, 256)) == (64, 256), "each load can be filled"
