"""The folded parts of the benchmark form: prompts, when a sweep stops, sampling and the rest."""

from __future__ import annotations

from typing import Any

import streamlit as st

from ui import session
from ui.act import act, tell
from ui.components.workload_fields import SESSION, key, labels, value
from ui.markdown import plain
from ui.workload_values import DEFAULTS, EVEN, EXACT, NORMAL

_PROMPTS = ("varies", "prefix_share", "turns", "dataset", "lengths")
_STOPS = ("stop_at_peak", "stop_at_slo", "ttft_ms", "tpot_ms", "e2el_ms")
_SAMPLING = ("temperature", "top_p", "top_k")
_REST = ("warmup", "repeats", "timeout_s")
FIELDS = ("input_spread", "prefix_share", "turns", "dataset", "slo", *_SAMPLING, *_REST)
_PERCENTILES = (50, 90, 95, 99)


def draw() -> dict[str, Any]:
    """Three folded parts; gives the place below each field."""
    places: dict[str, Any] = {}
    for name, fields, body in (
        ("prompts", _PROMPTS, _prompts),
        ("stops", _STOPS, _stops),
        ("more", (*_SAMPLING, *_REST, "ignore_eos", "seed", "note"), _more),
    ):
        with st.expander(_title(name, fields), key=key(f"fold_{name}"), icon=_ICONS[name]):
            places |= body()
    return places


_ICONS = {"prompts": ":material/notes:", "stops": ":material/flag:", "more": ":material/tune:"}


def _title(name: str, fields: tuple[str, ...]) -> str:
    """With a word where something inside is not as usual, so that nothing is changed unseen."""
    t, title = session.texts(), session.texts()(f"page.benchmark.{name}")
    changed = sum(value(field) != DEFAULTS[field] for field in fields)
    return f"{title} :gray[· {t('page.benchmark.changed', count=changed)}]" if changed else title


# ---------------------------------------------------------------- prompts


def _prompts() -> dict[str, Any]:
    places = _file()
    if value("dataset") is not None:
        return places
    t = session.texts()
    st.segmented_control(
        **labels("lengths"),
        options=("one", "grid"),
        required=True,
        format_func=lambda one: t(f"page.benchmark.lengths_{one}"),
        **SESSION,
    )
    if value("lengths") == "one":
        _spread()
    places["input_spread"] = st.container(gap="xxsmall")
    left, right = st.columns(2)
    with left:
        st.slider(**labels("prefix_share"), min_value=0, max_value=95, step=5, format="%d %%", **SESSION)
        places["prefix_share"] = st.container(gap="xxsmall")
    with right:
        st.number_input(**labels("turns"), min_value=1, step=1, **SESSION)
        places["turns"] = st.container(gap="xxsmall")
    return places


def _spread() -> None:
    t = session.texts()
    st.segmented_control(
        **labels("varies"),
        options=(EXACT, EVEN, NORMAL),
        required=True,
        format_func=lambda one: t(f"page.benchmark.varies_{one}"),
        **SESSION,
    )
    if value("varies") == EXACT:
        return
    for column, field in zip(st.columns(2), ("input_share", "output_share"), strict=True):
        with column:
            st.slider(**labels(field), min_value=5, max_value=95, step=5, format="± %d %%", **SESSION)


def _file() -> dict[str, Any]:
    """A file of prompts, once it is read; else the place to give one."""
    t, dataset = session.texts(), value("dataset")
    if dataset is None:
        st.file_uploader(
            t("page.benchmark.dataset"),
            type=["json", "jsonl"],
            max_upload_size=64,
            key=key("upload"),
            help=t("page.benchmark.dataset_help"),
            on_change=_take_file,
        )
    else:
        with st.container(horizontal=True, vertical_alignment="center"):
            count = t.number(dataset.samples)
            st.markdown(t("page.benchmark.dataset_is", name=plain(dataset.name), samples=count))
            st.button(t("page.benchmark.dataset_drop"), key=key("drop"), icon=":material/close:", on_click=_drop_file)
    return {"dataset": st.container(gap="xxsmall")}


def _take_file() -> None:
    given = st.session_state[key("upload")]
    if given is None:
        return
    t, app = session.texts(), session.app()
    if kept := act(app.benchmarks.add_prompts, session.actor(), given.name, given):
        dataset, found = kept.value
        st.session_state[key("dataset")] = dataset
        if found.bad:
            lines = ", ".join(str(one.line) for one in found.bad[:5])
            tell(t("page.benchmark.dataset_left_out", count=len(found.bad), lines=lines))


def _drop_file() -> None:
    st.session_state[key("dataset")] = None


# ---------------------------------------------------------------- stops, and the rest


def _stops() -> dict[str, Any]:
    t = session.texts()
    st.toggle(**labels("stop_at_peak"), **SESSION)
    st.toggle(**labels("stop_at_slo"), **SESSION)
    st.caption(t("page.benchmark.slo_lead"))
    columns = st.columns(4)
    with columns[0]:
        st.selectbox(**labels("percentile"), options=_PERCENTILES, format_func=lambda one: f"p{one}", **SESSION)
    for column, field in zip(columns[1:], ("ttft_ms", "tpot_ms", "e2el_ms"), strict=True):
        with column:
            st.number_input(
                **labels(field), value=None, min_value=0.1, step=10.0, format="%g", placeholder="–", **SESSION
            )
    return {"slo": st.container(gap="xxsmall")}


def _more() -> dict[str, Any]:
    places: dict[str, Any] = {}
    for column, (field, least) in zip(st.columns(3), (("warmup", 0), ("repeats", 1), ("timeout_s", 1)), strict=True):
        with column:
            st.number_input(**labels(field), min_value=least, step=1, **SESSION)
            places[field] = st.container(gap="xxsmall")
    left, middle, right = st.columns(3)
    with left:
        st.number_input(**labels("temperature"), min_value=0.0, step=0.1, format="%g", **SESSION)
        places["temperature"] = st.container(gap="xxsmall")
    with middle:
        st.number_input(
            **labels("top_p"), value=None, min_value=0.0, max_value=1.0, step=0.05, placeholder="–", **SESSION
        )
        places["top_p"] = st.container(gap="xxsmall")
    with right:
        st.number_input(**labels("top_k"), value=None, min_value=1, step=1, placeholder="–", **SESSION)
        places["top_k"] = st.container(gap="xxsmall")
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        st.number_input(
            **labels("seed"), value=None, min_value=0, max_value=2**31 - 1, step=1, placeholder="–", **SESSION
        )
    with right:
        st.toggle(**labels("ignore_eos"), **SESSION)
    st.text_input(**labels("note"), **SESSION)
    return places
