"""Questions of one's own: look at a file row by row, then keep it as the next version of its name."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.domain.finding import Finding, Severity
from core.domain.questions import Question, RowProblem, UploadCheck
from core.services.datasets import DatasetRow
from ui import session
from ui.act import act, refusals, tell
from ui.components.findings import draw_findings
from ui.markdown import plain

FORM = "questions"
_SHOWN = 8
_EXAMPLE = """question,A,B,C,D,answer
Which gas do plants take in?,Oxygen,Carbon dioxide,Helium,Nitrogen,B

{"id": "sum-1", "question": "What is 12 × 7?", "answer": "84"}
{"id": "sum-2", "question": "3 支笔每支 4 元，共多少元？", "answer": "3*4=12 #### 12"}"""


def upload_form() -> None:
    """Name, file, what is wrong with it, and the button."""
    t, datasets = session.texts(), session.app().datasets
    st.caption(t("page.datasets.own_lead"))
    name = st.text_input(t("page.datasets.own_name"), key="questions_name", help=t("page.datasets.own_name_help"))
    about = st.text_input(t("page.datasets.own_description"), key="questions_about")
    file = st.file_uploader(t("page.datasets.own_file"), type=["csv", "tsv", "jsonl", "json"], key="questions_file")
    with st.expander(t("page.datasets.own_example")):
        st.code(_EXAMPLE, language=None, wrap_lines=True)
    data, file_name = (file.getvalue(), file.name) if file else (b"", "")
    check = datasets.check(data, file_name) if file else None
    if check:
        _told(check)
    draw_findings(refusals(FORM))
    pressed = st.button(
        t("page.datasets.own_keep"),
        key="questions_keep",
        type="primary",
        icon=":material/save:",
        disabled=not (check and check.is_sound and name.strip()),
    )
    if pressed and (kept := act(datasets.keep, session.actor(), name, data, file_name, description=about, form=FORM)):
        found = kept.value
        tell(t("page.datasets.own_kept", name=found.name, version=found.version, count=found.count))
        st.rerun()


def _told(check: UploadCheck) -> None:
    t = session.texts()
    if check.is_sound and check.kind is not None:
        kind = t(f"dataset.kind_{check.kind}")
        st.markdown(
            f":green[:material/check_circle:] {t('page.datasets.own_sound', count=len(check.questions), kind=kind)}"
        )
        return
    rows = len(check.questions) + len(check.problems)
    if any(problem.row for problem in check.problems):
        st.markdown(t("page.datasets.own_unsound", problems=len(check.problems), rows=rows))
    for problem in check.problems[:_SHOWN]:
        st.markdown(f":red[:material/block:] {plain(_problem(problem))}")
    if len(check.problems) > _SHOWN:
        st.caption(t("page.datasets.own_more", count=len(check.problems) - _SHOWN))


def _problem(problem: RowProblem) -> str:
    t = session.texts()
    text = t.finding(Finding(problem.code, Severity.BLOCK, None, problem.params))
    return text if problem.row is None else t("page.datasets.own_row", row=problem.row, text=text)


def preview(rows: Sequence[DatasetRow]) -> None:
    """The first questions of a set that is here, and its versions."""
    t, datasets = session.texts(), session.app().datasets
    keys = [row.dataset.key for row in rows if row.dataset.is_offline]
    if not keys:
        return
    chosen = st.selectbox(
        t("page.datasets.preview"),
        keys,
        index=None,
        key="datasets_preview",
        placeholder=t("page.datasets.preview_placeholder"),
        help=t("page.datasets.preview_help"),
    )
    if not chosen:
        return
    for version in datasets.versions(chosen):
        st.caption(t("page.datasets.versions", version=version.version, count=version.samples))
    for question in datasets.preview(chosen):
        _question(question)


def _question(question: Question) -> None:
    with st.container(border=True, gap="xxsmall"):
        st.markdown(plain(question.text))
        for letter, option in zip("ABCDEFGHIJ", question.options, strict=False):
            st.markdown(f"{letter}) {plain(option)}")
        st.caption(plain(session.texts()("page.datasets.gold", gold=question.answer)))
