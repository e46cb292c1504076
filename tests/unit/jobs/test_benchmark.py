"""A sweep's steps without an engine: a real store, a scripted child, a client in memory."""

from __future__ import annotations

import asyncio
import gzip
import json
import sqlite3
import threading
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.adapters.prompt_files import FolderPromptFiles
from core.domain.benchmark import Engine, Measurement, RequestCounts, RunState
from core.domain.endpoint import EndpointCheck, KeyState
from core.domain.job import JobState, Reason
from core.domain.seeds import point_seed
from core.errors import StoreError, ToolFailed
from core.formats.loadgen import measurement_to_json
from core.jobs.benchmark import BenchmarkWork
from core.jobs.loadgen_runner import LoadgenRunner
from core.jobs.server_watch import cache_warnings
from core.loadgen.task import LoadTask
from core.settings import read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.fresh_database import fresh_store
from tests.fakes.secrets import FakeSecrets
from tests.fakes.tool_runner import FakeToolRunner

STARTED = {"event": "started", "total": 192}


class Client:
    """An EndpointClient whose server counts one more on every look, until it is gone."""

    def __init__(self) -> None:
        self.looks = 0
        self.gone = False
        self.held: threading.Event | None = None

    def metrics(self, base_url: str, timeout_s: float = 2.0) -> Mapping[str, float] | None:
        if self.held is not None:
            self.held.wait(10)
        self.looks += 1
        return {"request_success_total": float(self.looks * 10), "num_requests_running": 3.0}

    def is_healthy(self, base_url: str, timeout_s: float = 2.0) -> bool:
        return not self.gone

    def check(self, base_url: str, key: str | None, served_name: str | None = None) -> EndpointCheck:
        return EndpointCheck(samples.NOW, reachable=not self.gone, key_state=KeyState.OPEN)


class Site:
    """One run of two points and two repeats."""

    def __init__(self, home: Path) -> None:
        self.settings = read_settings({"SEATRIAL_HOME": str(home)})
        self.store = fresh_store(home)
        self.client, self.secrets, self.clock = Client(), FakeSecrets(), FakeClock()
        self.tools = FakeToolRunner(self.child)
        self.result: dict[str, Any] = {}
        self.says: list[dict[str, Any] | str] = [STARTED, {"event": "done"}]
        self.leaves_measurement = True
        self.seen_env: list[Mapping[str, str]] = []
        self.tasks: list[LoadTask] = []
        runner = LoadgenRunner(self.tools, self.secrets, FolderPromptFiles(home / "prompts"))
        self.work = BenchmarkWork(
            self.store,
            self.client,  # type: ignore[arg-type]  # only what a sweep asks
            {Engine.SEATRIAL: runner},
            self.settings,
            self.clock,
        )
        self.store.endpoints.add(samples.endpoint())
        self.store.runs.add(samples.run(workload=samples.workload(repeats=2)))
        self.store.jobs.add(samples.job(steps_total=4))

    def child(self, argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        task = LoadTask.from_json(Path(argv[-1]).read_bytes())
        self.tasks.append(task)
        self.seen_env.append(env)
        if self.leaves_measurement:
            leave(Path(task.out_dir), self.measured(task.point.index, task.repeat))
        return [event if isinstance(event, str) else json.dumps(event) for event in self.says]

    def child_that_starts(self, after: Callable[[], bool]) -> Any:
        """A ToolRunner.run whose child starts its clock once ``after`` holds, and a moment later."""

        async def run(argv: Sequence[str], **_: object) -> AsyncGenerator[str, None]:
            while not after():
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            for line in self.child(argv, {}):
                yield line

        return run

    def measured(self, point: int, repeat: int) -> Measurement:
        return samples.measurement(point, repeat, **self.result)

    def out_dir(self, point: int, repeat: int) -> Path:
        return self.settings.work / "job-1" / f"p{point}-r{repeat}"

    async def do(self, step: int) -> Reason | None:
        return await self.work.do("job-1", step)

    def found(self) -> list[tuple[int, int]]:
        return [(one.point_index, one.repeat) for one in self.store.runs.measurements("run-1")]

    def log(self) -> str:
        return (self.settings.logs / "job-1.log").read_text()


def leave(out_dir: Path, measurement: Measurement) -> None:
    out_dir.mkdir(parents=True, exist_ok=True)
    with gzip.open(out_dir / "requests.jsonl.gz", "wt") as file:
        file.write('{"index": 0}\n')
    (out_dir / "measurement.json").write_text(measurement_to_json(measurement))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_every_point_comes_once_before_the_first_is_repeated(site: Site) -> None:
    steps = site.work.begin("job-1")
    assert [await site.do(step) for step in range(steps)] == [None] * 4
    assert [(task.point.index, task.repeat) for task in site.tasks] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert len(site.found()) == 4
    site.work.end("job-1", JobState.DONE)
    run = site.store.runs.get("run-1")
    assert (run.state, run.started_at, run.ended_at) == (RunState.COMPLETE, site.clock.now(), site.clock.now())
    assert not (site.settings.work / "job-1").exists()
    assert site.log().splitlines()[-1].endswith("done")


async def test_the_task_says_what_the_run_is(site: Site) -> None:
    await site.do(1)
    (task,) = site.tasks
    assert (task.base_url, task.served_name, task.seed) == ("http://127.0.0.1:8000/v1", "tiny", 2_000_000_011)
    assert (task.point.concurrency, task.input_tokens, task.output_tokens) == (16, 128, 128)
    assert (task.vocabulary_size, task.key_env) == (4000, None)


async def test_a_key_is_named_in_the_task_and_told_by_environment(site: Site) -> None:
    site.secrets.put("endpoint/ep-1", "sk-secret")
    site.store.endpoints.update(samples.endpoint(key_ref="endpoint/ep-1"))
    await site.do(0)
    (task,) = site.tasks
    assert task.key_env is not None
    assert site.seen_env == [{task.key_env: "sk-secret"}]
    assert "sk-secret" not in task.to_json() + " ".join(site.tools.calls[0]) + site.log()


async def test_what_is_measured_is_not_measured_again(site: Site) -> None:
    site.store.runs.save_measurement("run-1", samples.measurement(0, 0))
    assert await site.do(0) is None
    assert site.tools.calls == []


async def test_what_a_child_left_before_the_worker_died_is_kept_without_another_child(site: Site) -> None:
    leave(site.out_dir(0, 0), samples.measurement(0, 0, tool_version="left"))
    assert await site.do(0) is None
    assert site.tools.calls == []
    assert [one.tool_version for one in site.store.runs.measurements("run-1")] == ["left"]
    assert not site.out_dir(0, 0).exists()


async def test_what_a_child_left_unfinished_is_thrown_away(site: Site) -> None:
    site.out_dir(0, 0).mkdir(parents=True)
    (site.out_dir(0, 0) / "measurement.json").write_text('{"point_index": 0, "repe')
    (site.out_dir(0, 0) / "requests.jsonl.gz.part").write_text("half")
    assert await site.do(0) is None
    assert len(site.tools.calls) == 1
    assert site.found() == [(0, 0)]


async def test_raw_records_are_there_before_the_measurement_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> bool:
        raise StoreError("disk_full", detail="no space")

    with monkeypatch.context() as patched:
        patched.setattr(site.store.runs, "save_measurement", full)
        assert await site.do(0) == Reason("disk_full", {"detail": "no space"})
    (row,) = site.store.artifacts.list("run-1")
    assert (row.name, b"".join(site.store.artifacts.read(row.id))) == ("requests-p0-r0.jsonl", b'{"index": 0}\n')
    assert await site.do(0) is None
    assert len(site.tools.calls) == 1, "the child's files were still there"
    assert site.found() == [(0, 0)]


async def test_the_servers_own_counters_are_kept_as_what_was_counted_meanwhile(site: Site) -> None:
    site.tools.run = site.child_that_starts(after=lambda: site.client.looks == 1)  # type: ignore[method-assign]
    await site.do(0)
    (found,) = site.store.runs.measurements("run-1")
    assert found.server_metrics == {
        "request_success_total": 10.0,
        "requests_running_mean": 3.0,
        "requests_running_max": 3.0,
    }
    series = next(row for row in site.store.artifacts.list("run-1") if row.name == "server-metrics-0-0.jsonl.gz")
    lines = gzip.decompress(b"".join(site.store.artifacts.read(series.id))).splitlines()
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    assert first["t_s"] < 0 < last["t_s"]
    assert last["num_requests_running"] == 3.0


async def test_a_look_that_came_too_late_to_count_from_is_dropped(site: Site) -> None:
    site.client.held = threading.Event()
    site.tools.run = site.child_that_starts(after=lambda: True)  # type: ignore[method-assign]
    await site.do(0)
    site.client.held.set()
    assert site.store.runs.measurements("run-1")[0].server_metrics is None


async def test_a_server_without_metrics_is_not_asked(site: Site) -> None:
    check = samples.endpoint().check
    assert check is not None
    site.store.endpoints.save_check("ep-1", replace(check, has_metrics=False))
    await site.do(0)
    assert site.client.looks == 0
    assert site.store.runs.measurements("run-1")[0].server_metrics is None


async def test_a_point_whose_every_request_failed_is_a_measurement(site: Site) -> None:
    site.result = {"requests": RequestCounts(0, 192, {"http_500": 100, "timeout": 92}), "ttft_ms": None}
    assert await site.do(0) is None
    (found,) = site.store.runs.measurements("run-1")
    assert (found.requests.failures, found.ttft_ms) == ({"http_500": 100, "timeout": 92}, None)
    assert "http_500=100" in site.log()


async def test_lost_connections_to_a_server_that_is_there_are_a_measurement(site: Site) -> None:
    site.result = {"requests": RequestCounts(180, 12, {"truncated": 12})}
    assert await site.do(0) is None
    assert site.found() == [(0, 0)]


async def test_a_server_that_is_gone_ends_the_sweep_and_the_point_stays_to_be_done(site: Site) -> None:
    await site.do(0)
    site.result = {"requests": RequestCounts(3, 189, {"truncated": 16, "connect": 173})}
    site.client.gone = True
    reason = await site.do(1)
    assert reason == Reason("endpoint_gone", {"url": "http://127.0.0.1:8000/v1"})
    site.work.end("job-1", JobState.FAILED, reason)
    assert site.found() == [(0, 0)]
    assert site.store.runs.get("run-1").state is RunState.PARTIAL
    assert site.store.jobs.get("job-1").reason == reason
    site.client.gone, site.result = False, {}
    assert await site.do(1) is None
    assert site.found() == [(0, 0), (1, 0)]


async def test_without_any_point_a_failure_is_a_failed_run_and_a_cancel_a_partial_one(site: Site) -> None:
    site.work.end("job-1", JobState.FAILED, Reason("tool_failed"))
    assert site.store.runs.get("run-1").state is RunState.FAILED
    site.work.end("job-1", JobState.CANCELLED)
    assert site.store.runs.get("run-1").state is RunState.PARTIAL
    site.work.begin("job-1")
    run = site.store.runs.get("run-1")
    assert (run.state, run.ended_at) == (RunState.PENDING, None)


async def test_the_generators_own_word_is_the_reason(site: Site) -> None:
    def fails(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        raise ToolFailed(tool="core.loadgen", exit_code=1, detail="")

    params = {"url": "http://127.0.0.1:8000/v1", "detail": "refused"}
    site.tools.script = scripted([{"event": "failed", "code": "endpoint_unreachable", "params": params}])
    assert await site.do(0) == Reason("endpoint_unreachable", params)
    site.tools.script = fails
    assert await site.do(0) == Reason("tool_failed", {"tool": "core.loadgen", "exit_code": 1, "detail": ""})
    assert site.found() == []


def scripted(events: list[dict[str, Any]]) -> Any:
    """Says these, then ends badly."""

    class Lines(list[str]):
        def __iter__(self) -> Any:
            yield from (json.dumps(event) for event in events)
            raise ToolFailed(tool="core.loadgen", exit_code=1, detail="")

    return lambda argv, env: Lines()


async def test_a_line_that_is_no_event_is_named(site: Site) -> None:
    site.says = [STARTED, "Segmentation fault"]
    reason = await site.do(0)
    assert reason is not None
    assert (reason.code, reason.params["line"]) == ("output_not_understood", "Segmentation fault")


async def test_a_child_that_leaves_nothing_is_not_taken_for_a_measurement(site: Site) -> None:
    site.leaves_measurement = False
    reason = await site.do(0)
    assert reason is not None
    assert reason.code == "output_not_understood"


async def test_progress_is_written_as_it_comes(site: Site) -> None:
    values = {"done": 90, "failed": 6, "total": 192, "elapsed_s": 8.0, "eta_s": 8.0, "output_tokens_per_s": 1900.5}
    blocked, go_on = asyncio.Event(), asyncio.Event()

    async def stop_here(*_: object, **__: object) -> Any:
        yield json.dumps({"event": "progress", **values})
        blocked.set()
        await go_on.wait()

    site.tools.run = stop_here  # type: ignore[method-assign]
    task = asyncio.create_task(site.do(0))
    await blocked.wait()
    progress = site.store.jobs.progress(["job-1"])["job-1"]
    assert (progress.step, progress.label, progress.done, progress.total) == (0, "point_closed", 96, 192)
    assert (progress.rate_per_s, progress.eta_s, progress.unit) == (12.0, 8.0, "requests")
    assert progress.detail["output_tokens_per_s"] == 1900.5
    assert progress.detail["failed"] == 6
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_cancelled_step_closes_its_child(site: Site) -> None:
    started = asyncio.Event()
    closed: list[bool] = []

    async def endless(*_: object, **__: object) -> Any:
        try:
            while True:
                yield json.dumps({"event": "progress", "done": 1})
                started.set()
                await asyncio.sleep(0.01)
        finally:
            closed.append(True)

    site.tools.run = endless  # type: ignore[method-assign]
    task = asyncio.create_task(site.do(0))
    await started.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert closed == [True]
    assert site.found() == []


async def test_a_sweep_that_passed_its_peak_leaves_the_rest_out_and_says_where(site: Site) -> None:
    climbing = replace(samples.workload((1, 2, 4, 8), requests=8), stop_at_peak=True, repeats=2)
    site.store.runs.add(samples.run(id="run-2", job_id="job-2", workload=climbing))
    site.store.jobs.add(samples.job(id="job-2", run_id="run-2", steps_total=8))
    for step in range(site.work.begin("job-2")):
        assert await site.work.do("job-2", step) is None
    found = [(one.point_index, one.repeat) for one in site.store.runs.measurements("run-2")]
    assert found == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)], "every rate is the same"
    assert site.store.runs.get("run-2").provenance["stopped"] == {"code": "peak", "point_index": 2}


async def test_a_point_of_which_too_much_failed_is_marked(site: Site) -> None:
    site.result = {"requests": RequestCounts(100, 92, {"http_500": 92})}
    await site.do(0)
    (found,) = site.store.runs.measurements("run-1")
    assert "many_failures" in found.warnings
    assert site.store.runs.rows(["run-1"])[0].best_output_tokens_per_s is None


@pytest.mark.parametrize(("changes", "warned"), [({}, True), ({"prefix_share": 0.5}, False), ({"turns": 2}, False)])
def test_new_prompts_that_came_from_the_cache_are_told(changes: dict[str, Any], warned: bool) -> None:
    counted = {"prefix_cache_queries_total": 1000.0, "prefix_cache_hits_total": 300.0}
    assert bool(cache_warnings(samples.workload(**changes), counted)) is warned
    assert (
        cache_warnings(samples.workload(), {"prefix_cache_queries_total": 10.0, "prefix_cache_hits_total": 0.0}) == ()
    )


async def test_a_full_disk_that_drops_a_log_line_leaves_a_finished_run_finished(site: Site) -> None:
    for step in range(site.work.begin("job-1")):
        await site.do(step)
    full_log(site)
    site.work.end("job-1", JobState.DONE)
    assert site.store.jobs.get("job-1").outcome is JobState.DONE
    assert site.store.runs.get("run-1").state is RunState.COMPLETE


def full_log(site: Site) -> None:
    """Every write to the job's log fails with ENOSPC, as on a full disk."""
    file = site.settings.logs / "job-1.log"
    file.unlink(missing_ok=True)
    file.symlink_to("/dev/full")


async def test_a_database_that_is_locked_meanwhile_costs_progress_and_no_point(site: Site, tmp_path: Path) -> None:
    impatient = DatabaseStore(f"sqlite:///{tmp_path / 'seatrial.db'}", busy_timeout_s=0.02)
    site.work._store = impatient
    other = sqlite3.connect(tmp_path / "seatrial.db", isolation_level=None, check_same_thread=False)

    async def child(argv: Sequence[str], **_: object) -> AsyncGenerator[str, None]:
        other.execute("BEGIN IMMEDIATE")
        for line in site.child(argv, {}):
            yield line
        other.execute("ROLLBACK")

    site.says = [STARTED, {"event": "progress", "done": 1}, {"event": "done"}]
    site.tools.run = child  # type: ignore[method-assign]
    assert await site.do(0) is None
    assert site.found() == [(0, 0)]
    progress = site.store.jobs.progress(["job-1"])["job-1"]
    assert (progress.label, progress.step) == ("measured", 1), "after the lock it is told again"
    other.close()
    impatient.close()


async def test_a_measuring_process_that_was_killed_costs_nothing_but_its_time(site: Site) -> None:
    site.tools.script = killed(site, times=1)
    assert await site.do(0) is None
    assert site.found() == [(0, 0)]
    first, second = site.tasks
    assert (first.seed, first.attempt, second.seed, second.attempt) == (first.seed, 0, first.seed, 1)
    assert point_seed(1, 0, 0, 0) != point_seed(1, 0, 0, 1), "the server may remember the first prompts"
    assert "was killed" in site.log()


async def test_one_that_is_killed_again_and_again_is_told(site: Site) -> None:
    site.tools.script = killed(site, times=9)
    reason = await site.do(0)
    assert reason is not None
    assert (reason.code, reason.params["exit_code"], len(site.tasks)) == ("tool_failed", -9, 2)
    site.tools.script = site.child
    assert await site.do(0) is None
    assert site.tasks[-1].attempt == 2, "nor does a resumed job ask what was asked before"


def killed(site: Site, times: int) -> Any:
    """``kill -9`` in the middle, so many times."""

    def script(argv: Sequence[str], env: Mapping[str, str]) -> list[str]:
        if len(site.tasks) < times:
            site.tasks.append(LoadTask.from_json(Path(argv[-1]).read_bytes()))
            raise ToolFailed(tool="core.loadgen", exit_code=-9, detail="")
        return site.child(argv, env)

    return script
