"""Every measured point in figures: as percentiles, or as the source guide's eleven."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.benchmark import Measurement
from render.charts import FEW_REQUESTS
from render.guide import guide_table
from render.tables import failure_lines, markdown, percentile_table
from ui import session
from ui.components.pieces import wide_table
from ui.components.url_state import url_segments
from ui.markdown import plain

_JOINER, _NO_BREAK = "\N{WORD JOINER}", "\N{NO-BREAK SPACE}"
_VIEWS = ("percentiles", "guide")


def points_tables(measurements: Sequence[Measurement]) -> None:
    """One of the two tables; what failed stands below either."""
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(t("page.run.table"), anchor=False, width="content")
        st.space("stretch")
        view = url_segments("table", t("page.run.table"), _VIEWS, _VIEWS[0], lambda one: t(f"page.run.tab_{one}"))
    if view == "guide":
        wide_table(markdown(guide_table(measurements, t), small, left=2))
    else:
        _percentiles(measurements)
    with st.container(gap="xxsmall"):
        for line in failure_lines(measurements, t):
            st.markdown(f":orange[:material/warning:] {plain(line)}")


def _percentiles(measurements: Sequence[Measurement]) -> None:
    t = session.texts()
    table = percentile_table(measurements, t)
    st.caption(t("page.run.table_lead"))
    wide_table(markdown(table, small))
    if table.has_rough:
        st.caption(plain(t("page.run.rough", limit=FEW_REQUESTS)))


def small(cell: str) -> str:
    """Small, and never broken inside a Chinese word or between a number and its unit; a narrow screen scrolls."""
    words = [word if word.isascii() or "\\" in word else _JOINER.join(word) for word in cell.split(" ")]
    between = _NO_BREAK if cell[:1].isdigit() else " "
    return f":small[{between.join(words)}]"
