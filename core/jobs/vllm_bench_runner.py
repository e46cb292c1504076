"""``vllm bench serve`` inside the service's own container, as a measuring engine: the way of the vendor's guide.

Three ways, the first that the image can go: its own Rust client, called directly; one warm process for all points of a
sweep; one call per point. A way that fails once is not tried again in that sweep. A point's warm-up is a call of its
own, with other prompts. A command is started detached and read by offset. It would outlive this worker, so a note of
it lies in the work folder until it is over, and the next worker ends what it finds noted there before any job.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.adapters.processes import to_the_end
from core.domain.benchmark import requests_artifact
from core.domain.endpoint import Endpoint
from core.domain.seeds import point_seed, warmup_seed
from core.errors import AppError, EngineUnavailable, NotFoundError, OutputNotUnderstood, ToolFailed
from core.formats import vllm_bench
from core.formats.loadgen import measurement_to_json
from core.jobs.benchmark import MEASUREMENT_FILE, PointWork, RawFile
from core.jobs.vllm_bench_warm import WarmBench, WarmUnavailable
from core.loadgen.health import HostCpu
from core.ports import Clock, ContainerEngine, DeploymentStore, Secrets, ToolRunner
from core.settings import Settings

LOG = logging.getLogger("seatrial.jobs")

POLL_S = 2.0
"""Each look is an exec on the machine that is being measured."""
_PATIENCE = 5
_PYTHON_CLIENT = "vllm"
_HEAD_WORDS = 3
_SIGNALLED = 128
_DETAIL_CHARACTERS = 2_000
_RESULT_FILE, _OUTPUT_FILE, _REQUESTS_FILE = "result.json", "output.log", "requests.jsonl"


@dataclass(frozen=True)
class _Command:
    """One start of the tool, somewhere in a container."""

    container_id: str
    mark: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    origin: vllm_bench.Origin
    result: str
    is_ours: bool
    note: Path
    warmup: tuple[str, ...] | None = None


class VllmBenchRunner:
    """A PointRunner."""

    def __init__(
        self,
        tools: ToolRunner,
        containers: ContainerEngine,
        deployments: DeploymentStore,
        secrets: Secrets,
        settings: Settings,
        clock: Clock,
        poll_s: float = POLL_S,
    ) -> None:
        self._tools = tools
        self._containers = containers
        self._deployments = deployments
        self._secrets = secrets
        self._settings = settings
        self._clock = clock
        self._poll_s = poll_s
        self._rust: dict[str, str | None] = {}
        self._warm: dict[str, WarmBench] = {}
        self._cold: set[str] = set()
        self._without_rust: set[str] = set()

    async def run(self, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """Raises ToolFailed, OutputNotUnderstood, NotFoundError (container, deployment), ContainerFailed
        (container_not_running), EngineUnavailable, BadInput (vllm_bench_needs_requests)."""
        async with self._tools.hold(work.server_key, job_id=work.job_id):
            command = await asyncio.to_thread(self._command, work)
            if command.origin.is_rust:
                try:
                    async with aclosing(self._point(command, work)) as events:
                        async for event in events:
                            yield event
                    return
                except (ToolFailed, OutputNotUnderstood) as error:
                    if _was_killed(error):
                        raise
                    self._without_rust.add(work.job_id)
                    reason = str(error.params.get("detail") or error)
                    await asyncio.to_thread(
                        _begin_anew, work, f"the Python client instead of {command.argv[0]}", reason
                    )
                    command = await asyncio.to_thread(self._command, work)
            if command.argv[0] == _PYTHON_CLIENT and work.job_id not in self._cold:
                try:
                    async with aclosing(self._warm_point(command, work)) as events:
                        async for event in events:
                            yield event
                    return
                except WarmUnavailable as reason:
                    self._cold.add(work.job_id)
                    await asyncio.to_thread(_begin_anew, work, "one call per point", str(reason))
            async with aclosing(self._point(command, work)) as events:
                async for event in events:
                    yield event

    async def _point(self, command: _Command, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """One call for this point."""
        if command.warmup:
            yield {"event": "warmup", "done": 0, "total": work.point.warmup}
            async with aclosing(self._warm_up(command, command.warmup, work)) as warming:
                async for event in warming:
                    yield event
        try:
            await asyncio.to_thread(self._start, command, work)
            host = await asyncio.to_thread(self._host_cpu, command)
            yield {"event": "started", "total": vllm_bench.requests_of(work.point)}
            async for event in self._follow(command, work):
                yield event
            await asyncio.to_thread(self._keep, command, work, host)
        finally:
            await to_the_end(asyncio.to_thread(self._end, command))

    async def _warm_up(
        self, command: _Command, argv: tuple[str, ...], work: PointWork
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """A call whose requests are not measured. Raises ToolFailed."""
        mark = uuid.uuid4().hex
        alone = replace(command, mark=mark, argv=(command.argv[0], *argv[1:]), note=_notes(self._settings) / mark)
        try:
            await asyncio.to_thread(self._start, alone, work)
            async with aclosing(self._follow(alone, work)) as events:
                async for event in events:
                    yield _warming(event, work)
        finally:
            await to_the_end(asyncio.to_thread(self._end, alone))

    def _host_cpu(self, command: _Command) -> HostCpu:
        """The load of the machine that measures and serves, read inside the container: the engine may be elsewhere."""
        return HostCpu(lambda: self._proc_stat(command.container_id))

    def _proc_stat(self, container_id: str) -> str | None:
        try:
            answer = self._containers.exec(container_id, ("cat", "/proc/stat"))
        except AppError:
            return None
        return answer.output if answer.exit_code == 0 else None

    async def _warm_point(self, command: _Command, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """This point in the sweep's warm process, which ends with whatever goes wrong. Raises WarmUnavailable."""
        finished = False
        try:
            warm = await asyncio.to_thread(self._warm_bench, command, work)
            await asyncio.to_thread(_append, _outputs(work), f"$ {shlex.join(command.argv)}\n".encode())
            begun, host = time.monotonic(), await asyncio.to_thread(self._host_cpu, command)
            if command.warmup:
                yield {"event": "warmup", "done": 0, "total": work.point.warmup}
                async with aclosing(warm.run(command.warmup[_HEAD_WORDS:], _outputs(work))) as warming:
                    async for event in warming:
                        if event["event"] == "progress":
                            yield _warming(event, work)
            async with aclosing(warm.run(command.argv[_HEAD_WORDS:], _outputs(work))) as events:
                async for event in events:
                    if event["event"] == "started":
                        begun, host = time.monotonic(), await asyncio.to_thread(self._host_cpu, command)
                    told = {"total": vllm_bench.requests_of(work.point), "elapsed_s": time.monotonic() - begun}
                    yield {**told, **event}
            await asyncio.to_thread(self._keep, command, work, host)
            finished = True
        finally:
            if finished:
                await to_the_end(asyncio.to_thread(self._clear, command))
            else:
                await to_the_end(asyncio.to_thread(self._end_warm, work.job_id))

    def _warm_bench(self, command: _Command, work: PointWork) -> WarmBench:
        """The sweep's warm process; started where there is none yet in this container."""
        warm = self._warm.get(work.job_id)
        if warm is not None and warm.container_id == command.container_id:
            return warm
        self._end_warm(work.job_id)
        warm = WarmBench(self._containers, command.container_id, uuid.uuid4().hex, self._poll_s)
        _write_note(_notes(self._settings) / warm.mark, command.container_id)
        self._warm[work.job_id] = warm
        warm.start(command.env)
        return warm

    def close(self, job_id: str) -> None:
        """Ends the sweep's warm process, where it has one; the next sweep tries every way again."""
        self._cold.discard(job_id)
        self._without_rust.discard(job_id)
        self._end_warm(job_id)

    def _end_warm(self, job_id: str) -> None:
        warm = self._warm.pop(job_id, None)
        if warm is None:
            return
        with contextlib.suppress(AppError):
            warm.end()
            (_notes(self._settings) / warm.mark).unlink(missing_ok=True)

    def raw_files(self, work: PointWork) -> tuple[RawFile, ...]:
        """One line per request where the result tells them; the tool's own result, whole, and what it printed."""
        name = f"vllm-bench-p{work.point.index}-r{work.repeat}"
        requests = requests_artifact(work.point.index, work.repeat)
        kept = (
            RawFile(requests, "application/x-ndjson", work.out_dir / _REQUESTS_FILE),
            RawFile(f"{name}.json", "application/json", work.out_dir / _RESULT_FILE),
            RawFile(f"{name}.log", "text/plain", work.out_dir / _OUTPUT_FILE),
        )
        return tuple(raw for raw in kept if raw.path.exists())

    def _command(self, work: PointWork) -> _Command:
        container_id, target = self._target(work.endpoint)
        mark = uuid.uuid4().hex
        seed = point_seed(work.run.seed, work.point.index, work.repeat, work.attempt)
        key = self._secrets.get(work.endpoint.key_ref) if work.endpoint.key_ref else None
        load = work.run.workload
        folder, file = vllm_bench.result_path(load, work.point.index, work.repeat, mark)
        argv = vllm_bench.argv(target, load, work.point, seed, folder, file)
        rust = None if work.job_id in self._without_rust else self._rust_client(container_id)
        version = target.version or "unknown"
        return _Command(
            container_id=container_id,
            mark=mark,
            argv=(rust, *argv[1:]) if rust else argv,
            env={vllm_bench.KEY_VARIABLE: key} if key else {},
            origin=vllm_bench.Origin(work.point, work.repeat, seed, self._clock.now(), version, is_rust=bool(rust)),
            result=f"{folder}/{file}",
            is_ours=folder == vllm_bench.OWN_RESULT_DIR,
            note=_notes(self._settings) / mark,
            warmup=vllm_bench.warmup_argv(target, load, work.point, warmup_seed(seed)),
        )

    def _rust_client(self, container_id: str) -> str | None:
        """Where the image keeps its own Rust client; looked for once in each container."""
        if container_id not in self._rust:
            answer = self._containers.exec(container_id, vllm_bench.RUST_PROBE)
            found = answer.output.strip().splitlines()[-1:] if answer.exit_code == 0 else []
            self._rust[container_id] = found[0] if found and found[0].startswith("/") else None
        return self._rust[container_id]

    def _target(self, endpoint: Endpoint) -> tuple[str, vllm_bench.BenchTarget]:
        """The container and, from the command it was started with, the server inside it."""
        if endpoint.deployment_id is None:
            raise NotFoundError(kind="deployment", id=endpoint.name)
        deployment = self._deployments.get(endpoint.deployment_id)
        version = endpoint.check.server_version if endpoint.check else None
        target = vllm_bench.target_of(deployment.spec.command, endpoint.served_name, version)
        if deployment.container_id is None or target is None:
            raise NotFoundError(kind="container", id=deployment.name)
        return deployment.container_id, target

    def _start(self, command: _Command, work: PointWork) -> None:
        _append(_outputs(work), f"$ {shlex.join(command.argv)}\n".encode())
        _write_note(command.note, command.container_id)
        self._containers.exec_start(command.container_id, command.argv, command.mark, command.env)

    async def _follow(self, command: _Command, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """Progress until the tool has ended well, at every look: a single long answer may take many minutes, and who
        says nothing seems stuck. Raises ToolFailed."""
        begun, output, failures = time.monotonic(), bytearray(), 0
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                data, code = await asyncio.to_thread(
                    self._containers.exec_read, command.container_id, command.mark, len(output)
                )
                failures = 0
            except (EngineUnavailable, OutputNotUnderstood):
                failures += 1
                if failures >= _PATIENCE:
                    raise
                continue
            output += data
            await asyncio.to_thread(_append, _outputs(work), data)
            if code is not None:
                _judge(code, bytes(output))
                return
            bar = vllm_bench.progress(output[-_DETAIL_CHARACTERS:].decode("utf-8", "replace"))
            done, total = bar or (0, vllm_bench.requests_of(work.point))
            elapsed_s = time.monotonic() - begun
            yield {"event": "progress", "done": done, "total": total, "failed": 0, "elapsed_s": elapsed_s}

    def _keep(self, command: _Command, work: PointWork, host: HostCpu) -> None:
        """Result first, then what was read from it: a step that finds the latter is over. Raises OutputNotUnderstood,
        also where a client that can be replaced tells no single requests."""
        origin = replace(command.origin, host_cpu_share=host.busy_share())
        content = self._containers.read_file(command.container_id, command.result)
        measurement = vllm_bench.parse_result(content, origin)
        if origin.is_rust and vllm_bench.NO_RECORDS in measurement.warnings:
            raise OutputNotUnderstood(tool=measurement.tool, detail=vllm_bench.NO_RECORDS, line="")
        requests = vllm_bench.request_lines(json.loads(content))
        with translated():
            (work.out_dir / _RESULT_FILE).write_bytes(content)
            if requests:
                (work.out_dir / _REQUESTS_FILE).write_text(requests, encoding="utf-8")
            file = work.out_dir / MEASUREMENT_FILE
            file.with_suffix(".new").write_text(measurement_to_json(measurement), encoding="utf-8")
            file.with_suffix(".new").replace(file)

    def _end(self, command: _Command) -> None:
        """The note stays where the engine cannot be told: the next worker tries again."""
        with contextlib.suppress(AppError):
            _end_command(self._containers, command.note)
            self._clear(command)

    def _clear(self, command: _Command) -> None:
        """A result in a folder that a person named stays there."""
        if command.is_ours:
            with contextlib.suppress(AppError):
                self._containers.exec(command.container_id, ("rm", "-f", command.result))


def end_left_behind(settings: Settings, containers: ContainerEngine) -> int:
    """Ends the commands that a worker which is no more has left in containers; how many. Before any job begins."""
    ended = 0
    for note in sorted(_notes(settings).glob("*")):
        try:
            _end_command(containers, note)
            ended += 1
        except AppError as error:
            LOG.warning("a command of an earlier worker could not be ended: %s", error)
    return ended


def _write_note(note: Path, container_id: str) -> None:
    with translated():
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(container_id, encoding="utf-8")


def _notes(settings: Settings) -> Path:
    return settings.work / "execs"


def _end_command(containers: ContainerEngine, note: Path) -> None:
    """A container that is gone or stopped has taken its commands with it."""
    container_id = note.read_text(encoding="utf-8")
    with contextlib.suppress(NotFoundError):
        if container_id and containers.get(container_id).state == "running":
            containers.exec_kill(container_id, note.name)
    note.unlink(missing_ok=True)


def _judge(code: int, output: bytes) -> None:
    if code != 0:
        detail = output[-_DETAIL_CHARACTERS:].decode("utf-8", "replace").strip()
        raise ToolFailed(tool=vllm_bench.TOOL, exit_code=code, detail=detail)


def _was_killed(error: AppError) -> bool:
    """By a signal, which says nothing of the tool."""
    code = error.params.get("exit_code")
    return isinstance(code, int) and (code < 0 or code >= _SIGNALLED)


def _warming(event: Mapping[str, Any], work: PointWork) -> Mapping[str, Any]:
    """Progress of a warm-up's own call."""
    return {"event": "warmup", "done": event["done"], "total": work.point.warmup}


def _outputs(work: PointWork) -> tuple[Path, ...]:
    """What the tool prints is kept with the run and shown with the job."""
    return (work.out_dir / _OUTPUT_FILE, work.log)


def _begin_anew(work: PointWork, way: str, reason: str) -> None:
    """What another way printed of this point stays in the job's log alone."""
    _append((work.log,), f"# {way}: {reason}\n".encode())
    (work.out_dir / _OUTPUT_FILE).unlink(missing_ok=True)


def _append(files: tuple[Path, ...], data: bytes) -> None:
    with translated():
        for path in files:
            with path.open("ab") as file:
                file.write(data)
