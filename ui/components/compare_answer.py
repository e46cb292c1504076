"""The answer of a comparison: what is compared, the verdict of each candidate, what weakens it."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from core.domain.access import Role
from core.domain.benchmark import tool_words
from core.domain.comparison import Comparison, Evidence, Pair, Verdict
from core.domain.run_identity import workload_label
from render.comparisons import advice, answers, caution, names
from ui import session
from ui.act import act, tell
from ui.components.compare_links import open_comparison
from ui.components.links import link
from ui.components.pieces import Color, simulated_badge
from ui.markdown import plain

_LOOKS: Mapping[Verdict, tuple[Color, str]] = {
    Verdict.BETTER: ("green", ":material/check_circle:"),
    Verdict.WORSE: ("red", ":material/error:"),
    Verdict.MIXED: ("orange", ":material/swap_vert:"),
    Verdict.NOISE: ("gray", ":material/drag_handle:"),
    Verdict.UNCLEAR: ("gray", ":material/help:"),
    Verdict.NOT_COMPARABLE: ("orange", ":material/block:"),
}


def verdict_badge(verdict: Verdict) -> None:
    """In colour, sign and word."""
    color, icon = _LOOKS[verdict]
    st.badge(session.texts()(f"verdict.{verdict.value}"), icon=icon, color=color)


def answer_lines(comparison: Comparison) -> None:
    """One candidate: its sentence. Several: the best one's first, then a card for each."""
    t, called = session.texts(), names(comparison.sides, session.texts())
    said = answers(comparison, t)
    if len(comparison.pairs) == 1:
        pair = comparison.pairs[0]
        with st.container(horizontal=True, gap="small"):
            verdict_badge(pair.verdict)
            _simulated(comparison)
        st.markdown(f"#### {plain(said[0])}")
        _caution(pair)
        with st.container(gap="xxsmall"):
            _side_line(comparison.baseline, called, comparison)
            _side_line(pair.candidate, called, comparison)
        return
    _simulated(comparison)
    if len(said) > len(comparison.pairs):
        st.markdown(f"#### {plain(said[-1])}")
    _side_line(comparison.baseline, called, comparison)
    for pair, sentence in zip(comparison.pairs, said, strict=False):
        with st.container(border=True, gap="xsmall"):
            _side_line(pair.candidate, called, comparison, pair.verdict)
            st.markdown(plain(sentence))
            _caution(pair)


def _simulated(comparison: Comparison) -> None:
    if any(side.version.simulated for side in comparison.sides):
        simulated_badge()


def _caution(pair: Pair) -> None:
    """What weakens the verdict; what would make an unclear one clear."""
    if better := advice(pair, session.texts()):
        st.caption(plain(better))
    said = caution(pair, session.texts())
    if said and pair.verdict is not Verdict.NOT_COMPARABLE:
        st.markdown(f":orange[:material/warning:] {plain(said)}")


def _side_line(
    side: Evidence, called: Mapping[str, str], comparison: Comparison, verdict: Verdict | None = None
) -> None:
    """The way to a side's run, what was measured when, and what can be done with it."""
    t, is_base = session.texts(), side is comparison.baseline
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"side_{side.run.id}"):
        if verdict is not None:
            verdict_badge(verdict)
        else:
            word = t("page.compare.baseline" if is_base else "page.compare.candidate")
            st.caption(word, width=84, help=t("page.compare.baseline_help") if is_base else None)
        link("run", f"**{plain(called[side.run.id])}**", id=side.run.id)
        st.caption(plain(_about(side)), width="content")
        _pinning(side) if is_base else _swap(side, comparison)


def _about(side: Evidence) -> str:
    """What stands beside a run's name: model, workload, engine, date."""
    t, run = session.texts(), side.run
    tool = tool_words(run, side.measurements)
    unchecked = (
        ""
        if side.version.verified or side.version.simulated or not side.version.label
        else t("page.endpoints.unverified")
    )
    parts = [unchecked, run.model, workload_label(run.workload), tool, t.when(run.started_at or run.created_at)]
    return " · ".join(part for part in parts if part)


def _swap(side: Evidence, comparison: Comparison) -> None:
    t = session.texts()
    pressed = st.button(
        t("page.compare.swap"), key=f"swap_{side.run.id}", type="tertiary", icon=":material/swap_horiz:"
    )
    if pressed:
        open_comparison([one.run.id for one in comparison.sides], side.run.id)


def _pinning(side: Evidence) -> None:
    """Whether the baseline is pinned, and the way to pin it."""
    t, service = session.texts(), session.app().comparisons
    pinned = service.baseline_for(side.run)
    here = pinned is not None and pinned.run_id == side.run.id
    if pinned and here:
        about = {"model": pinned.model, "workload": pinned.workload_label, "name": pinned.pinned_by}
        when = t.when(pinned.pinned_at)
        who = plain(t("page.compare.pinned_help", when=when, **about))
        st.badge(t("page.compare.pinned"), icon=":material/keep:", color="gray", help=who)
    if not session.may(Role.OPERATOR):
        return
    label, icon = ("unpin", ":material/keep_off:") if here else ("pin", ":material/keep:")
    help = None if here else t("page.compare.pin_help")
    if not st.button(t(f"page.compare.{label}"), key="compare_pin", type="tertiary", icon=icon, help=help):
        return
    done = act(service.unpin if here else service.pin, session.actor(), side.run.id)
    if done:
        told = {"name": side.version.label or side.run.id, "model": side.run.model}
        workload = workload_label(side.run.workload)
        tell(t(f"page.compare.{label}_done", workload=workload, **told))
        st.rerun()
