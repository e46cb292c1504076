"""Ways to a comparison: which runs travel in the address, and back."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from ui import session
from ui.components.links import go, link_button

VIEW = "view"
"""The address of a kept comparison: ``?view=ID``."""


def compare_query(run_ids: Sequence[str], baseline_id: str | None = None) -> dict[str, str]:
    """The address of a comparison: ``?runs=a,b&base=a``."""
    query = {"runs": ",".join(dict.fromkeys(run_ids))}
    return {**query, "base": baseline_id} if baseline_id else query


def compare_button(run_ids: Sequence[str], label: str, *, key: str, baseline_id: str | None = None) -> None:
    """Opens the comparison of these runs; of one run, with its pinned baseline."""
    query = compare_query(run_ids, baseline_id)
    link_button("compare", label, key=key, icon=":material/compare_arrows:", **query)  # type: ignore[arg-type]  # two names of links


def open_comparison(run_ids: Sequence[str], baseline_id: str | None = None) -> None:
    """Goes there now."""
    go("compare", **compare_query(run_ids, baseline_id))


def compared() -> tuple[tuple[str, ...], str | None]:
    """The runs that the address names, and the baseline where it names one; of a kept view, what that froze."""
    kept = st.query_params.get(VIEW)
    if kept:
        view = session.app().history.view(kept)
        return view.run_ids, view.state.get("base")
    named = [word.strip() for word in st.query_params.get("runs", "").split(",")]
    return tuple(dict.fromkeys(word for word in named if word)), st.query_params.get("base") or None
