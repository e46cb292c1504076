"""The form of a sweep: what is asked most on top, the rest folded. Every field has a place below it where the plan's
findings about it are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.domain.benchmark import MEASURING, BenchmarkRequest, Engine
from core.domain.finding import Finding
from core.domain.workload import Api, Arrival, LengthGrid, Preset
from ui import number_lists, session
from ui.components import workload_more
from ui.components.findings import field_findings
from ui.components.workload_fields import SESSION, follow, key, labels, value
from ui.workload_values import DEFAULTS, REQUESTS, TIME, grid_of, is_preset, values_of, workload_of

COMMON_LOADS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FIELDS = (
    *("input_tokens", "output_tokens", "concurrency", "rate_per_s", "requests", "duration_s", "api", "engine"),
    *workload_more.FIELDS,
)
_SEGMENTS: dict[str, Sequence[Any]] = {
    "api": tuple(Api),
    "engine": MEASURING,
    "arrival": (Arrival.CLOSED, Arrival.POISSON, Arrival.CONSTANT),
}


def prepare(presets: tuple[Preset, ...]) -> None:
    """Before anything is drawn: what was typed before, else the first workload that takes minutes."""
    for field, default in (*DEFAULTS.items(), ("api", Api.COMPLETIONS), ("engine", Engine.SEATRIAL)):
        st.session_state.setdefault(key(field), default)
    if key("input_tokens") not in st.session_state and presets:
        fill(next((preset for preset in presets if preset.key == "quick"), presets[0]))


def fill(preset: Preset) -> None:
    """Puts a preset into the fields."""
    for field, found in values_of(preset).items():
        st.session_state[key(field)] = found


def values() -> dict[str, Any]:
    """Everything that stands in the fields."""
    fields = (*DEFAULTS, "input_tokens", "output_tokens", "concurrency", "requests", "api", "engine")
    return {field: value(field) for field in fields}


def read(endpoint_id: str) -> BenchmarkRequest | Finding:
    """What the fields ask for, or what cannot be read of them."""
    workload = workload_of(values())
    if isinstance(workload, Finding):
        return workload
    return BenchmarkRequest(endpoint_id, workload, value("engine"), value("note"), value("seed"))


def read_grid() -> LengthGrid | Finding | None:
    """Several lengths at once, where they are asked for."""
    return grid_of(values())


def draw(presets: tuple[Preset, ...]) -> dict[str, Any]:
    """The fields; gives the place below each of them."""
    _presets(presets)
    places = _lengths()
    places |= _load()
    places |= _end()
    left, right = st.columns(2)
    with left:
        places |= _segmented("api")
    with right:
        places |= _segmented("engine")
    return places | workload_more.draw()


def place_findings(places: dict[str, Any], found: Iterable[Finding]) -> None:
    """Each below its field."""
    findings = tuple(found)
    for field, place in places.items():
        with place:
            field_findings(findings, *(("concurrency", "rate_per_s") if field == "concurrency" else (field,)))


# ---------------------------------------------------------------- the fields on top

# The pills below only mirror other fields. Somebody who types fast is ahead of the server, and the browser then sends
# what the pills showed before: their key names what they mirror, and a value that is no change changes nothing.


def _presets(presets: tuple[Preset, ...]) -> None:
    t, now = session.texts(), values()
    shown = next((preset.key for preset in presets if is_preset(preset, now)), None)
    pills = key(f"preset_{shown}")
    st.pills(
        t("page.benchmark.preset"),
        [preset.key for preset in presets],
        default=shown,
        key=pills,
        format_func=lambda name: t(f"preset.{name}"),
        help=t("page.benchmark.preset_help"),
        wrap=True,
        on_change=_take_preset,
        args=(presets, pills, shown),
    )
    if shown:
        st.caption(t("component.source", source=t(f"preset_source.{shown}")))


def _take_preset(presets: tuple[Preset, ...], pills: str, shown: str | None) -> None:
    chosen = st.session_state[pills]
    for preset in presets:
        if preset.key == chosen != shown:
            fill(preset)


def _lengths() -> dict[str, Any]:
    if value("dataset") is not None:
        return _number("output_tokens", "output_tokens")
    if value("lengths") == "grid":
        return _grid()
    left, right = st.columns(2)
    with left:
        places = _number("input_tokens", "input_tokens")
    with right:
        return places | _number("output_tokens", "output_tokens")


def _number(field: str, place: str) -> dict[str, Any]:
    st.number_input(**labels(field), min_value=1, step=1, **SESSION)
    return {place: st.container(gap="xxsmall")}


def _grid() -> dict[str, Any]:
    """A list of lengths each, and the rules by which pairs are left out."""
    places = {}
    for field, place in (("input_list", "input_tokens"), ("output_list", "output_tokens")):
        st.text_input(**labels(field), **SESSION)
        places[place] = st.container(gap="xxsmall")
    for column, field in zip(st.columns(3), ("max_input", "max_total", "shared_by"), strict=True):
        with column:
            st.number_input(**labels(field), value=None, min_value=1, step=1, placeholder="–", **SESSION)
    return places


def _load() -> dict[str, Any]:
    places = _segmented("arrival")
    if value("arrival") is Arrival.CLOSED:
        st.text_input(**labels("concurrency"), on_change=follow, **SESSION)
        places["concurrency"] = st.container(gap="xxsmall")
        _common_loads()
        return places
    left, right = st.columns([2, 1])
    with left:
        st.text_input(**labels("rate"), **SESSION)
    with right:
        st.number_input(**labels("cap"), value=None, min_value=1, step=1, placeholder="–", **SESSION)
    places["concurrency"] = st.container(gap="xxsmall")
    return places


def _end() -> dict[str, Any]:
    t = session.texts()
    left, right = st.columns([1, 2])
    with left:
        st.segmented_control(
            t("page.benchmark.ends"),
            (REQUESTS, TIME),
            key=key("ends"),
            required=True,
            format_func=lambda one: t(f"page.benchmark.ends_{one}"),
            help=t("page.benchmark.ends_help"),
            **SESSION,
        )
    with right:
        if value("ends") == TIME:
            st.number_input(**labels("duration_s"), min_value=1, step=10, **SESSION)
        else:
            st.text_input(**labels("requests"), **SESSION)
    return {"requests": st.container(gap="xxsmall"), "duration_s": st.container(gap="xxsmall")}


def _common_loads() -> None:
    t, loads = session.texts(), number_lists.read(value("concurrency")) or ()
    pills, shown = key(f"common_{number_lists.write(loads)}"), [load for load in COMMON_LOADS if load in loads]
    st.pills(
        t("page.benchmark.add_concurrency"),
        COMMON_LOADS,
        selection_mode="multi",
        default=shown,
        key=pills,
        on_change=_take_common,
        args=(pills, shown),
        label_visibility="collapsed",
    )


def _segmented(field: str) -> dict[str, Any]:
    st.segmented_control(
        **labels(field),
        options=_SEGMENTS[field],
        required=True,
        format_func=partial(_option, field),
        **SESSION,
    )
    return {field: st.container(gap="xxsmall")}


def _option(field: str, option: Api | Engine | Arrival) -> str:
    return session.texts()(f"page.benchmark.{field}_{option}")


def _take_common(pills: str, shown: list[int]) -> None:
    """A common load was switched on or off; what was typed beside them stays."""
    chosen = st.session_state[pills]
    if sorted(chosen) == shown:
        return
    typed = number_lists.read(value("concurrency")) or ()
    wanted = {*chosen, *(load for load in typed if load not in COMMON_LOADS)}
    st.session_state[key("concurrency")] = number_lists.write(sorted(wanted))
    follow()
