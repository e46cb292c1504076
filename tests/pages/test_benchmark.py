"""The benchmark form: plan beside the fields, then a queued run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import Role
from core.domain.endpoint import KeyState, Origin
from core.services.benchmarks import BenchmarkService
from core.services.jobs import JobService
from core.services.results import ResultService
from tests.fakes import samples
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session


@pytest.fixture
def queue(app: App) -> FakeJobQueue:
    """The job engine; what is started ends up here."""
    queue = FakeJobQueue(app.clock.now())
    jobs = JobService(app.store.jobs, queue, app.tools, app.settings, app.clock)
    benchmarks = BenchmarkService(app.store, queue, app.endpoints, app.clock, presets=app.benchmarks.presets)
    session.install(replace(app, jobs=jobs, benchmarks=benchmarks, results=ResultService(app.store, jobs)))
    return queue


@pytest.fixture
def endpoint(app: App) -> str:
    """An attached endpoint that was checked."""
    one = samples.endpoint(name="Lab box")
    app.store.endpoints.add(one)
    assert one.check is not None
    app.store.endpoints.save_check(one.id, replace(one.check, findings=()))
    return one.id


def command(at: AppTest) -> str:
    """The plan's command, on one line."""
    (block,) = at.code
    return str(block.value).replace("\\\n  ", "")


def test_without_endpoints_one_sentence_and_the_way_to_the_first(app: App, open_page: Open) -> None:
    at = open_page("benchmark")
    assert "nothing to measure yet" in sentences(at)
    assert not at.text_input


def test_it_begins_with_a_sweep_of_minutes(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    assert not at.exception
    assert "--concurrency 1,4,16 --requests 16,48,96 --input-tokens 128 --output-tokens 128" in command(at)
    assert {metric.label: metric.value for metric in at.metric}["Requests in all"] == "160"


def test_a_preset_fills_the_fields(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.pills(key="bench_preset_quick").set_value("chat").run()
    assert at.number_input(key="bench_input_tokens").value == 1024
    assert at.text_input(key="bench_concurrency").value == "1, 4, 16, 64"
    assert at.pills(key="bench_common_1, 4, 16, 64").value == [1, 4, 16, 64]
    at.number_input(key="bench_output_tokens").set_value(64).run()
    assert at.pills(key="bench_preset_None").value is None, "the fields are no preset any more"


def test_common_loads_are_a_click_and_the_requests_follow(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.pills(key="bench_common_1, 4, 16").set_value([1, 4, 16, 64]).run()
    assert at.text_input(key="bench_concurrency").value == "1, 4, 16, 64"
    assert at.text_input(key="bench_requests").value == "16, 48, 96, 384"
    at.text_input(key="bench_concurrency").set_value("3").run()
    assert at.pills(key="bench_common_3").value == []
    assert "--concurrency 3" in command(at)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("concurrency", "1, many", "Write whole numbers from 1 up"),
        ("requests", "16, 48", "one for each of the 3 points"),
        ("requests", "8", "8 requests cannot"),
    ],
)
def test_what_cannot_be_is_told_beside_its_field_and_kept(
    queue: FakeJobQueue, endpoint: str, open_page: Open, field: str, typed: str, said: str
) -> None:
    at = open_page("benchmark")
    at.text_input(key=f"bench_{field}").set_value(typed).run()
    assert said in sentences(at).replace("\\", "")
    assert at.text_input(key=f"bench_{field}").value == typed
    assert not any(button.key == "benchmark_start" and not button.disabled for button in at.button)
    assert not queue.begun_with


def test_lengths_over_the_context_are_blocked(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.number_input(key="bench_input_tokens").set_value(4096).run()
    assert "4,096" in sentences(at).replace("\\", "")
    assert at.button(key="benchmark_start").disabled


def test_start_queues_the_run_and_opens_its_page(app: App, queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark", endpoint=endpoint)
    at.text_input(key="bench_note").set_value("first try").run()
    at.button(key="benchmark_start").click().run()
    assert not at.exception
    (row,) = app.store.runs.page(0, 5).rows
    run = app.store.runs.get(row.id)
    assert (run.note, run.endpoint_id, len(run.workload.points)) == ("first try", endpoint, 3)
    assert list(queue.begun_with) == [run.job_id]
    assert at.query_params["id"] == run.id


def test_a_simulated_endpoint_says_so(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    one = samples.endpoint(origin=Origin.SIMULATED)
    app.store.endpoints.add(one)
    at = open_page("benchmark", locale="zh-CN")
    assert not at.exception
    assert "模拟" in at.selectbox[0].options[0]
    assert "这是模拟的 vLLM" in sentences(at)


def test_an_endpoint_that_did_not_answer_cannot_be_measured(
    app: App, queue: FakeJobQueue, endpoint: str, open_page: Open
) -> None:
    check = app.store.endpoints.get(endpoint).check
    assert check is not None
    app.store.endpoints.save_check(endpoint, replace(check, reachable=False, key_state=KeyState.UNKNOWN))
    at = open_page("benchmark")
    assert "Not answering" in sentences(at)
    assert "Blocked" in sentences(at)
    assert at.button(key="benchmark_start").disabled


def test_a_viewer_is_told_that_this_is_for_operators(
    app: App, queue: FakeJobQueue, endpoint: str, open_page: Open
) -> None:
    at = open_page("benchmark", person=Role.VIEWER)
    assert "For operators" in str([box.proto for box in at.info])
    assert "benchmark_start" not in {button.key for button in at.button}
