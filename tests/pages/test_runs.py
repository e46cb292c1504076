"""The history of runs: paged in SQL, filtered, a link each."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.bootstrap import App
from core.domain.benchmark import RunState
from core.domain.endpoint import Origin
from tests.fakes import samples
from tests.fakes.samples import NOW
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences


def seed(app: App, count: int, model: str = "tiny", origin: str = Origin.ATTACHED) -> None:
    """Runs of one measured point each, the last one the newest."""
    if not app.store.endpoints.list():
        app.store.endpoints.add(samples.endpoint())
    for number in range(count):
        run_id = f"run-{model}-{number:03}"
        at = NOW + timedelta(minutes=number)
        app.store.runs.add(samples.run(id=run_id, model=model, origin=origin, job_id=None, created_at=at))
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
    assert len(links(at)) == 25
    at.pagination(key="runs_page").set_value(2).run()
    assert links(at) == [f"id=run-tiny-00{number}" for number in (4, 3, 2, 1, 0)]


def test_a_filter_comes_from_the_address_and_begins_at_the_first_page(app: App, open_page: Open) -> None:
    seed(app, 30)
    seed(app, 2, "other")
    at = open_page("runs", model="other")
    assert len(links(at)) == 2
    assert "2 of 32 runs" in sentences(at)
    at = open_page("runs")
    at.pagination(key="runs_page").set_value(2).run()
    at.text_input(key="q").set_value("other").run()
    assert len(links(at)) == 2


def test_nothing_found_is_told_and_the_filter_can_be_cleared(app: App, open_page: Open) -> None:
    seed(app, 1)
    at = open_page("runs", q="zzz")
    assert "No run matches" in sentences(at)
    at.button(key="runs_clear").click().run()
    assert links(at) == ["id=run-tiny-000"]


def test_simulated_runs_say_so(app: App, open_page: Open) -> None:
    seed(app, 1, origin=Origin.SIMULATED)
    assert "Simulated" in sentences(open_page("runs"))
