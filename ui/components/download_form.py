"""The form of a download; beside it, live, what would be fetched and what stands against it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.domain.finding import Finding, blocking
from core.domain.weights import DownloadPlan, DownloadRequest, WeightsSource
from ui import session
from ui.act import act, refusals, tell
from ui.components.findings import field_findings, other_findings
from ui.components.pieces import command_block

FORM = "download"
FIELDS = ("repo", "folder", "endpoint", "path")
_UNFILLED = frozenset({"repo_empty"})
_SOURCES = (WeightsSource.HUGGINGFACE, WeightsSource.MODELSCOPE)


def download_form() -> None:
    """Left what is wanted, right what it means."""
    left, right = st.columns([1, 1], gap="medium")
    with left:
        places = _fields()
    plan = session.app().weights.plan(_request())
    found = (*plan.findings, *(one for one in refusals(FORM) if one not in plan.findings))
    for field, place in places.items():
        with place:
            field_findings((one for one in found if one.code not in _UNFILLED), field)
    with right, st.container(border=True):
        _panel(plan, found)


def _value(field: str) -> Any:
    return st.session_state.get(f"download_{field}")


def _fields() -> dict[str, Any]:
    t = session.texts()
    source = st.segmented_control(
        t("page.models.source"),
        _SOURCES,
        default=_SOURCES[0],
        key="download_source",
        format_func=lambda one: t(f"weights_source.{one}"),
        required=True,
    )
    st.selectbox(
        t("page.models.repo"),
        _repos(source or _SOURCES[0]),
        index=None,
        key="download_repo",
        accept_new_options=True,
        placeholder=t("page.models.repo_placeholder"),
        help=t("page.models.repo_help"),
    )
    places = {"repo": st.container(gap="xxsmall")}
    st.text_input(
        t("page.models.folder"), key="download_folder", help=t("page.models.folder_help"), placeholder=_folder_example()
    )
    places["folder"] = st.container(gap="xxsmall")
    with st.expander(t("page.models.more")):
        places |= _more(source or _SOURCES[0])
    return places


def _more(source: WeightsSource) -> dict[str, Any]:
    t, settings = session.texts(), session.app().settings
    usual = settings.modelscope_endpoint if source is WeightsSource.MODELSCOPE else settings.hf_endpoint
    st.text_input(t("page.models.revision"), key="download_revision", help=t("page.models.revision_help"))
    st.text_input(
        t("page.models.endpoint"),
        key="download_endpoint",
        help=t("page.models.endpoint_help", endpoint=usual),
        placeholder=usual,
    )
    place = {"endpoint": st.container(gap="xxsmall")}
    st.text_area(
        t("page.models.patterns"),
        key="download_patterns",
        help=t("page.models.patterns_help"),
        placeholder="*.safetensors\n*.json",
        height=80,
    )
    _token(source)
    return place


def _token(source: WeightsSource) -> None:
    """It is kept at once and never shown again."""
    t, service, actor = session.texts(), session.app().weights, session.actor()
    if service.has_token(source):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/key: {t('page.models.token_kept')}", width="content")
            pressed = st.button(t("page.models.token_forget"), key="download_token_forget")
        if pressed and act(service.set_token, actor, source, ""):
            tell(t("page.models.token_forgotten"))
            st.rerun()
        return
    with st.form("download_token_form", border=False, clear_on_submit=True):
        token = st.text_input(t("page.models.token"), type="password", help=t("page.models.token_help"))
        kept = st.form_submit_button(t("page.models.token_save"))
    if kept and token and act(service.set_token, actor, source, token):
        tell(t("page.models.token_saved"))
        st.rerun()


def _repos(source: WeightsSource) -> list[str]:
    """The catalog's repositories on that hub."""
    models = session.app().catalog.catalog().models.values()
    found = (model.modelscope if source is WeightsSource.MODELSCOPE else model.huggingface for model in models)
    return sorted({repo for repo in found if repo}, key=str.lower)


def _folder_example() -> str:
    """Where it goes where nobody says otherwise."""
    name = str(_value("repo") or "").rstrip("/").rpartition("/")[2]
    return f"{session.app().weights.roots()[0]}/{name}"


def _request() -> DownloadRequest:
    return DownloadRequest(
        source=_value("source") or _SOURCES[0],
        repo=str(_value("repo") or ""),
        folder=str(_value("folder") or ""),
        revision=str(_value("revision") or ""),
        endpoint=str(_value("endpoint") or ""),
        patterns=tuple(str(_value("patterns") or "").splitlines()),
    )


def _panel(plan: DownloadPlan, found: tuple[Finding, ...]) -> None:
    t, blocks = session.texts(), blocking(found)
    st.subheader(t("page.models.plan"), anchor=False)
    if not plan.request.repo:
        st.markdown(t("page.models.needed"))
    else:
        st.markdown("\n".join(f"- {line}" for line in _facts(plan)))
        other_findings(found, *FIELDS)
        st.caption(t("page.models.plan_command"))
        command_block(plan.command)
    pressed = st.button(
        t("page.models.start"),
        key="download_start",
        type="primary",
        icon=":material/download:",
        disabled=bool(blocks),
        width="stretch",
    )
    if pressed and act(session.app().weights.start, session.actor(), plan, form=FORM):
        st.rerun()


def _facts(plan: DownloadPlan) -> list[str]:
    t = session.texts()
    size = t("page.models.plan_size", size=t.size(plan.expected_bytes)) if plan.expected_bytes else None
    facts = [size or t("page.models.plan_size_unknown"), f"`{plan.request.folder}`"]
    facts += [t("page.models.plan_there", size=t.size(plan.there_bytes))] if plan.there_bytes else []
    facts += [t("page.models.plan_free", size=t.size(plan.free_bytes))] if plan.free_bytes is not None else []
    return facts


def adopt_form() -> None:
    """A folder that was filled by other means."""
    t, service = session.texts(), session.app().weights
    st.markdown(t("page.models.adopt_text", roots=", ".join(f"`{root}`" for root in service.roots())))
    with st.form("adopt", border=False):
        path = st.text_input(t("page.models.adopt_path"), help=t("page.models.adopt_path_help"), key="adopt_path")
        field_findings(refusals("adopt"), *FIELDS)
        added = st.form_submit_button(t("page.models.adopt_yes"))
    if added and act(service.adopt, session.actor(), path, form="adopt"):
        tell(t("page.models.adopted", path=path.strip()))
        st.rerun()
