"""Files in, runs out."""

from __future__ import annotations

from pathlib import Path

from core.bootstrap import App
from core.domain.access import Role
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences

VLLM = (Path(__file__).parents[1] / "data" / "vllm_bench_0.32.0.json").read_bytes()


def test_what_can_be_imported_is_shown_first_and_what_cannot_with_its_reason(app: App, open_page: Open) -> None:
    at = open_page("import_results")
    files = [("result.json", VLLM, "application/json"), ("odd.json", b"{}", "application/json")]
    at.file_uploader(key="import_files").set_value(files).run()
    assert not at.exception
    assert "1 point in 1 run" in [heading.value for heading in at.subheader]
    said = sentences(at).replace("\\", "")
    assert "odd.json" in said
    assert "but of none of the tools" in said
    assert app.store.runs.count() == 0
    at.text_input(key="import_label").set_value("W8A8").run()
    at.button(key="import_save").click().run()
    (row,) = app.store.runs.page(0, 5).rows
    assert (row.model, row.version_label, row.origin) == ("/weights/tiny", "W8A8", "imported")
    assert at.query_params["id"] == row.id


def test_a_viewer_is_told_that_this_is_for_operators(app: App, open_page: Open) -> None:
    at = open_page("import_results", person=Role.VIEWER, locale="zh-CN")
    assert not at.file_uploader
