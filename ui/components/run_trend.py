"""The history over time, with what happened beside it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import streamlit as st

from core.domain.access import Role
from core.domain.history import Annotation, Facet, RunFilter, Trend, TrendFigure
from render.charts.trends import trend_chart
from ui import session
from ui.act import act, tell
from ui.components.cards import empty_state
from ui.components.chart import chart
from ui.components.links import go
from ui.components.url_state import url_select
from ui.markdown import plain

_BEST = "best"


def trend_card(where: RunFilter) -> None:
    """One figure of the filtered runs over time; a click opens the run."""
    t = session.texts()
    with st.container(horizontal=True, gap="small"):
        options = [figure.value for figure in TrendFigure]
        chosen = url_select("figure", t("page.runs.figure"), options, options[0], _name, width=260)
        trend = session.app().history.trend(where, TrendFigure(chosen), _load())
        _load_select(trend)
    if not trend.points:
        empty_state(t("page.runs.trend_none"), icon=":material/timeline:")
    else:
        alt = t("page.runs.trend_alt", figure=_name(chosen), count=len(trend.points))
        chart(trend_chart(trend, t), key="runs_trend", alt=alt, file="trend", on_click=_open)
        st.caption(" ".join(_hints(trend, where)))
    if opened := st.session_state.pop("runs_open", None):
        go("run", id=opened)
    _events(trend, where)


def _name(figure: str) -> str:
    return session.texts()(f"trend.{figure}")


def _load() -> int | None:
    wanted = st.query_params.get("load", "")
    return int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 7 else None


def _load_select(trend: Trend) -> None:
    t = session.texts()
    loads = [str(load) for load in sorted({*trend.loads, *([trend.concurrency] if trend.concurrency else [])})]
    if not loads:
        return
    before = str(trend.concurrency or _BEST)
    chosen = url_select("load", t("page.runs.trend_load"), [_BEST, *loads], _BEST, _load_words, width=260)
    if chosen != before:
        st.rerun()


def _load_words(load: str) -> str:
    t = session.texts()
    return t("page.runs.trend_best") if load == _BEST else t("chart.at_concurrency", concurrency=t.number(int(load)))


def _hints(trend: Trend, where: RunFilter) -> list[str]:
    t = session.texts()
    hints = [t("page.runs.trend_hint")]
    if not {Facet.MODEL, Facet.WORKLOAD} <= where.facets.keys():
        hints.append(t("page.runs.trend_mixed"))
    if trend.is_daily:
        hints.append(t("page.runs.trend_daily"))
    if trend.is_cut:
        hints.append(t("page.runs.trend_cut"))
    return hints


def _open(clicked: list[Any]) -> None:
    st.session_state["runs_open"] = str(clicked[0])


def _events(trend: Trend, where: RunFilter) -> None:
    """What happened when: a list, and a form for those who may."""
    t = session.texts()
    operator = session.may(Role.OPERATOR)
    if not trend.annotations and not operator:
        return
    label = t("page.runs.events", count=len(trend.annotations))
    with st.expander(label, icon=":material/flag:", expanded=False):
        for annotation in reversed(trend.annotations):
            _event(annotation, operator)
        if operator:
            _event_form(where.facets.get(Facet.MODEL))


def _event(annotation: Annotation, operator: bool) -> None:
    t = session.texts()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        about = annotation.model or t("page.runs.event_all")
        st.markdown(f"**{plain(annotation.text)}**", width="content")
        st.caption(plain(f"{t.when(annotation.at)} · {about} · {annotation.created_by}"), width="content")
        if operator:
            st.space("stretch")
            away = st.button(
                "",
                key=f"event_away_{annotation.id}",
                icon=":material/close:",
                type="tertiary",
                help=t("page.runs.event_away"),
            )
            if away and act(session.app().history.put_annotation_away, session.actor(), annotation.id):
                st.rerun()


def _event_form(model: str | None) -> None:
    t = session.texts()
    with st.form("runs_event", border=False, clear_on_submit=True):
        left, middle, right = st.columns([4, 2, 2], vertical_alignment="bottom")
        text = left.text_input(t("page.runs.event_text"), key="runs_event_text", max_chars=200)
        day = middle.date_input(t("page.runs.event_day"), key="runs_event_day", format="YYYY-MM-DD")
        time = right.time_input(t("page.runs.event_time"), key="runs_event_time")
        only = bool(model) and st.checkbox(plain(t("page.runs.event_only", model=model)), key="runs_event_only")
        pressed = st.form_submit_button(t("page.runs.event_add"))
    if pressed:
        at = datetime.combine(day, time, tzinfo=t.zone)
        if act(session.app().history.annotate, session.actor(), at, text, model if only else None):
            tell(t("page.runs.event_added"))
            st.rerun()
