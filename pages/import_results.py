"""Files of other tools in, runs of the history out: read first, then imported."""

import streamlit as st

from core.services.imports import ImportPlan
from ui import session
from ui.act import act, tell
from ui.components import go, header, link_button
from ui.components.import_plan import import_plan, refusals_of

app, t, actor = session.app(), session.texts(), session.actor()


def save(plan: ImportPlan) -> None:
    """Label, note, and the button; goes to the run where there is one, else to the list."""
    count, label, note = len(plan.new), "", ""
    if count:
        left, right = st.columns(2)
        label = left.text_input(
            t("page.import_results.label"), help=t("page.import_results.label_help"), key="import_label"
        )
        note = right.text_input(
            t("page.import_results.note"), help=t("page.import_results.note_help"), key="import_note"
        )
    text = t("page.import_results.save", count=count) if count else t("page.import_results.show")
    if st.button(text, type="primary", icon=":material/download:", key="import_save") and (
        saved := act(app.imports.save, actor, plan, version_label=label, note=note)
    ):
        if count:
            tell(t("page.import_results.told"))
        run_ids = saved.value
        go("run", id=run_ids[0]) if len(run_ids) == 1 else go("runs")


header("import_results")
given = st.file_uploader(
    t("page.import_results.files"),
    type=["json", "jsonl", "zip"],
    max_upload_size=256,
    accept_multiple_files=True,
    key="import_files",
    help=t("page.import_results.files_help"),
)
if given:
    plan = app.imports.plan([(file.name, file.getvalue()) for file in given])
    import_plan(plan)
    if plan.runs:
        save(plan)
    refusals_of(plan)
st.caption(t("page.import_results.how"))
link_button("runs", t("page.import_results.back"), key="import_back")
