"""``vllm bench serve`` in a container, from the command to the measurement, with an engine in memory."""

from __future__ import annotations

import asyncio
import itertools
import json
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.benchmark import Engine
from core.domain.container import ContainerSpec
from core.domain.seeds import point_seed
from core.domain.workload import BenchFiles
from core.errors import ContainerFailed, NotFoundError, OutputNotUnderstood, ToolFailed
from core.formats.loadgen import measurement_from_json
from core.formats.vllm_bench import RUST_PROBE
from core.jobs.benchmark import PointWork
from core.jobs.vllm_bench_runner import VllmBenchRunner, end_left_behind
from core.ports import ExecResult
from core.settings import Settings, read_settings
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.engine import FakeEngine, FakeProgram
from tests.fakes.secrets import FakeSecrets

BENCH = ("vllm", "bench", "serve")
RESULT = (Path(__file__).parents[2] / "data" / "vllm_bench_0.32.0.json").read_bytes()
SERVE = ("vllm", "serve", "/weights/tiny", "--max-model-len", "4096", "--port", "8001", "--served-model-name", "tiny")


class HeldTools:
    """Only the lock of a ToolRunner."""

    held: str | None = None

    @asynccontextmanager
    async def hold(self, server_key: str, *, job_id: str = "") -> AsyncIterator[None]:
        self.held = server_key
        try:
            yield
        finally:
            self.held = None


class OneDeployment:
    """Only ``get`` of a DeploymentStore."""

    def __init__(self, container_id: str, spec: ContainerSpec) -> None:
        self._found = samples.deployment(container_id=container_id, spec=spec)

    def get(self, deployment_id: str) -> Any:
        return self._found


class Site:
    """A container that serves, and a runner beside it."""

    def __init__(self, folder: Path, engine: type[FakeEngine] = FakeEngine) -> None:
        self.settings: Settings = read_settings({"SEATRIAL_HOME": str(folder)})
        self.engine = engine({"vllm:test": "sha256:0"})
        self.engine.files["/tmp/seatrial-bench/*"] = RESULT
        self.engine.programs[BENCH] = FakeProgram(("100%|##########| 8/8 [00:00<00:00]",), 0)
        spec = ContainerSpec("vllm_service", "vllm:test", SERVE, labels={"seatrial.deployment": "d-1"})
        self.container_id = self.engine.create_or_adopt(spec, {}).id
        self.tools, secrets = HeldTools(), FakeSecrets()
        secrets.put("key-1", "sk-1")
        self.runner = VllmBenchRunner(
            self.tools, self.engine, OneDeployment(self.container_id, spec), secrets, self.settings, FakeClock(), 0.01
        )  # type: ignore[arg-type]
        out_dir = folder / "work" / "job-1" / "p1-r2"
        out_dir.mkdir(parents=True)
        (folder / "logs").mkdir()
        run = samples.run(engine=Engine.VLLM_BENCH)
        endpoint = samples.endpoint(deployment_id="d-1", key_ref="key-1", server_key="container:e:c")
        point = replace(run.workload.points[1], warmup=0)
        log = folder / "logs" / "job-1.log"
        self.work = PointWork("job-1", endpoint.server_key, 1, run, endpoint, point, 2, out_dir, log)

    async def events(self) -> list[Mapping[str, Any]]:
        async with aclosing(self.runner.run(self.work)) as events:
            return [event async for event in events]

    def calls(self) -> list[tuple[str, tuple[str, ...], Mapping[str, str]]]:
        """The starts of the tool itself."""
        return [one for one in self.engine.started if one[1][: len(BENCH)] == BENCH]

    @property
    def notes(self) -> list[str]:
        return [path.name for path in (self.settings.work / "execs").glob("*")]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_a_point_becomes_a_measurement_with_the_tools_own_result_beside_it(site: Site) -> None:
    events = await site.events()
    assert events[0] == {"event": "started", "total": 192}
    ((_, argv, env),) = site.calls()
    said = dict(itertools.pairwise(argv))
    assert (said["--port"], said["--model"], said["--served-model-name"]) == ("8001", "/weights/tiny", "tiny")
    assert said["--seed"] == str(point_seed(site.work.run.seed, 1, 2))
    assert env == {"OPENAI_API_KEY": "sk-1"}
    assert "sk-1" not in argv
    measurement = measurement_from_json((site.work.out_dir / "measurement.json").read_bytes())
    assert (measurement.point_index, measurement.repeat, measurement.tool_version) == (1, 2, "0.32.0")
    assert measurement.requests.succeeded == 8
    printed = f"$ {shlex.join(argv)}\n100%|##########| 8/8 [00:00<00:00]\n".encode()
    kept = {raw.name: raw.path.read_bytes() for raw in site.runner.raw_files(site.work)}
    first = json.loads(kept.pop("requests-p1-r2.jsonl").splitlines()[0])
    assert (first["ttft_ms"], first["output_tokens"], len(first["itl_ms"])) == (58.777, 64, 63)
    assert kept == {
        "vllm-bench-p1-r2.json": RESULT,
        "vllm-bench-p1-r2.log": printed,
    }
    assert site.work.log.read_bytes().endswith(b"# one call per point: \n" + printed), "this image cannot be kept warm"
    assert site.notes == []


async def test_progress_is_told_while_it_runs_and_a_cancel_ends_the_command_before_the_server_is_free(
    site: Site,
) -> None:
    site.engine.programs[BENCH] = FakeProgram(("38%|###   | 3/8 [00:00<00:00]",))
    stream = site.runner.run(site.work)
    async with aclosing(stream):
        assert (await anext(stream))["event"] == "started"
        progress = await anext(stream)
        assert (progress["done"], progress["total"]) == (3, 8)
        assert site.tools.held == site.work.server_key
        task = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    ((mark, _, _),) = site.calls()
    assert site.engine.exec_read(site.container_id, mark, 0)[1] == 137
    assert (site.tools.held, site.notes) == (None, [])


async def test_a_bad_end_tells_the_last_words(site: Site) -> None:
    site.engine.programs[BENCH] = FakeProgram(("ValueError: no such tokenizer",), 1)
    with pytest.raises(ToolFailed) as caught:
        await site.events()
    assert caught.value.params["exit_code"] == 1
    assert "no such tokenizer" in str(caught.value.params["detail"])
    assert site.notes == []


async def test_a_result_that_is_none_is_kept_nowhere(site: Site) -> None:
    site.engine.files["/tmp/seatrial-bench/*"] = b"{}"
    with pytest.raises(OutputNotUnderstood):
        await site.events()
    assert not (site.work.out_dir / "measurement.json").exists()


async def test_a_stopped_or_lost_container_is_told(site: Site) -> None:
    site.engine.stop(site.container_id)
    with pytest.raises(ContainerFailed):
        await site.events()
    site.engine.lose(site.container_id)
    with pytest.raises(NotFoundError):
        await site.events()
    assert site.notes == []


async def test_an_engine_that_is_away_for_a_moment_is_waited_for(site: Site) -> None:
    stream = site.runner.run(site.work)
    async with aclosing(stream):
        await anext(stream)
        site.engine.down = "restarting"
        asyncio.get_running_loop().call_later(0.03, setattr, site.engine, "down", None)
        assert [event["event"] async for event in stream] == []
    assert (site.work.out_dir / "measurement.json").exists()


def test_what_a_killed_worker_left_is_ended_and_forgotten(site: Site) -> None:
    notes = site.settings.work / "execs"
    notes.mkdir()
    site.engine.programs[BENCH] = FakeProgram(("begun",))
    site.engine.exec_start(site.container_id, BENCH, "left")
    (notes / "left").write_text(site.container_id)
    (notes / "elsewhere").write_text("f" * 64)
    site.engine.down = "away"
    assert end_left_behind(site.settings, site.engine) == 0
    assert sorted(site.notes) == ["elsewhere", "left"]
    site.engine.down = None
    assert end_left_behind(site.settings, site.engine) == 2
    assert site.engine.exec_read(site.container_id, "left", 0) == (b"begun\n", 137)
    assert site.notes == []


# ---------------------------------------------------------------- kept warm, or another client


class WarmEngine(FakeEngine):
    """Its image's Python keeps the tool warm: a job that is put in is told to be done, or to have failed; or nothing is
    told."""

    fails = silent = False
    jobs: list[list[str]]

    def exec_start(
        self, container_id: str, argv: Sequence[str], mark: str, env: Mapping[str, str] | None = None
    ) -> None:
        super().exec_start(container_id, argv, mark, env)
        if argv[0] == "python3":
            self.jobs = []
            self.output, self.warm_mark = b'loading\n@seatrial {"event": "ready"}\n', mark

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult:
        if len(argv) > 3 and argv[3].endswith(".json"):
            job = len(self.jobs)
            self.jobs.append(json.loads(argv[4]))
            end = {"event": "failed", "job": job, "detail": "no"} if self.fails else {"event": "done", "job": job}
            bar = {"event": "progress", "job": job, "done": 3, "total": 8}
            told = () if self.silent else (bar, end)
            self.output += "".join(f"\n@seatrial {json.dumps(one)}\n" for one in told).encode()
        return super().exec(container_id, argv, env)

    def exec_read(self, container_id: str, mark: str, offset: int) -> tuple[bytes, int | None]:
        if mark == getattr(self, "warm_mark", ""):
            return self.output[offset:], None
        return super().exec_read(container_id, mark, offset)


@pytest.fixture
def warm(tmp_path: Path) -> Site:
    return Site(tmp_path, WarmEngine)


async def test_one_warm_process_measures_every_point_of_a_sweep(warm: Site) -> None:
    events = await warm.events()
    assert [(one["event"], one["total"]) for one in events] == [("started", 192), ("progress", 8)]
    (warm.work.out_dir / "measurement.json").unlink()
    await warm.events()
    ((mark, argv, env),) = warm.engine.started
    assert argv[:3] == ("python3", "-u", "-c")
    assert env == {"OPENAI_API_KEY": "sk-1"}
    assert [job[:2] for job in warm.engine.jobs] == [["--host", "127.0.0.1"]] * 2  # type: ignore[attr-defined]
    assert (warm.work.out_dir / "measurement.json").exists()
    assert warm.notes == [mark]
    warm.runner.close("job-1")
    assert warm.notes == []


async def test_a_warm_process_that_fails_is_ended_and_each_point_has_its_own_call(warm: Site) -> None:
    warm.engine.fails = True  # type: ignore[attr-defined]
    await warm.events()
    assert len(warm.calls()) == 1
    await warm.events()
    assert len(warm.calls()) == 2
    assert [argv[0] for _, argv, _ in warm.engine.started] == ["python3", "vllm", "vllm"]
    assert warm.notes == []


async def test_the_images_own_rust_client_is_called_directly(site: Site) -> None:
    site.engine.programs["sh", "-c", RUST_PROBE[2]] = FakeProgram(("/opt/vllm/vllm-rs",), 0)
    site.engine.programs["/opt/vllm/vllm-rs",] = FakeProgram((), 0)
    await site.events()
    ((_, argv, _),) = site.engine.started
    assert argv[:3] == ("/opt/vllm/vllm-rs", "bench", "serve")
    assert measurement_from_json((site.work.out_dir / "measurement.json").read_bytes()).tool == "vllm-rs bench serve"


RUST = ("/opt/vllm/vllm-rs",)
RUST_RESULT = (Path(__file__).parents[2] / "data" / "vllm_rs_bench_0.33.0.json").read_bytes()


def with_rust(site: Site, end: FakeProgram, result: bytes = RUST_RESULT) -> None:
    """An image that has it."""
    site.engine.programs["sh", "-c", RUST_PROBE[2]] = FakeProgram(RUST, 0)
    site.engine.programs[RUST] = end
    site.engine.files["/tmp/seatrial-bench/*"] = result


async def test_a_rust_client_that_refuses_its_arguments_gives_way_to_python_for_the_whole_sweep(site: Site) -> None:
    with_rust(site, FakeProgram(("error: unexpected argument '--save-detailed' found",), 2), RESULT)
    await site.events()
    await site.events()
    tools = [argv[0] for _, argv, _ in site.engine.started if argv[0] != "python3"]
    assert tools == ["/opt/vllm/vllm-rs", "vllm", "vllm"]
    measured = measurement_from_json((site.work.out_dir / "measurement.json").read_bytes())
    assert (measured.tool, site.notes) == ("vllm bench serve", [])
    log = site.work.log.read_text()
    assert "# the Python client instead of /opt/vllm/vllm-rs: error: unexpected argument" in log
    site.runner.close("job-1")
    await site.events()
    assert [argv[0] for _, argv, _ in site.engine.started].count("/opt/vllm/vllm-rs") == 2, "the next sweep tries again"


async def test_a_rust_client_that_tells_no_requests_gives_way_too(site: Site) -> None:
    bare = {key: value for key, value in json.loads(RUST_RESULT).items() if key not in {"ttfts", "itls"}}
    with_rust(site, FakeProgram((), 0), json.dumps(bare).encode())
    await site.events()
    assert measurement_from_json((site.work.out_dir / "measurement.json").read_bytes()).tool == "vllm bench serve"
    assert "no_per_request_records" in site.work.log.read_text()


async def test_a_rust_client_that_was_killed_is_no_reason_to_change(site: Site) -> None:
    with_rust(site, FakeProgram((), 137))
    with pytest.raises(ToolFailed):
        await site.events()
    assert [argv[0] for _, argv, _ in site.engine.started] == ["/opt/vllm/vllm-rs"]


async def test_a_warm_up_is_a_call_of_its_own_with_other_prompts(site: Site) -> None:
    site.work = replace(site.work, point=replace(site.work.point, warmup=4))
    events = await site.events()
    assert [event["event"] for event in events][-2:] == ["warmup", "started"]
    (_, before, _), (_, measured, _) = site.calls()
    first, second = dict(itertools.pairwise(before)), dict(itertools.pairwise(measured))
    assert (first["--num-prompts"], first["--max-concurrency"]) == ("4", "4")
    assert first["--seed"] != second["--seed"]
    assert "--save-result" not in before
    assert "--num-warmups" not in (*before, *measured), "it would send a measured prompt"
    assert site.notes == []


async def test_the_warm_process_warms_up_too(warm: Site) -> None:
    warm.work = replace(warm.work, point=replace(warm.work.point, warmup=4))
    events = [(event["event"], event.get("done")) for event in await warm.events()]
    assert events == [("warmup", 0), ("warmup", 3), ("started", None), ("progress", 3)]
    before, measured = (dict(itertools.pairwise(job)) for job in warm.engine.jobs)  # type: ignore[attr-defined]
    assert (before["--num-prompts"], measured["--num-prompts"]) == ("4", "192")


@pytest.mark.parametrize("warmup", [0, 4])
@pytest.mark.parametrize("engine", [FakeEngine, WarmEngine])
async def test_while_a_long_answer_is_awaited_it_says_that_it_is_there(
    tmp_path: Path, engine: type[FakeEngine], warmup: int
) -> None:
    quiet = Site(tmp_path, engine)
    quiet.engine.silent = True  # type: ignore[attr-defined]
    quiet.engine.programs[BENCH] = FakeProgram(("Starting initial single prompt test run...",))
    quiet.work = replace(quiet.work, point=replace(quiet.work.point, warmup=warmup))
    stream = quiet.runner.run(quiet.work)
    async with aclosing(stream):
        assert (await anext(stream))["event"] == ("warmup" if warmup else "started")
        told = [await anext(stream) for _ in range(3)]
    expected = ("warmup", 0, 4) if warmup else ("progress", 0, 192)
    assert [(one["event"], one["done"], one["total"]) for one in told] == [expected] * 3


class BusyEngine(FakeEngine):
    """Its machine was half busy between any two looks."""

    looks = 0

    def exec(self, container_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> ExecResult:
        if tuple(argv) != ("cat", "/proc/stat"):
            return super().exec(container_id, argv, env)
        self.looks += 1
        return ExecResult(0, f"cpu  {100 * self.looks} 0 0 {100 * self.looks} 0 0 0 0 0 0\ncpu0 1 1 1\n")


async def test_the_load_of_the_machine_is_recorded(tmp_path: Path) -> None:
    busy = Site(tmp_path, BusyEngine)
    await busy.events()
    client = measurement_from_json((busy.work.out_dir / "measurement.json").read_bytes()).client
    assert client is not None
    assert (client.host_cpu_share, client.lateness_p99_ms) == (0.5, None)


async def test_a_result_in_a_folder_that_was_named_stays_there(site: Site) -> None:
    files = BenchFiles(result_dir="./benchmark_result", result_filename="result.json")
    run = replace(site.work.run, workload=replace(site.work.run.workload, bench_files=files))
    site.work = replace(site.work, run=run)
    image = site.engine.get(site.container_id).image
    site.engine.working_dirs[image] = "/workspace"
    site.engine.files["/workspace/benchmark_result/result-p1-r2.json"] = RESULT
    await site.events()
    assert (site.work.out_dir / "result.json").read_bytes() == RESULT
