"""Devices as numbers, as ranges, and which are free."""

from __future__ import annotations

import pytest

from core.domain.devices import lowest_free, read_devices, write_devices


@pytest.mark.parametrize(
    ("text", "numbers", "written"),
    [
        ("", (), ""),
        ("0-3, 8", (0, 1, 2, 3, 8), "0-3, 8"),
        ("2，1,1", (1, 2), "1-2"),
        (" 5 ", (5,), "5"),
    ],
)
def test_ranges_are_read_and_written(text: str, numbers: tuple[int, ...], written: str) -> None:
    assert read_devices(text) == numbers
    assert write_devices(numbers) == written


@pytest.mark.parametrize("text", ["a", "3-1", "-1", "0-99999999999", "1-2-3"])
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_devices(text)


def test_the_lowest_free_ones() -> None:
    assert lowest_free(2, 4, {0}) == (1, 2)
    assert lowest_free(4, 4, {0}) is None
    assert lowest_free(2, None, {0, 1}) == (2, 3), "not counted: taken ones are passed over"
