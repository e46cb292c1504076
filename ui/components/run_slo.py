"""A run against a service level: the limits, in the address, and how many users the server holds within them."""

from __future__ import annotations

import streamlit as st

from core.domain.capacity import Capacity
from core.domain.workload import Slo
from core.services.results import RunDetail
from render.capacity_words import capacity_answer, capacity_table
from render.charts.axes import Axis
from render.tables import markdown
from ui import session
from ui.components.pieces import wide_table
from ui.components.run_tables import small
from ui.components.url_state import keep
from ui.markdown import plain

_LIMITS = ("ttft", "tpot", "e2el")
_PERCENTILES = (50, 90, 95, 99)


def chosen_slo(detail: RunDetail) -> Slo:
    """What the address asks for; without a word there, what the sweep itself was judged by."""
    asked = st.query_params
    if not any(f"slo_{name}" in asked for name in (*_LIMITS, "p")):
        return detail.run.workload.slo or Slo()
    values = {f"{name}_ms": _number(asked.get(f"slo_{name}", "")) for name in _LIMITS}
    percentile = _number(asked.get("slo_p", ""))
    return Slo(int(percentile) if percentile is not None and 50 <= percentile < 100 else Slo.percentile, **values)


def slo_on(axis: Axis, slo: Slo) -> float | None:
    """The limit that belongs on an axis: of its latency, at its percentile."""
    if not axis.is_latency or axis.statistic != f"p{slo.percentile}":
        return None
    return dict(slo.limits_ms).get(f"{axis.metric}_ms")


def slo_card(detail: RunDetail, slo: Slo) -> None:
    """Limits, the answer, and each load against them."""
    t = session.texts()
    with st.container(border=True, gap="small"):
        st.subheader(t("page.run.slo"), anchor=False)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            for name in _LIMITS:
                _limit(name, dict(slo.limits_ms).get(f"{name}_ms"), slo)
            _percentile(slo)
        found = session.app().results.capacity(detail, slo)
        if found is None:
            st.caption(t("page.run.slo_none"))
            return
        _answer(found)


def _answer(found: Capacity) -> None:
    t = session.texts()
    st.markdown(f"**{plain(capacity_answer(found, t))}**")
    wide_table(markdown(capacity_table(found, t), small))
    st.caption(t("page.run.slo_how"))


def _limit(name: str, value: float | None, slo: Slo) -> None:
    t = session.texts()
    key = f"slo_{name}_{value}"  # it mirrors the address; see workload_form.py
    st.number_input(
        t("page.run.slo_limit", metric=t(f"metric.{name}_short")),
        min_value=0.0,
        value=value,
        key=key,
        step=None if value is None else max(1.0, value // 10),
        format="%g",
        placeholder=t("page.run.slo_no_limit"),
        width=170,
        on_change=lambda: _keep(slo, name, st.session_state[key]),
    )


def _percentile(slo: Slo) -> None:
    t = session.texts()
    key = f"slo_p_{slo.percentile}"
    options = sorted({*_PERCENTILES, slo.percentile})  # a sweep from a shell may be judged by any
    st.selectbox(
        t("page.run.slo_percentile"),
        options,
        index=options.index(slo.percentile),
        key=key,
        format_func=lambda percentile: f"p{percentile}",
        width=110,
        help=t("page.run.slo_percentile_help"),
        on_change=lambda: _keep(slo, "p", st.session_state[key]),
    )


def _keep(slo: Slo, changed: str, value: float | None) -> None:
    """All of them together: a limit alone would let the run's own ones go."""
    limits = {name: getattr(slo, f"{name}_ms") for name in _LIMITS} | {"p": slo.percentile} | {changed: value}
    for name, limit in limits.items():
        keep(f"slo_{name}", f"{limit:g}" if limit else "")


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1e9 else None
