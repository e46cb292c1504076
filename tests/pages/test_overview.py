"""What serves, what runs, what came last."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.bootstrap import App
from core.domain.access import Role
from core.domain.benchmark import RunState
from core.domain.endpoint import Origin
from core.domain.job import JobState
from core.services.jobs import JobService
from tests.fakes import samples
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session


def test_a_new_installation_is_explained_in_three_steps_with_a_way_to_go(open_page: Open) -> None:
    at = open_page("overview")
    written = sentences(at)
    assert all(step in written for step in ("1. Have something", "2. Measure it", "3. Read and share"))
    assert at.button(key="overview_attach").label == "Attach an endpoint"
    assert "make demo" in [block.value for block in at.code]


def test_it_says_when_nobody_does_the_work(open_page: Open) -> None:
    assert any("worker does not answer" in str(box.proto.title) for box in open_page("overview").warning)


def test_where_the_disk_is_full_it_says_that_instead(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.adapters.disk.LocalDisk.free", lambda self, folder: 0)
    at = open_page("overview")
    assert [box.proto.title for box in at.error] == ["The disk is full"]
    assert "goes on by itself" in at.error[0].value
    assert not at.warning


def test_it_tells_in_a_sentence_and_shows_what_there_is(app: App, open_page: Open) -> None:
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run(state=RunState.PARTIAL, origin="simulated"))
    at = open_page("overview")
    written = sentences(at)
    assert "1 endpoint attached, 0 jobs in progress, 1 run so far." in written
    assert "**tiny**" in written
    assert "Partial" in written
    assert ":violet-badge[:material/science: Simulated]" in written


def test_what_runs_is_shown_as_it_goes_and_its_server_is_not_offered(app: App, open_page: Open) -> None:
    queue = FakeJobQueue(app.clock.now())
    session.install(replace(app, jobs=JobService(app.store.jobs, queue, app.tools, app.settings, app.clock)))
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run())
    app.store.jobs.add(samples.job())
    app.store.jobs.mark_started("job-1", app.clock.now())
    app.store.jobs.save_progress("job-1", samples.progress(updated_at=app.clock.now()))
    queue.engine["job-1"] = JobState.RUNNING
    at = open_page("overview")
    written = sentences(at).replace("\\", "")
    assert "1 endpoint attached, 1 job in progress, 1 run so far." in written
    assert "0 of 2 steps done" in written
    assert "Running" in written
    assert "Being measured" in written
    assert "bench_ep-1" not in [button.key for button in at.button]


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_a_simulated_endpoint_says_so(app: App, open_page: Open, locale: str) -> None:
    app.store.endpoints.add(samples.endpoint(origin=Origin.SIMULATED))
    word = {"en-US": "Simulated", "zh-CN": "模拟"}[locale]
    assert f":violet-badge[:material/science: {word}]" in sentences(open_page("overview", locale=locale))


def test_a_viewer_is_offered_nothing_that_would_be_refused(app: App, open_page: Open) -> None:
    app.store.endpoints.add(samples.endpoint())
    assert open_page("overview").button(key="bench_ep-1").label == "Run a benchmark"
    at = open_page("overview", person=Role.VIEWER)
    assert "bench_ep-1" not in [button.key for button in at.button]


def test_names_from_outside_are_shown_as_they_are(app: App, open_page: Open) -> None:
    app.store.endpoints.add(samples.endpoint(name="<b>*x*</b> :red[y]"))
    assert "\\<b\\>\\*x\\*\\</b\\> \\:red\\[y\\]" in sentences(open_page("overview"))
