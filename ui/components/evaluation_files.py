"""An evaluation's settings, its files, how to make it again."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.services.evaluation_results import EvaluationDetail
from render.evaluation_documents import samples_csv, samples_jsonl
from render.score_words import conditions_words, setting_facts
from ui import session
from ui.components.artifact_row import artifact_row
from ui.components.log import log_tail
from ui.components.pieces import command_block
from ui.markdown import code, plain

_TABS = ("settings", "files", "reproduce", "log")


def evaluation_evidence(detail: EvaluationDetail) -> None:
    """In tabs; only the open one is drawn. An imported one has no log."""
    t = session.texts()
    names = [name for name in _TABS if name != "log" or detail.run.job_id]
    draws = {"settings": _settings, "files": _files, "reproduce": _reproduce, "log": _log}
    tabs = st.tabs([t(f"page.evaluation.tab_{name}") for name in names], key="evaluation_evidence", on_change="rerun")
    for tab, name in zip(tabs, names, strict=True):
        if tab.open:
            with tab:
                draws[name](detail)


def _settings(detail: EvaluationDetail) -> None:
    t = session.texts()
    with st.grid(min_column_width=220, gap=("xsmall", "small")):
        for name, value in setting_facts(detail, t):
            shown = code(value) if name == "endpoint" else plain(value)
            st.markdown(f":gray[:small[{t(f'page.evaluation.setting_{name}')}]]  \n{shown}")
    for found in detail.datasets:
        words = conditions_words(found.conditions, t)
        st.caption(plain(t("page.evaluation.conditions", dataset=found.dataset, conditions=words)))


def _files(detail: EvaluationDetail) -> None:
    """Samples by dataset, then what EvalScope itself wrote."""
    t = session.texts()
    datasets = dict.fromkeys(tally.dataset for tally in detail.tallies)
    for dataset in datasets:
        with st.container(horizontal=True):
            _samples(detail.run.id, dataset)
    if not datasets and not detail.artifacts:
        st.caption(t("page.run.no_files"))
    for artifact in detail.artifacts:
        artifact_row(artifact)


def _samples(run_id: str, dataset: str) -> None:
    whole = session.app().evaluation_results.whole_samples
    stem = f"{run_id}-{dataset}"
    _download(
        "samples_jsonl", f"{stem}.jsonl", "application/jsonl", lambda: samples_jsonl(whole(run_id, dataset)), dataset
    )
    _download("samples_csv", f"{stem}.csv", "text/csv", lambda: samples_csv(whole(run_id, dataset)), dataset)


def _download(name: str, file_name: str, media_type: str, make: Callable[[], str], dataset: str) -> None:
    """Made when it is asked for."""
    st.download_button(
        plain(session.texts()(f"page.evaluation.{name}", dataset=dataset)),
        make,
        file_name=file_name,
        mime=media_type,
        key=f"evaluation_{name}_{dataset}",
        icon=":material/download:",
        on_click="ignore",
    )


def _reproduce(detail: EvaluationDetail) -> None:
    t = session.texts()
    st.caption(t("page.evaluation.reproduce"))
    command_block(detail.run.command)


def _log(detail: EvaluationDetail) -> None:
    if detail.run.job_id:
        log_tail(detail.run.job_id)
