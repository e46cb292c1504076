"""A run's page: answer first, live while it runs, every figure, its evidence."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import Role
from core.domain.benchmark import Measurement, RequestCounts, RunState, requests_artifact
from core.domain.endpoint import Origin
from core.domain.job import JobState, Reason
from core.domain.workload import Slo
from core.services.jobs import JobService
from core.services.results import ResultService
from tests.fakes import samples
from tests.fakes.job_queue import FakeJobQueue
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session

RUN = "run-1"


@pytest.fixture
def queue(app: App) -> FakeJobQueue:
    """The job engine, with a worker."""
    queue = FakeJobQueue(app.clock.now())
    jobs = JobService(app.store.jobs, queue, app.tools, app.settings, app.clock)
    session.install(replace(app, jobs=jobs, results=ResultService(app.store, jobs)))
    return queue


def point(index: int, concurrency: int, **changes: Any) -> Measurement:
    rate = concurrency * 48.0
    return samples.measurement(index, concurrency=concurrency, output_tokens_per_s=rate, **changes)


def store(app: App, *measurements: Measurement, state: RunState = RunState.COMPLETE, **run: Any) -> None:
    """A run of two points, with its job and what was measured of it."""
    app.store.endpoints.add(samples.endpoint())
    app.store.runs.add(samples.run(state=RunState.PENDING, **run))
    app.store.jobs.add(samples.job())
    for measurement in measurements:
        app.store.runs.save_measurement(RUN, measurement)
    if state is not RunState.PENDING:
        app.store.runs.set_state(RUN, state, ended_at=app.clock.now())


def ended(app: App, outcome: JobState = JobState.DONE, reason: Reason | None = None) -> None:
    app.store.jobs.finish("job-1", outcome, app.clock.now(), reason)


def charts(at: AppTest) -> list[dict[str, Any]]:
    """The figures on the page, as they travel to the browser."""
    found = [json.loads(element.proto.json) for element in at.get("bidi_component")]
    return [data["figure"] for (data,) in found]


def test_without_an_id_one_sentence_and_the_way_to_the_list(open_page: Open) -> None:
    at = open_page("run")
    assert not at.exception
    assert "No run was named" in sentences(at)


def test_an_unknown_run_is_told_in_a_card(queue: FakeJobQueue, open_page: Open) -> None:
    at = open_page("run", id="run-none")
    assert not at.exception
    assert "run\\-none" in sentences(at)


def test_the_answer_comes_first_then_curve_and_table(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), point(1, 16))
    ended(app)
    at = open_page("run", id=RUN)
    assert not at.exception
    written = sentences(at).replace("\\", "")
    assert "Output up to 768 tok/s, at 16 concurrent." in written
    curve, percentiles = charts(at)
    assert curve["data"][0]["x"] == [200.0, 200.0]
    assert curve["data"][0]["text"] == ["1", "16 concurrent"]
    assert [line["name"] for line in percentiles["data"]] == ["p50", "p90", "p99"]
    assert "| :small[16] | :small[192] | :small[0] | :small[768] |" in written
    assert "2000000011" in written, "the seed"


def test_no_page_needs_pandas(app: App, queue: FakeJobQueue, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take a third of the web process's memory."""
    store(app, point(0, 1), point(1, 16))
    ended(app)
    monkeypatch.setitem(sys.modules, "pandas", None)
    for page in ("overview", "endpoints", "benchmark", "runs", "run", "jobs", "deploy", "deployments", "settings"):
        assert not open_page(page, id=RUN).exception, page


def test_axes_come_from_the_address_and_return_to_it(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1))
    ended(app)
    at = open_page("run", id=RUN, x="tpot_p99", logx="1")
    assert charts(at)[0]["layout"]["xaxis"]["title"]["text"] == "TPOT p99 (ms)  ← better"
    assert charts(at)[0]["layout"]["xaxis"]["type"] == "log"
    at.selectbox(key="url_x").set_value("e2el_p50").run()
    assert at.query_params["x"] in ("e2el_p50", ["e2el_p50"])
    at.selectbox(key="url_x").set_value("ttft_p50").run()
    assert "x" not in at.query_params, "the default leaves the address"


def test_what_is_no_axis_is_read_as_the_default(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1))
    ended(app)
    at = open_page("run", id=RUN, x="nonsense", point="99", y="<b>")
    assert not at.exception
    assert charts(at)[0]["layout"]["xaxis"]["title"]["text"].startswith("TTFT p50")


def test_a_point_opens_its_requests(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    told = {
        "prefix_cache_hit_share": 0.25,
        "kv_cache_usage_max": 0.5,
        "requests_running_mean": 15.5,
        "preemptions": 3.0,
        "mtp_acceptance_share": 0.02,
    }
    store(app, point(0, 1), replace(point(1, 16), server_metrics=told))
    ended(app)
    lines = [
        {"index": n, "started_s": n * 0.1, "ttft_ms": 200.0 + n, "e2el_ms": 900.0, "tpot_ms": 20.0}
        | {"input_tokens": 8, "output_tokens": 8, "failure": None, "detail": "", "process": 0, "itl_ms": [20.0]}
        for n in range(5)
    ]
    raw = "\n".join(map(json.dumps, lines)).encode()
    app.store.artifacts.save(RUN, requests_artifact(1, 0), "application/x-ndjson", [raw])
    at = open_page("run", id=RUN, point="1")
    assert not at.exception
    over_time = charts(at)[2]
    assert over_time["data"][0]["y"] == [200.0, 201.0, 202.0, 203.0, 204.0]
    assert len(charts(at)) == 4
    written = sentences(at).replace("\\", "")
    assert "prefix cache hits 25" in written
    assert all(fact in written for fact in ("KV cache up to 50", "15.5 requests running", "3 preemptions"))
    assert "random: how many drafted tokens were accepted says nothing about real text" in written
    assert "Steady state: 1,980 tok/s output over 10" in written
    at.pills(key="run_point_1").set_value(0).run()
    assert "no request records" in sentences(at)


def test_while_it_runs_it_shows_what_is_measured_now(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, state=RunState.PENDING)
    app.store.jobs.mark_started("job-1", app.clock.now())
    queue.engine["job-1"] = JobState.RUNNING
    detail = {"concurrency": 1, "output_tokens_per_s": 48.5, "failed": 0}
    app.store.jobs.save_progress("job-1", samples.progress(label="measuring", detail=detail))
    at = open_page("run", id=RUN)
    assert not at.exception
    figures = {metric.label: metric.value for metric in at.metric}
    assert figures["Requests, this point"] == "96 / 192"
    assert figures["Output now"] == "48.5 tok/s"
    assert figures["Left, about"] == "8.2 s", "6.4 s, then 12 waves at this pace and a point's start"
    assert "Measuring 1 concurrent" in sentences(at)
    assert "The first point appears here" in sentences(at)
    assert at.button(key="cancel_job-1")


def test_an_interrupted_run_resumes_with_one_click(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), state=RunState.PENDING)
    app.store.jobs.mark_started("job-1", app.clock.now())
    queue.engine["job-1"], queue.worker_at = JobState.RUNNING, None
    at = open_page("run", id=RUN)
    assert "Its worker is gone" in sentences(at)
    at.button(key="resume_job-1").click().run()
    assert queue.engine["job-1"] is JobState.QUEUED


def test_a_failed_run_says_why_and_keeps_its_points(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), state=RunState.PARTIAL)
    ended(app, JobState.FAILED, Reason("tool_failed", {"tool": "seatrial", "exit_code": 9, "detail": "killed"}))
    at = open_page("run", id=RUN)
    written = sentences(at).replace("\\", "")
    assert "Partial: 1 of 2 points." in written
    assert "seatrial ended with exit code 9: killed" in written
    assert len(charts(at)[0]["data"][0]["x"]) == 1


def test_failures_are_listed_by_kind(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1, requests=RequestCounts(190, 2, {"timeout": 1, "http_500": 1})))
    ended(app)
    written = sentences(open_page("run", id=RUN)).replace("\\", "")
    assert "1 concurrent: 1 × Timed out, 1 × HTTP 500" in written


def test_a_simulated_run_says_so_in_chinese(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), point(1, 16), origin=Origin.SIMULATED.value)
    ended(app)
    at = open_page("run", id=RUN, locale="zh-CN")
    assert not at.exception
    written = sentences(at).replace("\\", "")
    assert "模拟" in written
    assert "输出最高 768 tok/s（并发 16）。" in written
    assert charts(at)[0]["layout"]["xaxis"]["title"]["text"] == "首字延迟 p50 (ms)  ← 更好"


def test_a_note_is_kept_and_a_viewer_only_reads(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1))
    ended(app)
    at = open_page("run", id=RUN)
    at.session_state["run_evidence"] = "Note"
    at.run()
    at.text_area(key="run_note").set_value("looks right").run()
    at.button(key="run_note_save").click().run()
    assert app.store.runs.get(RUN).note == "looks right"
    at = open_page("run", id=RUN, person=Role.VIEWER)
    at.session_state["run_evidence"] = "Note"
    at.run()
    assert "looks right" in sentences(at)
    assert not at.text_area


def test_a_service_level_in_the_address_is_answered_and_drawn(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), point(1, 16, ttft_ms=samples.distribution(900)))
    ended(app)
    at = open_page("run", id=RUN, slo_ttft="300", slo_p="99", x="ttft_p99")
    assert not at.exception
    written = sentences(at).replace("\\", "")
    assert "Holds 1 concurrent user within TTFT ≤ 300 ms at p99; breaks at 16 concurrent users." in written
    assert "no request records" in written
    curve, percentiles = charts(at)[:2]
    assert [note["text"] for note in curve["layout"]["annotations"]] == ["SLO 300 ms"]
    assert [note["text"] for note in percentiles["layout"]["annotations"]] == ["SLO 300 ms"]
    at.number_input(key="slo_tpot_None").set_value(50.0).run()
    assert "TPOT ≤ 50 ms" in sentences(at).replace("\\", "")
    assert not open_page("run", id=RUN, slo_ttft="<b>", slo_p="7", slo_e2el="-1").exception


def test_the_sweeps_own_service_level_stands_where_the_address_says_nothing(
    app: App, queue: FakeJobQueue, open_page: Open
) -> None:
    store(app, point(0, 1), workload=samples.workload(slo=Slo(90, e2el_ms=5000.0)))
    ended(app)
    assert "Holds at least 1 concurrent user within E2EL ≤ 5,000 ms at p90" in sentences(
        open_page("run", id=RUN)
    ).replace("\\", "")


def test_a_percentile_that_the_shell_asked_for_is_the_one_that_is_shown(
    app: App, queue: FakeJobQueue, open_page: Open
) -> None:
    store(app, point(0, 1), workload=samples.workload(slo=Slo(97, e2el_ms=5000.0)))
    ended(app)
    at = open_page("run", id=RUN)
    assert at.selectbox(key="slo_p_97").value == 97
    at.number_input(key="slo_ttft_None").set_value(900.0).run()
    assert at.query_params["slo_p"] == "97"
    assert "at p97" in sentences(at).replace("\\", "")


def test_requests_come_page_by_page_and_failures_alone(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1))
    ended(app)
    line = {"started_s": 0.1, "e2el_ms": 900.0, "tpot_ms": 20.0, "input_tokens": 8, "output_tokens": 8, "process": 0}
    bad = {"index": 45, "ttft_ms": None, "failure": "http_500", "detail": "a|b *x* <script>"}
    lines = [{**line, "index": n, "ttft_ms": 100.0 + n, "failure": None, "detail": ""} for n in range(45)]
    raw = "\n".join(map(json.dumps, [*lines, {**line, **bad}])).encode()
    app.store.artifacts.save(RUN, requests_artifact(0, 0), "application/x-ndjson", [raw])
    at = open_page("run", id=RUN, point="0", requests="slow_ttft", shape="cumulative")
    assert not at.exception
    written = sentences(at)
    assert ":small[144 ms]" in written
    assert ":small[100 ms]" not in written, "that is on the third page"
    written = sentences(open_page("run", id=RUN, point="0", requests="failed"))
    assert "a/b ∗x∗" in written
    assert ":small[1]" in written


def test_the_guides_figures_and_the_tags(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    store(app, point(0, 1), tags=("nightly",))
    ended(app)
    at = open_page("run", id=RUN, table="guide", locale="zh-CN")
    assert not at.exception
    written = sentences(at)
    assert "总词元吞吐" in written
    assert "nightly" in written


def test_every_way_out_is_offered_and_an_archived_run_comes_back(
    app: App, queue: FakeJobQueue, open_page: Open
) -> None:
    store(app, point(0, 1))
    ended(app)
    app.store.runs.archive([RUN], app.clock.now())
    at = open_page("run", id=RUN, slo_ttft="300")
    assert "Archived on" in sentences(at)
    at.session_state["run_share"] = True
    at.run()
    assert not at.exception
    names = {button.proto.label for button in at.get("download_button")}
    assert {"One HTML file", "Points as CSV", "Everything as JSON", "Points as Parquet"} <= names
    assert any(block.value.startswith("**tiny W8A8**") for block in at.code)
    assert any(block.value.endswith(f"?id={RUN}&slo_ttft=300") for block in at.code), "what is seen is what is sent"
    at.button(key="run_restore").click().run()
    assert app.store.runs.get(RUN).archived_at is None
