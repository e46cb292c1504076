"""Weights on the screen: downloads with their progress, and the folders that are here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from core.domain.access import Role
from core.domain.weights import FileView, WeightsFolder, WeightsSource, WeightsState, WeightsView
from ui import registry, session
from ui.act import act
from ui.components.cards import confirm
from ui.components.grid_table import Cell, Column, grid_table
from ui.components.job import progress_text
from ui.components.links import go
from ui.components.pieces import Color
from ui.markdown import plain

_LOOKS: dict[WeightsState, tuple[Color, str]] = {
    WeightsState.WAITING: ("gray", ":material/schedule:"),
    WeightsState.DOWNLOADING: ("blue", ":material/download:"),
    WeightsState.PAUSING: ("gray", ":material/pause_circle:"),
    WeightsState.PAUSED: ("gray", ":material/pause_circle:"),
    WeightsState.FAILED: ("red", ":material/error:"),
    WeightsState.INTERRUPTED: ("orange", ":material/pause_circle:"),
    WeightsState.PRESENT: ("green", ":material/check_circle:"),
    WeightsState.MISSING: ("orange", ":material/help:"),
    WeightsState.UNSEEN: ("gray", ":material/visibility_off:"),
}
_RUNS = frozenset({WeightsState.WAITING, WeightsState.DOWNLOADING, WeightsState.PAUSING})
_STOPPED = frozenset({WeightsState.PAUSED, WeightsState.FAILED, WeightsState.INTERRUPTED})
_SPANS = {"name": 5, "kind": 3, "source": 3, "size": 2, "files": 2, "actions": 3}
_MOST_FILES = 12


def is_download(view: WeightsView) -> bool:
    """Whether it is shown as a download: one that has not come to its end."""
    return view.state in _RUNS | _STOPPED


def is_moving(view: WeightsView) -> bool:
    """Whether the screen should keep watching it."""
    return view.state in _RUNS


def states(views: Sequence[WeightsView]) -> dict[str, WeightsState]:
    """What the frame around a polled list depends on."""
    return {view.path: view.state for view in views}


def weights_badge(state: WeightsState) -> None:
    """In colour, sign and word."""
    color, icon = _LOOKS[state]
    st.badge(session.texts()(f"weights.{state}"), icon=icon, color=color)


# ---------------------------------------------------------------- a download


def download_card(view: WeightsView) -> None:
    """What comes, from where, how far, and what can be done."""
    folder = view.folder
    if folder is None:
        return
    with st.container(border=True, gap="xsmall", key=f"download_{folder.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            weights_badge(view.state)
            st.markdown(f"**{plain(folder.repo)}**", width="content")
            st.space("stretch")
            _download_buttons(view, folder)
        _progress(view)
        st.caption(f"{_source(folder)} · `{folder.path}`")
        _files(folder)


def _progress(view: WeightsView) -> None:
    t, job = session.texts(), view.job
    if job is None:
        return
    if view.state is WeightsState.FAILED:
        st.markdown(f":red[{plain(t.reason(job.job.reason))}]")
    elif view.state is WeightsState.INTERRUPTED:
        st.markdown(f":orange[{t('component.interrupted_text')}]")
    if job.progress is not None and view.state in _RUNS:
        share = job.progress.done / job.progress.total if job.progress.total else 0.0
        st.progress(min(share, 1.0), text=plain(progress_text(job.progress)))
    elif view.folder and view.folder.total_bytes and view.present_bytes is not None:
        done, total = view.present_bytes, view.folder.total_bytes
        text = t("component.progress_of", done=t.size(done), total=t.size(total), unit="").strip()
        st.progress(min(done / total, 1.0), text=text)


def _files(folder: WeightsFolder) -> None:
    """Each file that is under way, and how many are whole: read only while somebody looks."""
    t = session.texts()
    if not folder.files:
        return
    files = session.app().weights.files(folder.id)
    whole = sum(file.is_whole for file in files)
    label = t("page.models.files", done=whole, total=len(files))
    box = st.expander(label, key=f"files_{folder.id}", icon=":material/draft:", on_change="rerun")
    if box.open:
        with box:
            _file_list(files)


def _file_list(files: Sequence[FileView]) -> None:
    t = session.texts()
    under_way = [file for file in files if file.present_bytes and not file.is_whole]
    rest = [file for file in files if file not in under_way]
    for file in under_way[:_MOST_FILES]:
        done = t("page.models.file_of", done=t.size(file.present_bytes), total=t.size(file.size_bytes))
        st.progress(file.present_bytes / max(file.size_bytes, 1), text=f"`{file.path}` · {done}")
    lines = [
        f"{':material/check:' if file.is_whole else ':material/schedule:'} `{file.path}` · {t.size(file.size_bytes)}"
        for file in sorted(rest, key=lambda file: file.is_whole)
    ]
    with st.container(height=240 if len(lines) > _MOST_FILES else "content", border=False):
        st.markdown("  \n".join(lines))


def _download_buttons(view: WeightsView, folder: WeightsFolder) -> None:
    t, service = session.texts(), session.app().weights
    if not session.may(Role.OPERATOR):
        return
    actor = session.actor()
    if view.state in _RUNS:
        pausing = view.state is WeightsState.PAUSING
        label, key = t("page.models.pause"), f"pause_{folder.id}"
        pressed = st.button(label, key=key, icon=":material/pause:", disabled=pausing)
        if pressed and act(service.pause, actor, folder.id):
            st.rerun()
        return
    word = "retry" if view.state is WeightsState.FAILED else "resume"
    resumed = st.button(
        t(f"page.models.{word}"), key=f"resume_{folder.id}", type="primary", icon=":material/play_arrow:"
    )
    if resumed and act(service.resume, actor, folder.id):
        st.rerun()
    _delete_button(view, folder)


# ---------------------------------------------------------------- what is here


def models_table(views: Sequence[WeightsView]) -> None:
    """One row a folder, with what it holds and what can be done with it."""
    t = session.texts()
    columns = [
        Column(name, t(f"page.models.column_{name}"), span, name in {"size", "files", "actions"})
        for name, span in _SPANS.items()
    ]
    grid_table(columns, map(_cells, views))


def _cells(view: WeightsView) -> dict[str, Cell]:
    t = session.texts()
    kind = " · ".join(plain(part) for part in (view.architecture, view.quantization) if part)
    return {
        "name": f"**{plain(view.name)}**  \n:gray[:small[{plain(view.path)}]]",
        "size": t.size(view.present_bytes),
        "files": str(view.shards) if view.shards else "–",
        "kind": f":small[{kind}]" if kind else "–",
        "source": partial(_origin, view),
        "actions": partial(_actions, view),
    }


def _origin(view: WeightsView) -> None:
    """Where it is from and whether it was held against it; a state where it is not simply here."""
    t, folder = session.texts(), view.folder
    if view.state is not WeightsState.PRESENT:
        weights_badge(view.state)
        return
    if folder is None or folder.source is WeightsSource.FOLDER:
        st.markdown(f":small[{t('weights_source.folder')}]")
        return
    told = t("page.models.verified", when=t.when(folder.verified_at))
    told = told if folder.verified_at else t("page.models.not_verified")
    st.markdown(f":small[{_source(folder)}]  \n:gray[:small[{told}]]")


def _actions(view: WeightsView) -> None:
    t, key = session.texts(), view.folder.id if view.folder else view.path
    if not session.may(Role.OPERATOR):
        return
    with st.container(horizontal=True, horizontal_alignment="right"):
        serves = registry.has("deploy") and view.state is WeightsState.PRESENT and view.shards > 0
        if serves and st.button(t("page.models.serve"), key=f"serve_{key}", icon=":material/rocket_launch:"):
            profile = {"profile": view.profile} if view.profile else {}
            go("deploy", weights=view.path, **profile)
        if view.folder is not None:
            with st.popover("", icon=":material/more_horiz:", help=t("page.models.more_actions"), key=f"more_{key}"):
                _more(view, view.folder)


def _more(view: WeightsView, folder: WeightsFolder) -> None:
    t, service, actor = session.texts(), session.app().weights, session.actor()
    if folder.source is not WeightsSource.FOLDER:
        pressed = st.button(
            t("page.models.check"),
            key=f"check_{folder.id}",
            icon=":material/fact_check:",
            help=t("page.models.check_help"),
            width="stretch",
        )
        if pressed and act(service.check_again, actor, folder.id):
            st.rerun()
        _delete_button(view, folder, width="stretch")
    if st.button(
        t("page.models.forget"), key=f"forget_{folder.id}", icon=":material/playlist_remove:", width="stretch"
    ):
        confirm(
            t("page.models.forget_title", name=view.name),
            t("page.models.forget_text", path=folder.path),
            t("page.models.forget"),
            lambda: service.remove(actor, folder.id, delete_files=False),
            told=t("page.models.forget_done", name=view.name),
        )


def _delete_button(view: WeightsView, folder: WeightsFolder, width: str = "content") -> None:
    t, service, actor = session.texts(), session.app().weights, session.actor()
    pressed = st.button(
        t("page.models.delete"),
        key=f"delete_{folder.id}",
        icon=":material/delete:",
        width="stretch" if width == "stretch" else "content",
    )
    if pressed:
        confirm(
            t("page.models.delete_title", name=view.name),
            t("page.models.delete_text", size=t.size(view.present_bytes or 0), path=folder.path),
            t("page.models.delete"),
            lambda: service.remove(actor, folder.id, delete_files=True),
            told=t("page.models.delete_done", name=view.name),
        )


def _source(folder: WeightsFolder) -> str:
    t = session.texts()
    name = t(f"weights_source.{folder.source}")
    return f"{name} · {plain(folder.repo)}" if folder.repo else name
