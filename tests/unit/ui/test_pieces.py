"""Pieces that are more than a call."""

from __future__ import annotations

import pytest

from ui.components import pieces


def test_short_cells_of_a_wide_table_keep_to_one_line_and_long_ones_may_break(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(pieces.st, "markdown", lambda text, **_: written.append(text))
    long = "a sentence that is longer than any head and may break"
    pieces.wide_table(f"| 超出长度 | 95 % CI |\n| :--- | ---: |\n| {long} | 84.6 \N{EN DASH} 96.5 |")
    head, sides, row = written[0].split("\n")
    assert head == "| 超\u2060出\u2060长\u2060度 | 95\u00a0%\u00a0CI |"
    assert sides == "| :--- | ---: |"
    assert row == f"| {long} | 84.6\u00a0\N{EN DASH}\u2060\u00a096.5 |"
