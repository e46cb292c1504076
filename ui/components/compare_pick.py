"""Choosing what is compared: runs of one workload, and one of them as the baseline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

import streamlit as st

from core.domain.baseline import Watched
from core.domain.benchmark import RunKind, RunRow
from core.domain.comparison import Comparison
from core.domain.endpoint import Origin
from core.services.comparisons import MOST_RUNS
from render.version_words import version_name
from ui import session
from ui.components.compare_links import compare_query, open_comparison
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.links import link
from ui.markdown import plain

RECENT = 100


def run_label(row: RunRow) -> str:
    """Model, version, workload, when: enough to tell runs apart."""
    t = session.texts()
    name = version_name(row.model, row.version_label, row.origin)
    simulated = t("app.simulated") if row.origin == Origin.SIMULATED else None
    return " · ".join(part for part in (name, simulated, row.workload_label, t.when(row.created_at)) if part)


def watched_table() -> None:
    """Every pinned baseline, and the way to compare the newest run with it."""
    t = session.texts()
    rows = session.app().comparisons.watched()
    if not rows:
        return
    st.subheader(t("page.compare.baselines"), anchor=False)
    spans = {"model": 3, "newest": 5, "workload": 2, "baseline": 4}
    columns = [Column(name, t(f"page.compare.column_{name}"), span) for name, span in spans.items()]
    grid_table(columns, map(_watched, rows))


def _watched(row: Watched) -> dict[str, Cell]:
    t, pinned, newest = session.texts(), row.baseline, row.newest
    cells: dict[str, Cell] = {
        "model": plain(pinned.model),
        "workload": plain(pinned.workload_label),
        "baseline": partial(link, "run", t.when(pinned.pinned_at), id=pinned.run_id, icon=":material/keep:"),
        "newest": f":gray[{t('page.compare.nothing_newer')}]",
    }
    if newest:
        label = " · ".join(part for part in (newest.version_label, t.when(newest.created_at)) if part)
        query = compare_query([pinned.run_id, newest.id], pinned.run_id)
        cells["newest"] = partial(link, "compare", plain(label), icon=":material/compare_arrows:", **query)
    return cells


def first_choice() -> None:
    """On the empty page: one run, then those that go with it."""
    t, app = session.texts(), session.app()
    rows = {row.id: row for row in app.results.recent(RECENT) if row.kind is RunKind.SWEEP and row.points_done}
    with st.container(border=True, gap="small"):
        ids = list(rows)
        asked = Counter(row.workload_key for row in rows.values())
        chosen = st.selectbox(
            t("page.compare.pick_first"),
            ids,
            index=next((place for place, run_id in enumerate(ids) if asked[rows[run_id].workload_key] > 1), 0),
            format_func=lambda run_id: run_label(rows[run_id]),
            help=t("page.compare.pick_first_help"),
            key="compare_first",
        )
        if chosen:
            others_choice(chosen)


def others_choice(first: str) -> None:
    """The runs that a run can be compared with, to choose from."""
    t = session.texts()
    rows = _partners(first)
    if not rows:
        st.caption(t("page.compare.pick_none"))
        return
    chosen = st.multiselect(
        t("page.compare.pick_others"),
        list(rows),
        format_func=lambda run_id: run_label(rows[run_id]),
        max_selections=MOST_RUNS - 1,
        help=t("page.compare.pick_others_help"),
        placeholder=t("page.compare.pick_placeholder"),
        key=f"compare_others_{first}",
    )
    pressed = st.button(t("page.compare.pick_go"), key="compare_go", type="primary", disabled=not chosen)
    if pressed:
        open_comparison([first, *chosen])


def _partners(run_id: str) -> Mapping[str, RunRow]:
    rows = session.app().comparisons.candidates(run_id)
    return {row.id: row for row in rows if row.id != run_id and row.points_done}


def change_popover(comparison: Comparison) -> None:
    """Other runs, another baseline; looked up while it is open."""
    t = session.texts()
    popover = st.popover(t("page.compare.change"), icon=":material/tune:", on_change="rerun", key="compare_pick")
    if not popover.open:
        return
    base = comparison.baseline.run.id
    labels = _labels(comparison)
    with popover, st.form("compare_change", border=False):
        chosen = st.multiselect(
            t("page.compare.pick"),
            list(labels),
            default=[side.run.id for side in comparison.sides],
            format_func=labels.__getitem__,
            max_selections=MOST_RUNS,
            help=t("page.compare.pick_others_help"),
            placeholder=t("page.compare.pick_placeholder"),
        )
        wanted = st.selectbox(
            t("page.compare.baseline"),
            list(labels),
            index=list(labels).index(base),
            format_func=labels.__getitem__,
            help=t("page.compare.baseline_help"),
        )
        if st.form_submit_button(t("page.compare.pick_go"), type="primary"):
            open_comparison(chosen, wanted)


def _labels(comparison: Comparison) -> dict[str, str]:
    """What is compared now, and what else could be."""
    rows = session.app().comparisons.candidates(comparison.baseline.run.id)
    labels = {row.id: run_label(row) for row in rows if row.points_done}
    when = session.texts().when
    for side in comparison.sides:
        name = version_name(side.run.model, side.run.version_label, side.run.origin)
        labels.setdefault(side.run.id, f"{name} · {when(side.run.created_at)}")
    return labels
