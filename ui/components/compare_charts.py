"""The charts of a comparison: curves over one another, and the change of one figure by load."""

from __future__ import annotations

from collections import Counter
from typing import Any

import streamlit as st

from core.domain.comparison import FIGURES, Comparison
from render.charts import LATENCIES, RATES, Axis
from render.charts.changes import changes, on_frontier, overlaid
from render.comparisons import answers, names
from ui import session
from ui.components.chart import chart
from ui.components.links import go
from ui.components.url_state import url_select, url_toggle
from ui.markdown import plain

_FIGURES = {figure.id: figure for figure in FIGURES}


def curves_card(comparison: Comparison) -> None:
    """Latency against throughput, every run; a click opens a run."""
    t = session.texts()
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.compare.chart"), anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            x = url_select("x", t("page.run.x_axis"), LATENCIES, "ttft_p50", _axis_name, t("help.latency"), width=150)
            y = url_select("y", t("page.run.y_axis"), RATES, RATES[0], _axis_name, t("help.rate"), width=200)
            log_x, log_y = url_toggle("logx", t("page.run.log_x")), url_toggle("logy", t("page.run.log_y"))
        figure = overlaid(comparison, t, x=Axis(x), y=Axis(y), log_x=log_x, log_y=log_y)
        alt = t("answer.between").join(answers(comparison, t))
        chart(figure, key="compare_curves", alt=alt, file="compare", on_click=_open_run)
        st.caption(t("page.compare.chart_hint"))
        st.caption(plain(_frontier(comparison, Axis(x), Axis(y))))


def _axis_name(axis: str) -> str:
    return Axis(axis).name(session.texts())


def _open_run(clicked: list[Any]) -> None:
    """Where a callback may not change the page, it is remembered, and done when the page is drawn."""
    st.session_state["compare_open"] = str(clicked[0])


def follow_click() -> None:
    """Opens the run whose point was clicked; call it first."""
    run_id = st.session_state.pop("compare_open", None)
    if run_id:
        go("run", id=run_id)


def _frontier(comparison: Comparison, x: Axis, y: Axis) -> str:
    t, called = session.texts(), names(comparison.sides, session.texts())
    found = on_frontier(comparison, x, y, t)
    counted = Counter(curve.id for curve, _ in found)
    parts = [
        t("page.compare.frontier_share", name=called[run_id], count=count, total=len(found))
        for run_id, count in counted.most_common()
    ]
    return t("page.compare.frontier", list=t("answer.listed").join(parts))


def changes_card(comparison: Comparison) -> None:
    """One figure's change at every load, with intervals and noise floor."""
    t = session.texts()
    known = [f.id for f in FIGURES if any(c.figure == f and c.change for pair in comparison.pairs for c in pair.cells)]
    if not known:
        return
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.compare.changes"), anchor=False)
        chosen = url_select("figure", t("page.compare.figure"), known, known[0], _figure_name, width=220)
        base = names(comparison.sides, t)[comparison.baseline.run.id]
        alt = f"{t('page.compare.changes_alt', baseline=base)}: {_figure_name(chosen)}"
        figure = changes(comparison, _FIGURES[chosen], t)
        chart(figure, key="compare_changes", alt=alt, file=f"changes-{chosen}", on_click=_open_run)
        st.caption(t("page.compare.changes_hint"))


def _figure_name(figure: str) -> str:
    return session.texts()(f"figure_head.{figure}")
