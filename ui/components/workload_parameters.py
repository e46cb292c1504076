"""The thirteen parameters of `vllm bench serve` that the guide lists, word for word, each a widget. Those that the form
has a field for are that field once more: what is written in one stands in the other."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.domain.benchmark import UNDRAWN, BenchmarkPlan
from core.domain.workload import Arrival
from ui import session
from ui.components.workload_fields import SESSION, follow, key, value

_FILES = {"host": "--host", "result_dir": "--result-dir", "result_filename": "--result-filename"}
_DEPLOYED = ("--port", "--model", "--served-model-name")


def bench_parameters(plan: BenchmarkPlan) -> None:
    """Of one run, or of the first of a grid. Server, data set and that the result is kept are not chosen here: where
    they come from is their help."""
    if not plan.tool_commands:
        return
    t, words = session.texts(), plan.tool_commands[0]
    said = {word: words[at + 1] for at, word in enumerate(words[:-1]) if word.startswith("--")}
    with st.expander(t("page.benchmark.parameters"), key=key("fold_parameters"), icon=":material/terminal:"):
        st.caption(t("page.benchmark.parameters_lead"))
        with st.grid(min_column_width=220, gap="small"):
            _files(said)
            for flag in _DEPLOYED:
                _fixed(flag, said.get(flag, "–"), t("page.benchmark.from_deployment"))
            _fixed("--dataset-name", said["--dataset-name"], t("page.benchmark.dataset_name_help"))
            _load()
            _lengths(said)
            _switches()


def _files(said: dict[str, str]) -> None:
    for field, flag in _FILES.items():
        help_ = session.texts()(f"page.benchmark.{field}_help")
        shown = said.get(flag, "").replace(UNDRAWN, "...")
        st.text_input(flag, key=key(field), help=help_, placeholder=shown, **SESSION)


def _fixed(flag: str, shown: str, why: str) -> None:
    st.text_input(flag, shown, disabled=True, key=key(f"shown_{flag}_{shown}"), help=why)


def _load() -> None:
    """One number for every point, as the fields above have them."""
    _again("--num-prompts", "requests")
    if value("arrival") is Arrival.CLOSED:
        _again("--max-concurrency", "concurrency", then=follow)
    else:
        _fixed("--max-concurrency", str(value("cap") or "–"), session.texts()("page.benchmark.as_above"))


def _lengths(said: dict[str, str]) -> None:
    """Of a grid its lists. Of a prompt with a shared beginning the tool counts only the rest: that is not typed."""
    if value("lengths") == "grid":
        _again("--random-input-len", "input_list")
        _again("--random-output-len", "output_list")
        return
    if value("prefix_share"):
        _fixed("--random-input-len", said["--random-input-len"], session.texts()("page.benchmark.as_above"))
    else:
        _again("--random-input-len", "input_tokens")
    _again("--random-output-len", "output_tokens")


def _switches() -> None:
    t, shown = session.texts(), bool(value("ignore_eos"))
    name = key(f"again_ignore_eos_{shown}")
    st.toggle("--ignore-eos", shown, key=name, on_change=_switch, args=(name,))
    st.toggle("--save-result", True, disabled=True, key=key("shown_save_result"), help=t("page.benchmark.save_help"))


# Like the pills of workload_form.py: the key names what the widget mirrors.


def _again(flag: str, field: str, then: Callable[[], None] | None = None) -> None:
    shown = value(field)
    name = key(f"again_{field}_{shown}")
    if isinstance(shown, int):
        st.number_input(flag, min_value=1, value=shown, step=1, key=name, on_change=_take, args=(name, field, then))
    else:
        st.text_input(flag, shown, key=name, on_change=_take, args=(name, field, then))


def _take(name: str, field: str, then: Callable[[], None] | None) -> None:
    st.session_state[key(field)] = st.session_state[name]
    if then:
        then()


def _switch(name: str) -> None:
    st.session_state[key("ignore_eos")] = st.session_state[name]
