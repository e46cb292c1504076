"""The history of runs: paged in SQL, filtered, a link each."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR, Role
from core.domain.benchmark import RunState
from core.domain.endpoint import Origin
from core.domain.history import Facet, RunFilter, Shelf
from tests.fakes import samples
from tests.fakes.samples import NOW
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences


def seed(app: App, count: int, model: str = "tiny", origin: str = Origin.ATTACHED, **run: Any) -> None:
    """Runs of one measured point each, the last one the newest."""
    if not app.store.endpoints.list():
        app.store.endpoints.add(samples.endpoint())
    for number in range(count):
        run_id = f"run-{model}-{number:03}"
        at = NOW + timedelta(minutes=number)
        app.store.runs.add(samples.run(id=run_id, model=model, origin=origin, job_id=None, created_at=at, **run))
        app.store.runs.save_measurement(run_id, samples.measurement(output_tokens_per_s=100.0 + number))
        app.store.runs.set_state(run_id, RunState.COMPLETE)


def links(at: object) -> list[str]:
    """Where the rows lead."""
    return [element.proto.query_string for element in at.get("page_link")]  # type: ignore[attr-defined]


def test_without_runs_one_sentence_and_the_way_to_the_first(open_page: Open) -> None:
    at = open_page("runs")
    assert not at.exception
    assert "No run yet" in sentences(at)
    assert not at.text_input


@pytest.mark.parametrize(("locale", "state"), [("en-US", "Complete"), ("zh-CN", "完整")])
def test_a_row_says_what_was_reached_and_leads_to_the_run(app: App, open_page: Open, locale: str, state: str) -> None:
    seed(app, 1)
    at = open_page("runs", locale=locale)
    assert not at.exception
    written = sentences(at)
    assert state in written
    assert "1 / 2" in written
    assert "200" in written
    assert links(at) == ["id=run-tiny-000"]


def test_pages_come_newest_first(app: App, open_page: Open) -> None:
    seed(app, 30)
    at = open_page("runs")
    assert links(at)[0] == "id=run-tiny-029"
    assert len(links(at)) == 15
    at.pagination(key="runs_page").set_value(2).run()
    assert links(at) == [f"id=run-tiny-{number:03}" for number in range(14, -1, -1)]


def test_a_filter_comes_from_the_address_and_begins_at_the_first_page(app: App, open_page: Open) -> None:
    seed(app, 30)
    seed(app, 2, "other")
    at = open_page("runs", model="other")
    assert len(links(at)) == 2
    assert "2 runs, newest first" in sentences(at)
    at = open_page("runs")
    at.pagination(key="runs_page").set_value(2).run()
    at.text_input(key="q").set_value("other").run()
    assert len(links(at)) == 2


def test_nothing_found_is_told_and_the_filter_can_be_cleared(app: App, open_page: Open) -> None:
    seed(app, 1)
    at = open_page("runs", q="zzz")
    assert "No run matches" in sentences(at)
    at.button(key="runs_clear_all").click().run()
    assert links(at) == ["id=run-tiny-000"]


def test_simulated_runs_say_so(app: App, open_page: Open) -> None:
    seed(app, 1, origin=Origin.SIMULATED)
    assert "Simulated" in sentences(open_page("runs"))


def test_a_filter_in_the_address_is_a_chip_that_a_click_takes_away(app: App, open_page: Open) -> None:
    seed(app, 2)
    seed(app, 3, "other", tags=("nightly",), provenance={"platform": "va16"})
    at = open_page("runs", platform="va16", tag="nightly", since="2026-01-02", until="2026-01-02")
    assert len(links(at)) == 3
    assert "nightly" in sentences(at)
    at.button(key="drop_tag").click().run()
    assert "tag" not in at.query_params
    assert len(links(at)) == 3
    assert len(links(open_page("runs", until="2026-01-01"))) == 0
    assert not open_page("runs", since="nonsense", shelf="<b>", show="x").exception


def test_picked_runs_are_tagged_archived_and_brought_back(app: App, open_page: Open) -> None:
    seed(app, 3)
    at = open_page("runs")
    assert not at.get("popover_tag")
    for number in (0, 1):
        at.checkbox(key=f"pick_run-tiny-00{number}").check()
    at.run()
    assert "2 runs picked" in sentences(at)
    at.text_input(key="bulk_tag_text").set_value("Driver  550")
    at.button(key="FormSubmitter:bulk_tag_form-Add").click().run()
    assert [row.tags for row in app.store.runs.page(0, 9).rows] == [(), ("driver 550",), ("driver 550",)]
    at.button(key="bulk_archive").click().run()
    assert links(at) == ["id=run-tiny-002"]
    assert "2 runs archived" in sentences(at)
    at.button(key="runs_undo_button").click().run()
    assert len(links(at)) == 3
    assert not at.exception


def test_a_frozen_view_shows_its_runs_whatever_comes_later(app: App, open_page: Open) -> None:
    seed(app, 3)
    ids = ("run-tiny-000", "run-tiny-002")
    view = app.history.keep_view(LOCAL_OPERATOR, "runs", "Before the <upgrade>", {}, ids)
    app.store.runs.archive(["run-tiny-000"], app.clock.now())
    at = open_page("runs", view=view.id.lower(), person=Role.VIEWER)
    assert [query for query in links(at) if query] == [f"id={run_id}" for run_id in ids]
    assert at.code[0].value.endswith(f"?view={view.id}")


def test_a_view_that_froze_nothing_is_its_filter(app: App, open_page: Open) -> None:
    seed(app, 1)
    seed(app, 2, "other")
    view = app.history.keep_view(LOCAL_OPERATOR, "runs", "Others", {"model": "other"})
    seed(app, 4, "third")
    at = open_page("runs", view=view.id)
    assert links(at) == ["id=run-other-001", "id=run-other-000"]
    assert "view" not in at.query_params


def test_picked_runs_are_kept_by_the_form_and_a_viewer_puts_nothing_away(app: App, open_page: Open) -> None:
    seed(app, 3)
    at = open_page("runs")
    at.checkbox(key="pick_run-tiny-001").check()
    at.session_state["runs_views"] = True
    at.run()
    at.text_input(key="runs_view_title").set_value("The second")
    at.button(key="FormSubmitter:runs_keep-Keep this view").click().run()
    (view,) = app.history.views("runs")
    assert (view.title, view.run_ids, dict(view.state)) == ("The second", ("run-tiny-001",), {})
    assert [query for query in links(at) if query.startswith("id=")] == ["id=run-tiny-001"]
    at = open_page("runs", person=Role.VIEWER)
    at.session_state["runs_views"] = True
    at.run()
    assert f"view={view.id}" in links(at)
    assert not [button for button in at.button if str(button.key).startswith("view_away")]
    assert not at.text_input(key="q").disabled and len(at.get("form")) == 0


def test_runs_over_time_with_what_happened(app: App, open_page: Open) -> None:
    seed(app, 3)
    seed(app, 2, "other", version_label="r2")
    app.history.annotate(LOCAL_OPERATOR, NOW + timedelta(minutes=1), "driver <b>upgraded</b>")
    at = open_page("runs", show="trend", load="16")
    assert not at.exception
    ((figure,),) = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    lines = {line["name"]: line["y"] for line in figure["figure"]["data"]}
    assert lines == {"tiny W8A8": [100.0, 101.0, 102.0], "other r2": [100.0, 101.0]}
    assert figure["figure"]["layout"]["annotations"][0]["text"] == "driver &lt;b&gt;upgraded&lt;/b&gt;"
    assert "Filter by model and workload" in sentences(at)
    assert app.history.count(RunFilter(facets={Facet.MODEL: "tiny"}, shelf=Shelf.ALL)) == 3
