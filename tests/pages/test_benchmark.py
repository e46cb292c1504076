"""The benchmark form: plan beside the fields, then a queued run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.bootstrap import App
from core.domain.access import Role
from core.domain.benchmark import Engine
from core.domain.deployment import DeploymentState
from core.domain.endpoint import KeyState, Origin
from core.domain.workload import Arrival
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
    benchmarks = BenchmarkService(
        app.store, queue, app.endpoints, app.clock, presets=app.benchmarks.presets, prompts=app.prompts
    )
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
    block = at.code[0]
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


def deployed(app: App) -> str:
    """An endpoint of a container of ours."""
    serve = ("vllm", "serve", "/weights/tiny", "--port", "8001", "--max-model-len", "4096")
    deployment = samples.deployment()
    spec = replace(deployment.spec, command=serve)
    app.store.deployments.add(replace(deployment, spec=spec, state=DeploymentState.READY))
    one = samples.endpoint(id="ep-2", name="Our own", served_name="tiny-2", deployment_id=deployment.id)
    app.store.endpoints.add(one)
    return one.id


def test_every_parameter_of_the_guide_has_a_field(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    at = open_page("benchmark", endpoint=deployed(app))
    at.segmented_control(key="bench_engine").set_value(Engine.VLLM_BENCH).run()
    assert not at.exception
    shown = {box.label: box.value for box in (*at.text_input, *at.toggle)}
    assert {name: shown[name] for name in ("--model", "--port", "--served-model-name", "--dataset-name")} == {
        "--model": "/weights/tiny",
        "--port": "8001",
        "--served-model-name": "tiny-2",
        "--dataset-name": "random",
    }
    assert (shown["--num-prompts"], shown["--max-concurrency"], shown["--ignore-eos"]) == (
        "16, 48, 96",
        "1, 4, 16",
        True,
    )
    assert {"--host", "--save-result"} <= set(shown)
    at.text_input(key="bench_result_dir").set_value("./benchmark_result").run()
    at.text_input(key="bench_result_filename").set_value("result.json").run()
    assert "--result-dir ./benchmark_result --result-filename result.json" in command(at)


def test_what_is_written_in_a_parameter_stands_in_the_form_and_in_the_command(
    app: App, queue: FakeJobQueue, open_page: Open
) -> None:
    at = open_page("benchmark", endpoint=deployed(app))
    at.segmented_control(key="bench_engine").set_value(Engine.VLLM_BENCH).run()
    at.text_input(key="bench_again_concurrency_1, 4, 16").set_value("2")
    at.number_input(key="bench_again_input_tokens_128").set_value(64)
    at.number_input(key="bench_again_output_tokens_128").set_value(32)
    at.toggle(key="bench_again_ignore_eos_True").set_value(False).run()
    assert at.text_input(key="bench_concurrency").value == "2"
    assert (at.number_input(key="bench_input_tokens").value, at.number_input(key="bench_output_tokens").value) == (
        64,
        32,
    )
    at.text_input(key=f"bench_again_requests_{at.text_input(key='bench_requests').value}").set_value("6").run()
    assert "--concurrency 2 --requests 6 --input-tokens 64 --output-tokens 32 --stop-at-eos" in command(at)
    at.slider(key="bench_prefix_share").set_value(50).run()
    own = next(box for box in at.text_input if box.label == "--random-input-len")
    assert (own.value, own.disabled) == ("32", True), "the tool counts the shared beginning apart"


def test_the_parameters_of_a_grid_are_its_lists(app: App, queue: FakeJobQueue, open_page: Open) -> None:
    at = open_page("benchmark", endpoint=deployed(app))
    at.segmented_control(key="bench_engine").set_value(Engine.VLLM_BENCH)
    at.pills(key="bench_preset_quick").set_value("vendor_grid").run()
    outputs = at.text_input(key="bench_output_list").value
    at.text_input(key=f"bench_again_output_list_{outputs}").set_value("256").run()
    assert not at.exception
    assert "--output-tokens 256" in command(at)


def test_a_grid_leaves_out_what_the_server_cannot_take(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.pills(key="bench_preset_quick").set_value("vendor_grid").run()
    assert not at.exception
    assert {metric.label: metric.value for metric in at.metric}["Runs"] == "5"
    assert "over the server's context of 4,096" in sentences(at).replace("\\", "")
    assert "--output-tokens 1024,8192" in command(at)
    at.button(key="benchmark_start").click().run()
    assert len(queue.begun_with) == 5


def test_rates_time_spread_turns_and_limits_reach_the_plan(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.segmented_control(key="bench_varies").set_value("even").run()
    at.number_input(key="bench_turns").set_value(2).run()
    at.number_input(key="bench_ttft_ms").set_value(500.0).run()
    assert "--input-tokens 64-192 --output-tokens 64-192 --turns 2 --slo-ttft 500" in command(at)
    at.segmented_control(key="bench_arrival").set_value(Arrival.POISSON).run()
    assert "need concurrency as load" in sentences(at)
    at.number_input(key="bench_turns").set_value(1).run()
    at.segmented_control(key="bench_ends").set_value("time").run()
    at.text_input(key="bench_rate").set_value("0.5, 2").run()
    assert "--rate 0.5,2 --arrival poisson --duration 60 --input-tokens 64-192" in command(at)
    at.text_input(key="bench_rate").set_value("0, 2").run()
    assert "numbers above 0" in sentences(at)


def test_a_file_of_prompts_takes_the_lengths_place(queue: FakeJobQueue, endpoint: str, open_page: Open) -> None:
    at = open_page("benchmark")
    at.file_uploader(key="bench_upload").upload("talks.jsonl", b'{"prompt": "hello there"}\n{"x": 1}\n').run()
    assert not at.exception
    assert "talks" in sentences(at)
    assert "--output-tokens 128 --dataset talks.jsonl" in command(at)
    assert "bench_input_tokens" not in {box.key for box in at.number_input}
    at.button(key="bench_drop").click().run()
    assert "--dataset" not in command(at)
