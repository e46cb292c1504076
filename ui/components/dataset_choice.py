"""Which datasets, which part of each, and how much of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from core.domain.evaluation import Dataset, DatasetOrigin
from ui import session

LIMIT_KINDS = ("all", "count", "share")
KeyOf = Callable[[str], str]


def dataset_name(dataset: Dataset) -> str:
    """As a person knows it; a shipped one in their language."""
    t, key = session.texts(), f"dataset.name_{dataset.key}"
    return t(key) if dataset.origin is DatasetOrigin.SHIPPED and t.has(key) else dataset.name


def datasets_field(key: str, known: Mapping[str, Dataset], here: frozenset[str]) -> None:
    """Several of all that there are; what is typed is searched for in keys and names."""
    t = session.texts()

    def label(name: str) -> str:
        dataset = known.get(name)
        if dataset is None:
            return name
        shown = "" if _plain(dataset_name(dataset)).startswith(_plain(name)) else dataset_name(dataset)
        parts = [name, shown, t.number(dataset.samples) if dataset.samples else ""]
        return " · ".join(part for part in [*parts, t("page.datasets.here") if name in here else ""] if part)

    st.multiselect(
        t("page.accuracy.datasets"),
        sorted(known, key=lambda name: (name not in here, name)),
        key=key,
        format_func=label,
        help=t("page.accuracy.datasets_help"),
        placeholder=t("page.accuracy.datasets_placeholder"),
        persist_state="session",
    )


def _plain(name: str) -> str:
    """Without what two spellings of one name differ in."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def choose_each(chosen: Sequence[Dataset], key_of: KeyOf) -> None:
    """Subsets of those that have several; examples and a folder for EvalScope's."""
    wanted = [dataset for dataset in chosen if len(dataset.subsets) > 1 or not dataset.is_offline]
    if not wanted:
        return
    with st.expander(session.texts()("page.accuracy.each")):
        for dataset in wanted:
            _choose_one(dataset, key_of)


def _choose_one(dataset: Dataset, key_of: KeyOf) -> None:
    t, key = session.texts(), dataset.key
    if len(dataset.subsets) > 1:
        st.session_state.setdefault(key_of(f"subsets_{key}"), [])
        st.multiselect(
            t("page.accuracy.subsets", key=key),
            [subset.name for subset in dataset.subsets],
            key=key_of(f"subsets_{key}"),
            help=t("page.accuracy.subsets_help"),
            placeholder=t("page.accuracy.subsets_all", count=len(dataset.subsets)),
            persist_state="session",
        )
    if dataset.is_offline:
        return
    left, right = st.columns([1, 2])
    left.number_input(
        t("page.accuracy.few_shot", key=key),
        min_value=0,
        value=None,
        step=1,
        key=key_of(f"shots_{key}"),
        placeholder=str(dataset.few_shot),
        help=t("page.accuracy.few_shot_help", count=dataset.few_shot),
        persist_state="session",
    )
    right.text_input(
        t("page.accuracy.folder", key=key),
        key=key_of(f"folder_{key}"),
        help=t("page.accuracy.folder_help"),
        persist_state="session",
    )


def choose_limit(key_of: KeyOf) -> None:
    """Everything, a count or a share: each has a widget of its own."""
    t = session.texts()
    left, right = st.columns(2)
    with left:
        st.segmented_control(
            t("page.accuracy.limit"),
            LIMIT_KINDS,
            key=key_of("limit_kind"),
            required=True,
            format_func=lambda kind: t(f"page.accuracy.limit_{kind}"),
            help=t("page.accuracy.limit_help"),
            persist_state="session",
        )
    kind = st.session_state[key_of("limit_kind")]
    with right:
        if kind == "count":
            st.number_input(t("page.accuracy.count"), min_value=1, step=1, key=key_of("count"), persist_state="session")
        elif kind == "share":
            st.number_input(
                t("page.accuracy.percent"),
                min_value=0.1,
                max_value=99.0,
                step=1.0,
                key=key_of("percent"),
                persist_state="session",
            )
