"""A run's chart, with its axes in the address and its points as a way in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.domain.benchmark import Measurement
from core.domain.workload import Slo
from core.services.results import RunDetail
from render.charts import (
    FEW_REQUESTS,
    LATENCIES,
    METRICS,
    RATES,
    Axis,
    Curve,
    latency_throughput,
    load_words,
    percentiles_by_load,
)
from render.charts.points import by_point
from ui import session
from ui.components.chart import chart
from ui.components.run_slo import slo_on
from ui.components.url_state import keep, url_number, url_select, url_toggle

POINT = "point"


def curve_card(detail: RunDetail, answer: str, slo: Slo) -> None:
    """Throughput against latency; a click on a point opens its requests."""
    t, run = session.texts(), detail.run
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.run.chart"), anchor=False)
        x, y, log_x, log_y = _axes()
        curve = Curve(run.id, " ".join([run.model, run.version_label]).strip(), detail.measurements)
        figure = latency_throughput(
            [curve], t, x=x, y=y, log_x=log_x, log_y=log_y, slo_ms=slo_on(x, slo), chosen=url_number(POINT)
        )
        alt = t("page.run.chart_alt", model=curve.name, answer=answer)
        chart(figure, key="run_curve", alt=alt, file=run.id, on_click=_choose)
        hollow = any(x.is_rough(measurement) for measurement in detail.measurements)
        hints = [t("page.run.chart_hint"), *([t("page.run.hollow", limit=FEW_REQUESTS)] if hollow else [])]
        st.caption(t("answer.between").join(hints))


def _axes() -> tuple[Axis, Axis, bool, bool]:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        x = url_select("x", t("page.run.x_axis"), LATENCIES, "ttft_p50", _axis_name, t("help.latency"), width=150)
        y = url_select("y", t("page.run.y_axis"), RATES, "output_tokens_per_s", _axis_name, t("help.rate"), width=200)
        log_x, log_y = url_toggle("logx", t("page.run.log_x")), url_toggle("logy", t("page.run.log_y"))
    return Axis(x), Axis(y), log_x, log_y


def _axis_name(axis: str) -> str:
    return Axis(axis).name(session.texts())


def _choose(clicked: list[Any]) -> None:
    keep(POINT, str(clicked[1]))


def percentiles_card(measurements: Sequence[Measurement], slo: Slo) -> None:
    """One latency's percentiles over the loads."""
    t = session.texts()
    with st.container(border=True, gap="small", height="stretch"):
        st.subheader(t("page.run.percentiles"), anchor=False)
        metric = url_select("metric", t("page.run.x_axis"), METRICS, "ttft", _metric_name, t("help.latency"))
        alt = f"{t('page.run.percentiles')}: {_metric_name(metric)}"
        chart(
            percentiles_by_load(measurements, metric, t, slo_ms=dict(slo.limits_ms).get(f"{metric}_ms")),
            key="run_percentiles",
            alt=alt,
            file=f"{metric}",
            on_click=_choose,
        )


def _metric_name(metric: str) -> str:
    return session.texts()(f"metric.{metric}")


def choose_point(measurements: Sequence[Measurement]) -> int | None:
    """The point whose requests are to be seen, by keyboard as well as by a click on the chart."""
    t = session.texts()
    loads = {group[0].point_index: load_words(group[0], t) for group in by_point(measurements)}
    wanted = url_number(POINT)
    shown = wanted if wanted in loads else None
    key = f"run_point_{shown}"  # it mirrors the address; see workload_form.py
    return st.pills(
        t("page.run.point"),
        list(loads),
        default=shown,
        key=key,
        format_func=lambda index: loads[index],
        help=t("page.run.point_help"),
        wrap=True,
        on_change=_choose_pill,
        args=(key, shown),
    )


def _choose_pill(key: str, shown: int | None) -> None:
    index = st.session_state[key]
    if index != shown:
        keep(POINT, "" if index is None else str(index))
