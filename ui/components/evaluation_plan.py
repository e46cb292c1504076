"""What an evaluation will do, before it does."""

from __future__ import annotations

import streamlit as st

from core.domain.evaluation import DatasetOrigin, EvaluationPlan
from ui import session
from ui.components.pieces import command_block, shell_text


def plan_facts(plan: EvaluationPlan) -> None:
    """How much, how long, and the same without this page: by our shell, and by EvalScope alone."""
    t = session.texts()
    _figures(plan)
    with st.expander(t("page.accuracy.command")):
        command_block(plan.command)
    if plan.cli_calls:
        with st.expander(t("page.accuracy.evalscope")):
            python, shell = st.tabs([t("page.accuracy.evalscope_python"), t("page.accuracy.evalscope_cli")])
            python.code(plan.python_call, language="python", wrap_lines=True)
            shell.code("\n\n".join(map(shell_text, plan.cli_calls)), language=None, wrap_lines=True)
            _questions(plan)


def _questions(plan: EvaluationPlan) -> None:
    """What the shown calls read, where it is not EvalScope's own."""
    t, datasets, choices = session.texts(), session.app().datasets, plan.request.datasets
    if any(one.dataset.origin is not DatasetOrigin.EVALSCOPE for one in plan.datasets):
        st.download_button(
            t("page.accuracy.questions_zip"),
            lambda: datasets.question_zip(choices),
            file_name="questions.zip",
            mime="application/zip",
            key="questions_zip",
            help=t("page.accuracy.questions_zip_help"),
            icon=":material/folder_zip:",
            on_click="ignore",
        )


def _figures(plan: EvaluationPlan) -> None:
    t, unknown = session.texts(), session.texts()("page.accuracy.unknown")
    first, second = st.columns(2)
    counts = {"questions": plan.questions, "requests": plan.requests}
    for column, (name, value) in zip((first, second), counts.items(), strict=True):
        column.metric(
            t(f"page.accuracy.{name}"),
            unknown if value is None else t.number(value),
            help=t("page.accuracy.unknown_help") if value is None else None,
        )
    third, fourth = st.columns(2)
    tokens = {"tokens_in": plan.input_tokens, "tokens_out": plan.output_tokens}
    for column, (name, value) in zip((third, fourth), tokens.items(), strict=True):
        column.metric(t(f"page.accuracy.{name}"), unknown if value is None else t.number(value))
    if plan.estimate_s is not None:
        st.metric(t("page.accuracy.estimate"), t.duration(plan.estimate_s))
    elif plan.most_s is not None:
        st.metric(t("page.accuracy.most"), t.duration(plan.most_s), help=t("page.accuracy.most_help"))
    else:
        st.metric(t("page.accuracy.estimate"), unknown, help=t("page.accuracy.estimate_unknown_help"))
