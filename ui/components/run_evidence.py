"""What makes a run believable and repeatable: where it comes from, its command, its files, its log."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core.domain.access import Role
from core.domain.benchmark import Run
from core.domain.endpoint import Origin
from core.formats.seatrial_bench import KEY_VARIABLE
from core.ports import ArtifactRow
from core.services.results import RunDetail
from render.documents import points_csv, run_document
from render.texts import Texts
from ui import session
from ui.act import act, tell
from ui.components.log import log_tail
from ui.components.pieces import command_block, copyable
from ui.markdown import plain

_TABS = ("provenance", "reproduce", "files", "log", "note")


def run_title(run: Run) -> str:
    """Model and version label; a simulated one has no version worth the name."""
    return run.model if run.origin == Origin.SIMULATED else f"{run.model} {run.version_label}".strip()


def run_line(run: Run, t: Texts) -> tuple[str | None, ...]:
    """Where the figures come from, for one line above them."""
    told = run.provenance
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    when = t.when(run.started_at or run.created_at)
    return endpoint.get("name"), _workload(run, t), _tool(run), told.get("server_version"), when


def _workload(run: Run, t: Texts) -> str:
    lengths = {"input": t.number(run.workload.input_tokens), "output": t.number(run.workload.output_tokens)}
    return t("provenance.workload_text", api=t(f"page.benchmark.api_{run.workload.api}"), **lengths)


def _tool(run: Run) -> str:
    told = run.provenance
    return " ".join(str(part) for part in (told.get("tool"), told.get("tool_version")) if part)


def evidence(detail: RunDetail) -> None:
    """In tabs; only the open one is drawn."""
    t = session.texts()
    tabs = st.tabs([t(f"page.run.tab_{name}") for name in _TABS], key="run_evidence", on_change="rerun")
    for tab, draw in zip(tabs, (_provenance, _reproduce, _files, _log, _note), strict=True):
        if tab.open:
            with tab:
                draw(detail)


def _provenance(detail: RunDetail) -> None:
    t = session.texts()
    with st.grid(min_column_width=260, gap=("xsmall", "small")):
        for key, value in provenance_facts(detail.run, t):
            shown = f"`{value}`" if key == "endpoint" else plain(value)
            st.markdown(f":gray[:small[{t(f'provenance.{key}')}]]  \n{shown}")


def provenance_facts(run: Run, t: Texts) -> list[tuple[str, str]]:
    """What is known of the run, in words; what is not known is left out."""
    told = run.provenance
    endpoint: Mapping[str, Any] = told.get("endpoint") or {}
    host: Mapping[str, Any] = told.get("host") or {}
    facts = [
        ("run", run.id),
        ("when", t.when(run.started_at or run.created_at)),
        ("who", run.created_by),
        ("endpoint", endpoint.get("base_url")),
        ("served_name", run.model),
        ("version_label", _label(run, endpoint, t)),
        ("server_version", told.get("server_version")),
        ("tool", _tool(run)),
        ("workload", _workload(run, t)),
        ("seed", str(run.seed)),
        ("image", (told.get("container_spec") or {}).get("image")),
        ("image_digest", told.get("image_digest")),
        ("container", (told.get("container_id") or "")[:12]),
        ("host", t("provenance.host_text", **{k: host.get(k) for k in ("name", "cpus", "system")}) if host else None),
        ("product", told.get("product_version")),
    ]
    return [(key, str(value)) for key, value in facts if value]


def _label(run: Run, endpoint: Mapping[str, Any], t: Texts) -> str:
    if run.origin == Origin.SIMULATED:
        return ""
    if not run.version_label or endpoint.get("version_verified", True):
        return run.version_label
    return f"{run.version_label} ({t('page.endpoints.unverified')})"


def _reproduce(detail: RunDetail) -> None:
    t, run = session.texts(), detail.run
    st.caption(t("page.run.reproduce"))
    command_block(run.command)
    if KEY_VARIABLE in run.command:
        st.caption(t("page.run.key_needed", name=KEY_VARIABLE))
    st.caption(t("page.run.reproduce_exact", seed=run.seed))
    st.caption(t("page.run.copy_link"))
    copyable(str(st.context.url or ""))


def _files(detail: RunDetail) -> None:
    t = session.texts()
    with st.container(horizontal=True):
        _whole(
            detail, "json", "application/json", lambda: json.dumps(run_document(detail), ensure_ascii=False, indent=2)
        )
        _whole(detail, "csv", "text/csv", lambda: points_csv(detail))
    if not detail.artifacts:
        st.caption(t("page.run.no_files"))
    for artifact in detail.artifacts:
        _file(artifact)


def _whole(detail: RunDetail, kind: str, media_type: str, make: Callable[[], str]) -> None:
    st.download_button(
        session.texts()(f"page.run.{kind}"),
        make,
        file_name=f"{detail.run.id}.{kind}",
        mime=media_type,
        key=f"run_{kind}",
        icon=":material/download:",
        on_click="ignore",
        disabled=not detail.measurements,
    )


def _file(artifact: ArtifactRow) -> None:
    t, results = session.texts(), session.app().results
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"`{artifact.name}`", width="content")
        st.caption(t.size(artifact.size_bytes), width="content")
        st.space("stretch")
        st.download_button(
            t("word.download"),
            lambda: b"".join(results.artifact(artifact.id)),
            file_name=artifact.name,
            mime=artifact.media_type,
            key=f"file_{artifact.id}",
            icon=":material/download:",
            help=t("page.run.download", name=artifact.name),
            on_click="ignore",
        )


def _log(detail: RunDetail) -> None:
    if detail.run.job_id:
        log_tail(detail.run.job_id)


def _note(detail: RunDetail) -> None:
    t, run = session.texts(), detail.run
    if not session.may(Role.OPERATOR):
        st.markdown(plain(run.note) or t("page.run.note_none"))
        return
    note = st.text_area(t("page.run.note_label"), run.note, key="run_note")
    pressed = st.button(t("word.save"), key="run_note_save", disabled=note.strip() == run.note)
    if pressed and act(session.app().results.annotate, session.actor(), run.id, note):
        tell(t("page.run.note_saved"))
        st.rerun()
