"""The history's filters. They live in the address, so that a list can be sent as a link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import streamlit as st

from core.domain.history import Facet, FacetValue, RunFilter, Shelf
from ui import session
from ui.components.url_state import keep
from ui.markdown import plain

PARAMS = {
    Facet.MODEL: "model",
    Facet.VERSION: "version",
    Facet.KIND: "kind",
    Facet.WORKLOAD: "workload",
    Facet.PLATFORM: "platform",
    Facet.PROFILE: "profile",
    Facet.IMAGE: "image",
    Facet.ENGINE: "engine",
    Facet.TAG: "tag",
    Facet.PERSON: "person",
}
"""A facet's name in the address."""
SINCE, UNTIL, WORDS, SHELF, VIEW = "since", "until", "q", "shelf", "view"
_WORDS_OF = {Facet.KIND: "run_kind.", Facet.ENGINE: "page.benchmark.engine_"}
_STATE = (*PARAMS.values(), SINCE, UNTIL, WORDS, SHELF)
Choices = Mapping[Facet, Sequence[FacetValue]]


def run_filter(run_ids: tuple[str, ...] | None = None) -> RunFilter:
    """What the address asks for; ``run_ids`` of a frozen view narrow it."""
    asked = st.query_params
    shelf = asked.get(SHELF, "")
    last = _day(asked.get(UNTIL, ""))
    return RunFilter(
        facets={facet: asked[param] for facet, param in PARAMS.items() if asked.get(param)},
        since=_day(asked.get(SINCE, "")),
        until=last + timedelta(days=1) if last else None,
        text=_words(),
        shelf=Shelf(shelf) if shelf in set(Shelf) else Shelf.ALL if run_ids is not None else Shelf.CURRENT,
        run_ids=run_ids,
    )


def filter_state() -> dict[str, str]:
    """The address's filters, for a view to keep."""
    told = {param: st.query_params[param] for param in _STATE if param != WORDS and st.query_params.get(param)}
    return told | ({WORDS: _words()} if _words() else {})


def _words() -> str:
    """Of the search field, which is bound to the address."""
    return str(st.session_state.get(WORDS) or "").strip()


def first_page() -> None:
    """Another list begins at its beginning."""
    st.session_state.pop("runs_page", None)


def clear_filters() -> None:
    """Everything again."""
    for param in {*_STATE, VIEW} - {WORDS}:
        st.query_params.pop(param, None)
    st.session_state[WORDS] = ""
    first_page()


def filter_popover(choices: Choices) -> None:
    """Every filter; drawn only while it is open, since a long history has many choices."""
    t = session.texts()
    count = len(filter_state().keys() - {WORDS})
    label = t("page.runs.filters_some", count=count) if count else t("page.runs.filters")
    popover = st.popover(label, icon=":material/filter_list:", on_change="rerun", key="runs_filters")
    if not popover.open:
        return
    with popover:
        left, right = st.columns(2, gap="small")
        for place, facet in enumerate(facet for facet in PARAMS if choices.get(facet)):
            with (left, right)[place % 2]:
                _facet_select(facet, choices[facet])
        with left:
            _day_input(SINCE)
        with right:
            _day_input(UNTIL)
        _shelf_choice()


def filter_chips(choices: Choices) -> None:
    """What the list is narrowed to; a click takes one away."""
    t = session.texts()
    said = {param: _said(param, value, choices) for param, value in filter_state().items() if param != WORDS}
    if not said:
        return
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for param, words in said.items():
            st.button(
                plain(words),
                key=f"drop_{param}",
                icon=":material/close:",
                help=t("page.runs.drop_filter"),
                on_click=_set,
                args=(param, ""),
            )
        st.button(t("page.runs.clear"), key="runs_clear", type="tertiary", on_click=clear_filters)


def facet_label(facet: Facet, value: str, choices: Choices) -> str:
    """A value as a person reads it."""
    t = session.texts()
    key = f"{_WORDS_OF.get(facet, '')}{value}"
    if facet in _WORDS_OF and t.has(key):
        return t(key)
    return next((choice.label for choice in choices.get(facet, ()) if choice.value == value), value)


def _said(param: str, value: str, choices: Choices) -> str:
    t = session.texts()
    facet = next((facet for facet, name in PARAMS.items() if name == param), None)
    if facet is not None:
        return t("page.runs.chip", name=t(f"facet.{param}"), value=facet_label(facet, value, choices))
    if param == SHELF:
        return t(f"shelf.{value}") if t.has(f"shelf.{value}") else value
    return t("page.runs.chip", name=t(f"facet.{param}"), value=value)


def _facet_select(facet: Facet, options: Sequence[FacetValue]) -> None:
    t, param = session.texts(), PARAMS[facet]
    current = st.query_params.get(param)
    values = [option.value for option in options]
    key = f"filter_{param}_{current}"  # it mirrors the address; see workload_form.py
    st.selectbox(
        t(f"facet.{param}"),
        values,
        index=values.index(current) if current in values else None,
        key=key,
        format_func=lambda value: facet_label(facet, value, {facet: options}),
        placeholder=t("page.runs.any"),
        on_change=lambda: _set(param, st.session_state[key] or ""),
    )


def _day_input(param: str) -> None:
    t, current = session.texts(), st.query_params.get(param, "")
    key = f"filter_{param}_{current}"
    st.date_input(
        t(f"facet.{param}"),
        value=_date(current),
        key=key,
        format="YYYY-MM-DD",
        on_change=lambda: _set(param, st.session_state[key].isoformat() if st.session_state[key] else ""),
    )


def _shelf_choice() -> None:
    t = session.texts()
    shown = st.query_params.get(SHELF, Shelf.CURRENT.value)
    key = f"filter_shelf_{shown}"
    st.segmented_control(
        t("facet.shelf"),
        [shelf.value for shelf in Shelf],
        default=shown if shown in set(Shelf) else Shelf.CURRENT.value,
        key=key,
        format_func=lambda value: t(f"shelf.{value}"),
        required=True,
        on_change=lambda: _set(SHELF, st.session_state[key], Shelf.CURRENT.value),
    )


def _set(param: str, value: str, default: str = "") -> None:
    keep(param, value, default)
    first_page()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _day(text: str) -> datetime | None:
    """Its first moment, where the reader is."""
    found = _date(text)
    return datetime(found.year, found.month, found.day, tzinfo=session.texts().zone) if found else None
