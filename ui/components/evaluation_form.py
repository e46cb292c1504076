"""The form of an evaluation. Every field has a place below it where the plan's findings about it are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from core.domain.endpoint import Endpoint
from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    EvaluationPreset,
    EvaluationRequest,
    Hub,
    Limit,
    Sampling,
    SamplingPreset,
)
from core.domain.finding import Finding
from ui import session
from ui.components.dataset_choice import LIMIT_KINDS, choose_each, choose_limit, datasets_field
from ui.components.findings import field_findings

FIELDS = ("datasets", "limit", "sampling", "temperature", "top_p", "max_tokens", "batch_size", "repeats")
"""Those with a place for findings; what lies in a closed expander is told beside the plan."""
_NUMBERS: Mapping[str, tuple[float, float]] = {  # step and greatest value
    "temperature": (0.1, 2.0),
    "top_p": (0.05, 1.0),
    "top_k": (1, 1000),
    "min_p": (0.01, 1.0),
    "presence_penalty": (0.1, 2.0),
    "repetition_penalty": (0.05, 2.0),
}
_ALWAYS = ("temperature", "top_p", "top_k")
_OWN = "own"
_THINKING: Mapping[str, bool | None] = {"default": None, "on": True, "off": False}


def key_of(field: str) -> str:
    """A field's widget."""
    return f"eval_{field}"


def value_of(field: str) -> Any:
    """What stands in it."""
    return st.session_state[key_of(field)]


# ---------------------------------------------------------------- filling


def prepare(endpoint: Endpoint) -> None:
    """Before anything is drawn: what was typed before, else the quick look. Another endpoint brings its own sampling
    and lengths."""
    if key_of("datasets") not in st.session_state:
        fill(session.app().evaluations.defaults(endpoint.id, "quick"))
        st.session_state[key_of("preset")] = "quick"
    elif st.session_state.get(key_of("endpoint_before")) != endpoint.id:
        _fill_model(session.app().evaluations.defaults(endpoint.id, st.session_state.get(key_of("preset"))))
    st.session_state[key_of("endpoint_before")] = endpoint.id


def fill(request: EvaluationRequest) -> None:
    """Puts a request into the fields."""
    kind = "count" if request.limit.count is not None else "share" if request.limit.share is not None else "all"
    values = {
        "datasets": [choice.key for choice in request.datasets],
        "limit_kind": kind,
        "count": request.limit.count or 10,
        "percent": round((request.limit.share or 0.1) * 100, 2),
        "repeats": request.repeats,
    }
    for choice in request.datasets:
        values[f"subsets_{choice.key}"] = list(choice.subsets)
    for field, value in values.items():
        st.session_state[key_of(field)] = value
    _fill_model(request)


def _fill_model(request: EvaluationRequest) -> None:
    _fill_sampling(request.sampling)
    st.session_state[key_of("max_tokens")] = request.max_tokens
    st.session_state[key_of("batch_size")] = request.batch_size
    st.session_state[key_of("thinking_key")] = request.thinking_key


def _fill_sampling(sampling: Sampling) -> None:
    st.session_state[key_of("sampling")] = sampling.preset or _OWN
    for name in _NUMBERS:
        st.session_state[key_of(name)] = getattr(sampling, name)


# ---------------------------------------------------------------- drawing


def draw(
    endpoint: Endpoint,
    presets: Sequence[EvaluationPreset],
    sampling: Sequence[SamplingPreset],
    known: Mapping[str, Dataset],
    here: frozenset[str],
    judges: Sequence[Endpoint],
) -> dict[str, Any]:
    """The fields; gives the place below each of them."""
    places: dict[str, Any] = {}
    _presets(endpoint, presets)
    datasets_field(key_of("datasets"), known, here)
    places["datasets"] = st.container(gap="xxsmall")
    choose_each([known[key] for key in value_of("datasets") if key in known], key_of)
    choose_limit(key_of)
    places["limit"] = st.container(gap="xxsmall")
    places |= _sampling(sampling)
    places |= _sizes()
    with st.expander(session.texts()("page.accuracy.more")):
        _more(judges)
    return places


def _presets(endpoint: Endpoint, presets: Sequence[EvaluationPreset]) -> None:
    t = session.texts()
    chosen = st.session_state.setdefault(key_of("preset"), None)
    if not any(preset.key == chosen and _is_shown(preset) for preset in presets):
        st.session_state[key_of("preset")] = None  # something was changed by hand
    st.pills(
        t("page.accuracy.preset"),
        [preset.key for preset in presets],
        key=key_of("preset"),
        format_func=lambda name: t(f"eval_preset.{name}"),
        help=t("page.accuracy.preset_help"),
        wrap=True,
        on_change=_take_preset,
        args=(endpoint.id,),
        persist_state="session",
    )
    chosen = value_of("preset")
    if chosen:
        source = next((preset.source for preset in presets if preset.key == chosen), None)
        st.caption(t(f"eval_preset.{chosen}_help"), help=t("component.source", source=source) if source else None)


def _is_shown(preset: EvaluationPreset) -> bool:
    """Whether datasets, their parts and the limit still are the preset's."""
    parts = {choice.key: list(choice.subsets) for choice in preset.datasets}
    shown = {key: list(st.session_state.get(key_of(f"subsets_{key}")) or []) for key in value_of("datasets")}
    return shown == parts and _limit() == preset.limit


def _take_preset(endpoint_id: str) -> None:
    if chosen := value_of("preset"):
        fill(session.app().evaluations.defaults(endpoint_id, chosen))


def _sampling(presets: Sequence[SamplingPreset]) -> dict[str, Any]:
    t, names = session.texts(), {preset.key: preset.name for preset in presets}
    places: dict[str, Any] = {}
    st.selectbox(
        t("page.accuracy.sampling"),
        [*names, _OWN],
        key=key_of("sampling"),
        format_func=lambda key: (
            t(f"page.accuracy.sampling_{key}") if t.has(f"page.accuracy.sampling_{key}") else names[key]
        ),
        help=t("page.accuracy.sampling_help"),
        on_change=_take_sampling,
        args=(presets,),
        persist_state="session",
    )
    _numbers(_ALWAYS)
    for field in ("sampling", "temperature", "top_p"):
        places[field] = st.container(gap="xxsmall")
    return places


def _numbers(names: Sequence[str]) -> None:
    """Empty leaves a value to the server."""
    for column, name in zip(st.columns(len(names)), names, strict=True):
        step, most = _NUMBERS[name]
        with column:
            st.number_input(
                **_labels(name),
                min_value=type(step)(-2 if name == "presence_penalty" else 0),
                max_value=type(step)(most),
                value=None,
                step=step,
                on_change=_own_sampling,
                persist_state="session",
            )


def _take_sampling(presets: Sequence[SamplingPreset]) -> None:
    for preset in presets:
        if preset.key == value_of("sampling"):
            _fill_sampling(preset.sampling)


def _own_sampling() -> None:
    """A value was changed by hand: it is nobody's preset any more."""
    st.session_state[key_of("sampling")] = _OWN


def _sizes() -> dict[str, Any]:
    places: dict[str, Any] = {}
    sizes = ("max_tokens", "batch_size", "repeats")
    for column, field in zip(st.columns(3), sizes, strict=True):
        with column:
            st.number_input(**_labels(field), min_value=1, step=1, persist_state="session")
    for field in sizes:
        places[field] = st.container(gap="xxsmall")
    t = session.texts()
    st.session_state.setdefault(key_of("thinking"), "default")
    st.segmented_control(
        t("page.accuracy.thinking"),
        list(_THINKING),
        key=key_of("thinking"),
        required=True,
        format_func=lambda name: t(f"page.accuracy.thinking_{name}"),
        help=t("page.accuracy.thinking_help"),
        persist_state="session",
    )
    return places


def _more(judges: Sequence[Endpoint]) -> None:
    t, names = session.texts(), {judge.id: judge.name for judge in judges}
    _numbers([name for name in _NUMBERS if name not in _ALWAYS])
    defaults = {"judge": None, "sandbox": False, "hub": Hub.MODELSCOPE, "timeout_s": 600, "seed": 42, "stream": True}
    for field, value in {**defaults, "note": ""}.items():
        st.session_state.setdefault(key_of(field), value)
    st.selectbox(
        **_labels("judge"),
        options=[None, *names],
        format_func=lambda key: names.get(key or "", t("page.accuracy.judge_none")),
        persist_state="session",
    )
    st.toggle(**_labels("sandbox"), persist_state="session")
    left, right, last = st.columns(3)
    with left:
        st.selectbox(
            **_labels("hub"), options=list(Hub), format_func=lambda hub: str(hub.label), persist_state="session"
        )
    for column, field in ((right, "timeout_s"), (last, "seed")):
        with column:
            st.number_input(**_labels(field), min_value=0 if field == "seed" else 1, step=1, persist_state="session")
    st.toggle(**_labels("stream"), persist_state="session")
    st.text_input(**_labels("note"), persist_state="session")


def _labels(field: str) -> dict[str, Any]:
    t, name = session.texts(), field.removesuffix("_s")
    return {"label": t(f"page.accuracy.{name}"), "key": key_of(field), "help": t(f"page.accuracy.{name}_help")}


# ---------------------------------------------------------------- reading


def read(endpoint_id: str, known: Mapping[str, Dataset]) -> EvaluationRequest:
    """What the fields ask for."""
    preset = value_of("sampling")
    return EvaluationRequest(
        endpoint_id=endpoint_id,
        datasets=tuple(_choice(key, known.get(key)) for key in value_of("datasets")),
        limit=_limit(),
        repeats=value_of("repeats"),
        sampling=Sampling(
            **{name: value_of(name) for name in _NUMBERS}, preset=None if preset == _OWN else str(preset)
        ),
        max_tokens=value_of("max_tokens"),
        batch_size=value_of("batch_size"),
        timeout_s=float(value_of("timeout_s")),
        stream=value_of("stream"),
        seed=value_of("seed"),
        thinking=_THINKING[value_of("thinking")],
        thinking_key=st.session_state.get(key_of("thinking_key")) or _default("thinking_key"),
        judge_endpoint_id=value_of("judge"),
        sandbox=value_of("sandbox"),
        hub=Hub(value_of("hub")),
        note=value_of("note"),
    )


def _choice(key: str, dataset: Dataset | None) -> DatasetChoice:
    state = st.session_state
    folder = str(state.get(key_of(f"folder_{key}")) or "").strip()
    return DatasetChoice(
        key,
        subsets=tuple(state.get(key_of(f"subsets_{key}")) or ()),
        few_shot=state.get(key_of(f"shots_{key}")) if dataset and not dataset.is_offline else None,
        local_path=folder or None,
    )


def _limit() -> Limit:
    """Two widgets, so that a count is never a share, nor 100 % a single sample."""
    kind = value_of("limit_kind")
    if kind == LIMIT_KINDS[1]:
        return Limit(count=int(value_of("count")))
    return Limit(share=value_of("percent") / 100) if kind == LIMIT_KINDS[2] else Limit()


def _default(name: str) -> Any:
    return next(field.default for field in fields(EvaluationRequest) if field.name == name)


def place_findings(places: dict[str, Any], found: Iterable[Finding]) -> None:
    """Each below its field."""
    findings = tuple(found)
    for field, place in places.items():
        with place:
            field_findings(findings, field)
