"""A start as a row of stages: what is done, what is under way, how long each took and usually takes."""

from __future__ import annotations

import streamlit as st

from core.domain.job import JobView, Progress
from core.domain.storyboard import StageState, StageView, Story
from ui import session
from ui.components.job import progress_text
from ui.markdown import plain

_LOOKS = {
    StageState.WAITING: ("gray", ":material/radio_button_unchecked:"),
    StageState.ACTIVE: ("blue", ":material/progress_activity:"),
    StageState.DONE: ("green", ":material/check_circle:"),
    StageState.SKIPPED: ("green", ":material/check_circle:"),
    StageState.FAILED: ("red", ":material/error:"),
}


def storyboard(story: Story, busy: JobView | None) -> None:
    """The stages in their order, and under them how far the active one is."""
    with st.container(border=True, gap="small"):
        for column, view in zip(st.columns(len(story.stages), gap="small"), story.stages, strict=True):
            with column:
                _stage(view)
        progress = busy.progress if busy is not None else None
        if progress is not None and progress.total and progress.unit != "seconds":
            _bar(progress)


def story_sentence(story: Story) -> str:
    """How long so far, and how long still by earlier starts."""
    t = session.texts()
    parts = [t("page.deployment.so_far", span=t.duration(story.elapsed_s))]
    if story.left_s is not None:
        parts.append(t("page.deployment.left", span=t.duration(story.left_s)))
    elif story.expected_s is not None:
        parts.append(t("page.deployment.overdue", span=t.duration(story.expected_s)))
    return " ".join(parts)


def _stage(view: StageView) -> None:
    t = session.texts()
    color, icon = _LOOKS[view.state]
    name = f":{color}[{icon} **{t(f'stage.{view.stage}')}**]"
    st.markdown(f"{name}  \n{_spans(view)}", help=t(f"stage.{view.stage}_help"))


def _spans(view: StageView) -> str:
    t = session.texts()
    brief = view.elapsed_s is None or (view.elapsed_s < 1 and view.state is not StageState.ACTIVE)
    words = [t(f"stage_state.{view.state}") if brief else t.duration(view.elapsed_s)]
    if view.expected_s is not None and view.expected_s >= 1:
        words.append(t("page.deployment.usually", span=t.duration(view.expected_s)))
    return "  \n".join(f":small[:gray[{plain(word)}]]" for word in words)


def _bar(progress: Progress) -> None:
    share = progress.done / progress.total if progress.total else 0.0
    st.progress(min(share, 1.0), text=plain(progress_text(progress)))
