"""The form of a sweep. Every field has a place below it where the plan's findings about it are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.finding import Finding, Severity
from core.domain.workload import Api, LoadPoint, Preset, Workload
from ui import number_lists, session
from ui.components.findings import field_findings

COMMON_LOADS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
FIELDS = ("input_tokens", "output_tokens", "concurrency", "requests", "warmup", "repeats", "api", "engine", "timeout_s")
_DEFAULT_TIMEOUT_S = 600


def _key(field: str) -> str:
    return f"bench_{field}"


def _value(field: str) -> Any:
    return st.session_state[_key(field)]


def prepare(presets: tuple[Preset, ...]) -> None:
    """Before anything is drawn: what was typed before, else the first workload that takes minutes."""
    if _key("input_tokens") not in st.session_state and presets:
        quick = next((preset for preset in presets if preset.key == "quick"), presets[0])
        fill(quick.workload)


def fill(workload: Workload) -> None:
    """Puts a workload into the fields."""
    loads = [point.concurrency or 1 for point in workload.points]
    requests = [point.requests or 1 for point in workload.points]
    values = {
        "input_tokens": workload.input_tokens,
        "output_tokens": workload.output_tokens,
        "concurrency": number_lists.write(loads),
        "requests": number_lists.write(requests[:1] if len(set(requests)) == 1 else requests),
        "loads_before": loads,
    }
    for field, value in values.items():
        st.session_state[_key(field)] = value


def _is_shown(workload: Workload) -> bool:
    lengths = (workload.input_tokens, workload.output_tokens) == (_value("input_tokens"), _value("output_tokens"))
    loads, requests = number_lists.read(_value("concurrency")), number_lists.read(_value("requests"))
    if not lengths or loads is None or requests is None:
        return False
    wanted = tuple((point.concurrency, point.requests) for point in workload.points)
    spread = number_lists.spread(requests, len(loads))
    return spread is not None and tuple(zip(loads, spread, strict=True)) == wanted


def draw(presets: tuple[Preset, ...]) -> dict[str, Any]:
    """The fields; gives the place below each of them."""
    t, places = session.texts(), dict[str, Any]()
    _presets(presets)
    left, right = st.columns(2)
    for column, field in ((left, "input_tokens"), (right, "output_tokens")):
        with column:
            st.number_input(**_labels(field), min_value=1, step=1, persist_state="session")
            places[field] = st.container(gap="xxsmall")
    st.text_input(**_labels("concurrency"), on_change=_follow, persist_state="session")
    places["concurrency"] = st.container(gap="xxsmall")
    _common_loads()
    st.text_input(**_labels("requests"), persist_state="session")
    places["requests"] = st.container(gap="xxsmall")
    places |= _choices()
    with st.expander(t("page.benchmark.more")):
        places |= _more()
    return places


# The pills below only mirror other fields. Somebody who types fast is ahead of the server, and the browser then sends
# what the pills showed before: their key names what they mirror, and a value that is no change changes nothing.


def _presets(presets: tuple[Preset, ...]) -> None:
    t, shown = session.texts(), next((preset.key for preset in presets if _is_shown(preset.workload)), None)
    key = _key(f"preset_{shown}")
    st.pills(
        t("page.benchmark.preset"),
        [preset.key for preset in presets],
        default=shown,
        key=key,
        format_func=lambda name: t(f"preset.{name}"),
        help=t("page.benchmark.preset_help"),
        wrap=True,
        on_change=_take_preset,
        args=(presets, key, shown),
    )


def _common_loads() -> None:
    t, loads = session.texts(), number_lists.read(_value("concurrency")) or ()
    key, shown = _key(f"common_{number_lists.write(loads)}"), [load for load in COMMON_LOADS if load in loads]
    st.pills(
        t("page.benchmark.add_concurrency"),
        COMMON_LOADS,
        selection_mode="multi",
        default=shown,
        key=key,
        on_change=_take_common,
        args=(key, shown),
        label_visibility="collapsed",
    )


def _labels(field: str) -> dict[str, Any]:
    t = session.texts()
    name = field.removesuffix("_s")
    return {
        "label": t(f"page.benchmark.{name}"),
        "key": _key(field),
        "help": t(f"page.benchmark.{name}_help"),
    }


def _choices() -> dict[str, Any]:
    left, right = st.columns(2)
    with left:
        places = _segmented("api", list(Api))
    with right:
        return places | _segmented("engine", list(Engine))


def _segmented(field: str, options: Sequence[Api | Engine]) -> dict[str, Any]:
    t = session.texts()
    st.session_state.setdefault(_key(field), options[0])
    st.segmented_control(
        t(f"page.benchmark.{field}"),
        options,
        key=_key(field),
        required=True,
        format_func=partial(_option, field),
        help=t(f"page.benchmark.{field}_help"),
        persist_state="session",
    )
    return {field: st.container(gap="xxsmall")}


def _option(field: str, option: Api | Engine) -> str:
    return session.texts()(f"page.benchmark.{field}_{option}")


def _more() -> dict[str, Any]:
    places: dict[str, Any] = {}
    fields = (("warmup", 1, 0), ("repeats", 1, 1), ("timeout_s", _DEFAULT_TIMEOUT_S, 1))
    for column, (field, default, least) in zip(st.columns(3), fields, strict=True):
        st.session_state.setdefault(_key(field), default)
        with column:
            st.number_input(**_labels(field), min_value=least, step=1, persist_state="session")
            places[field] = st.container(gap="xxsmall")
    st.text_input(**_labels("note"), persist_state="session")
    return places


def read(endpoint_id: str) -> BenchmarkRequest | Finding:
    """What the fields ask for, or what cannot be read of them."""
    loads, requests = number_lists.read(_value("concurrency")), number_lists.read(_value("requests"))
    if loads is None:
        return Finding("load_list_bad", Severity.BLOCK, "concurrency")
    counts = number_lists.spread(requests or (), len(loads))
    if counts is None:
        return Finding("requests_list_bad", Severity.BLOCK, "requests", {"count": len(loads)})
    points = tuple(
        LoadPoint(index, concurrency=load, requests=count, warmup=_value("warmup"))
        for index, (load, count) in enumerate(zip(loads, counts, strict=True))
    )
    workload = Workload(
        input_tokens=_value("input_tokens"),
        output_tokens=_value("output_tokens"),
        points=points,
        api=_value("api"),
        repeats=_value("repeats"),
        timeout_s=float(_value("timeout_s")),
    )
    return BenchmarkRequest(endpoint_id, workload, _value("engine"), _value("note"))


def place_findings(places: dict[str, Any], found: Iterable[Finding]) -> None:
    """Each below its field."""
    findings = tuple(found)
    for field, place in places.items():
        with place:
            field_findings(findings, field)


def _take_preset(presets: tuple[Preset, ...], key: str, shown: str | None) -> None:
    chosen = st.session_state[key]
    for preset in presets:
        if preset.key == chosen != shown:
            fill(preset.workload)


def _take_common(key: str, shown: list[int]) -> None:
    """A common load was switched on or off; what was typed beside them stays."""
    chosen = st.session_state[key]
    if sorted(chosen) == shown:
        return
    typed = number_lists.read(_value("concurrency")) or ()
    wanted = {*chosen, *(load for load in typed if load not in COMMON_LOADS)}
    st.session_state[_key("concurrency")] = number_lists.write(sorted(wanted))
    _follow()


def _follow() -> None:
    """The loads have changed: the requests go with them."""
    loads, requests = number_lists.read(_value("concurrency")), number_lists.read(_value("requests"))
    if loads is None:
        return
    if requests is not None:
        before = st.session_state.get(_key("loads_before"), ())
        st.session_state[_key("requests")] = number_lists.write(number_lists.realigned(before, requests, loads))
    st.session_state[_key("loads_before")] = list(loads)
