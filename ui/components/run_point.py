"""One load point in full: its requests one by one, its steady state, how well the measuring side kept up."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

import streamlit as st

from core.domain.benchmark import Measurement, requests_artifact
from core.services.results import RequestRow, RunDetail
from render.charts import cumulative, load_words, point_over_time, spread
from render.charts.requests import GAPS, histogram, shares
from render.client_words import client_lines
from render.texts import Texts
from ui import session
from ui.components.chart import chart
from ui.components.run_requests import requests_table
from ui.components.url_state import url_segments, url_select

_DRAWN_BYTES = 32 * 1024 * 1024
_METRICS = ("ttft", "tpot", "itl", "e2el")
_SHAPES = {"spread": spread, "cumulative": cumulative}
_MTP = "mtp_acceptance_share"
_SHARES = ("prefix_cache_hit_share", "kv_cache_usage_max", _MTP)
_COUNTS = ("requests_running_mean", "requests_waiting_max", "preemptions")


def point_details(detail: RunDetail, point: int) -> None:
    """The point's repeats to choose from, then the chosen one."""
    repeats = [measurement for measurement in detail.measurements if measurement.point_index == point]
    if not repeats:
        return
    t = session.texts()
    with st.container(border=True, gap="small"):
        st.subheader(t("page.run.point_title", load=load_words(repeats[0], t)), anchor=False)
        left, right = st.columns(2)
        with left:
            metric = url_select("of", t("page.run.x_axis"), _METRICS, "ttft", lambda one: t(f"metric.{one}"))
        with right:
            measurement = _choose_repeat(repeats)
        _requests(detail, measurement, metric)
        _around(measurement, is_random=detail.run.workload.dataset is None)


def _choose_repeat(repeats: Sequence[Measurement]) -> Measurement:
    t, by_id = session.texts(), {str(measurement.repeat): measurement for measurement in repeats}
    if len(repeats) == 1:
        return repeats[0]
    chosen = url_select(
        "repeat",
        t("page.run.repeat"),
        list(by_id),
        next(iter(by_id)),
        lambda one: t("page.run.repeat_number", number=int(one) + 1),
    )
    return by_id[chosen]


def _requests(detail: RunDetail, measurement: Measurement, metric: str) -> None:
    t = session.texts()
    name = requests_artifact(measurement.point_index, measurement.repeat)
    stored = next((artifact for artifact in detail.artifacts if artifact.name == name), None)
    if stored is None:
        st.caption(t("page.run.no_records"))
        return
    if stored.size_bytes > _DRAWN_BYTES:
        st.caption(t("page.run.too_many_records", size=t.size(stored.size_bytes)))
        return
    rows = _rows(detail.run.id, measurement.point_index, measurement.repeat)
    _charts(detail, measurement, rows, metric)
    requests_table(rows)


def _charts(detail: RunDetail, measurement: Measurement, rows: Sequence[RequestRow], metric: str) -> None:
    """When each request was sent and what it took, beside how that is spread; of gaps both kinds of spread."""
    t = session.texts()
    left, right = st.columns(2)
    alt = f"{t('page.run.point_title', load=load_words(measurement, t))}: {t(f'metric.{metric}')}"
    if metric == GAPS:
        gaps = _gaps(detail.run.id, measurement.point_index, measurement.repeat)
        for place, name, draw in ((left, "spread", histogram), (right, "cumulative", shares)):
            with place:
                st.caption(t(f"page.run.{name}"))
                chart(draw(gaps, metric, t), key=f"point_gaps_{name}", alt=f"{alt}, {t(f'page.run.{name}')}")
        return
    with left:
        st.caption(t("page.run.over_time"))
        looks = _looks(detail, measurement)
        chart(point_over_time(rows, looks, metric, t), key="point_time", alt=f"{alt}, {t('page.run.over_time')}")
    with right:
        shape = url_segments("shape", t("page.run.shape"), tuple(_SHAPES), "spread", lambda one: t(f"page.run.{one}"))
        chart(_SHAPES[shape](rows, metric, t), key=f"point_{shape}", alt=f"{alt}, {t(f'page.run.{shape}')}")


def _looks(detail: RunDetail, measurement: Measurement) -> tuple[Mapping[str, float], ...]:
    return session.app().results.server_looks(detail, measurement.point_index, measurement.repeat)


@st.cache_resource(max_entries=4, show_spinner=False)
def _rows(run_id: str, point: int, repeat: int) -> tuple[RequestRow, ...]:
    """A measured point never changes; a few are kept."""
    return session.app().results.requests(run_id, point, repeat, gaps=False)


@st.cache_resource(max_entries=4, show_spinner=False)
def _gaps(run_id: str, point: int, repeat: int) -> array[float]:
    return session.app().results.gaps(run_id, point, repeat)


def _around(measurement: Measurement, *, is_random: bool) -> None:
    t, steady, client = session.texts(), measurement.steady, measurement.client
    if facts := _server_facts(measurement.server_metrics or {}, t):
        st.caption(t("page.run.server", facts=t("answer.listed").join(facts)))
        if is_random and _MTP in (measurement.server_metrics or {}):
            st.caption(t("server.mtp_random"))
    if steady:
        rate = t.tokens_per_s(steady.output_tokens_per_s)
        st.caption(t("page.run.steady", rate=rate, duration=t.duration(steady.duration_s)))
    for line in client_lines(client, t) if client else ():
        st.caption(line)


def _server_facts(told: Mapping[str, float], t: Texts) -> list[str]:
    """What the server counted meanwhile, as far as it tells."""
    shares = [t(f"server.{name}", value=t.percent(told[name])) for name in _SHARES if name in told]
    return shares + [t(f"server.{name}", value=t.number(told[name])) for name in _COUNTS if name in told]
