"""A table of elements: links, badges and numbers in aligned columns. It needs no data frame (and not its 80 MB)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

Cell = str | Callable[[], None]
"""Markdown, or something that draws itself."""
_TRACK_WIDTH = 46


@dataclass(frozen=True)
class Column:
    """``span`` is its share of the width; numbers stand to the right."""

    name: str
    head: str
    span: int
    right: bool = False


def grid_table(columns: Sequence[Column], rows: Iterable[Mapping[str, Cell]]) -> None:
    """One row each, in the order they come; it scrolls sideways on small screens."""
    tracks = sum(column.span for column in columns)
    with st.container(border=True):
        grid = st.grid(tracks, wrap=False, min_column_width=_TRACK_WIDTH, gap="xsmall", vertical_alignment="center")
        for column in columns:
            with _place(grid, column):
                st.caption(column.head, text_alignment=_side(column))
        for row in rows:
            for column in columns:
                with _place(grid, column):
                    _draw(row[column.name], column)


def _place(grid: Any, column: Column) -> Any:
    """An element takes one track by itself; only a wider one needs a cell, a container more for every row."""
    return grid if column.span == 1 else grid.cell(column_span=column.span)


def _draw(cell: Cell, column: Column) -> None:
    if isinstance(cell, str):
        st.markdown(cell, text_alignment=_side(column))
    else:
        cell()


def _side(column: Column) -> Literal["left", "right"]:
    return "right" if column.right else "left"
