"""A sweep, step by step: what the benchmark workflow does, without the engine."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from core.adapters.database.failures import translated
from core.domain.benchmark import Engine, Measurement, Run, server_metrics_artifact
from core.domain.endpoint import Endpoint
from core.domain.job import JobState, Progress, Reason
from core.domain.sweep import stop_of
from core.domain.workload import Arrival, LoadPoint
from core.errors import AppError, OutputNotUnderstood, ToolFailed
from core.formats.loadgen import measurement_from_json, measurement_to_json
from core.jobs.outcomes import JobLog, reason_of, reopen_run, settle, tell
from core.jobs.server_watch import ServerView, ServerWatch, cache_warnings, failure_warnings
from core.ports import Clock, EndpointClient, Store
from core.settings import Settings

MEASUREMENT_FILE = "measurement.json"
_SERIES_FILE = "server-metrics.jsonl.gz"
_PROGRESS_GAP_S = 0.25
_CHUNK_BYTES = 1024 * 1024
_SIGKILL_IN_A_SHELL = 137
_LOST = frozenset({"connect", "disconnected", "truncated", "not_sent"})
_DETAILS = ("output_tokens_per_s", "output_tokens", "failed", "in_flight", "elapsed_s")


@dataclass(frozen=True)
class PointWork:
    """One (point, repeat) of a run: everything that the measuring side needs. ``attempt`` counts from 0 how often it
    was begun before: a point that is begun anew needs new prompts, the server may remember the old ones."""

    job_id: str
    server_key: str
    step: int
    run: Run
    endpoint: Endpoint
    point: LoadPoint
    repeat: int
    out_dir: Path
    log: Path
    attempt: int = 0


@dataclass(frozen=True)
class RawFile:
    """A raw output to keep as an artifact; a ``.gz`` file is kept as what is in it."""

    name: str
    media_type: str
    path: Path


class PointRunner(Protocol):
    """A measuring engine. It leaves ``measurement.json`` in ``out_dir``, written when all else is there."""

    def run(self, work: PointWork) -> AsyncGenerator[Mapping[str, Any], None]:
        """Events as the load generator's (warmup, started, progress, done). Raises AppError where the point could not
        begin or end. Closing or cancelling ends every process."""
        ...

    def raw_files(self, work: PointWork) -> tuple[RawFile, ...]:
        """What it left beside the measurement."""
        ...

    def close(self, job_id: str) -> None:
        """The sweep is over: ends what was kept ready for its next point. Blocking; may be called again."""
        ...


class BenchmarkWork:
    """Every verb may be called again after a crash: what is measured is looked for first, in the database, then in the
    step's folder, where a child that ended has left it."""

    def __init__(
        self,
        store: Store,
        client: EndpointClient,
        runners: Mapping[Engine, PointRunner],
        settings: Settings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._client = client
        self._runners = runners
        self._settings = settings
        self._clock = clock
        self._log = JobLog(settings, clock)

    # ------------------------------------------------------------ verbs, each idempotent

    def begin(self, job_id: str) -> int:
        """Marks job and run as begun; how many steps there are."""
        job = self._store.jobs.get(job_id)
        reopen_run(self._store, job, self._clock.now())
        run = self._run(job_id)
        steps = len(run.workload.points) * run.workload.repeats
        self._log.say(job_id, "run begins or goes on", {"run": run.id, "engine": run.engine.value, "steps": steps})
        return steps

    async def do(self, job_id: str, step: int) -> Reason | None:
        """One (point, repeat); why it could not be measured, or None."""
        try:
            work = await asyncio.to_thread(self._work, job_id, step)
            if work is None:
                return None
            return await self._measure(work)
        except AppError as error:
            return reason_of(error)

    def end(self, job_id: str, outcome: JobState, reason: Reason | None = None) -> None:
        """Writes outcome and run state; finished points stay."""
        self._close(job_id)
        settle(self._store, job_id, outcome, self._clock.now(), reason)
        self._log.say(job_id, outcome.value, {"reason": reason.code, **reason.params} if reason else None)
        if outcome is JobState.DONE:
            shutil.rmtree(self._settings.work / job_id, ignore_errors=True)

    def _close(self, job_id: str) -> None:
        """What an engine keeps warm between the points of a sweep."""
        for runner in self._runners.values():
            runner.close(job_id)

    # ------------------------------------------------------------ one point

    def _run(self, job_id: str) -> Run:
        return self._store.runs.get(self._store.jobs.get(job_id).run_id or "")

    def _work(self, job_id: str, step: int) -> PointWork | None:
        """None where it is measured already. All points come before the first repeat, so that a curve is there early
        and slow drift does not look like a property of one point."""
        job, run = self._store.jobs.get(job_id), self._run(job_id)
        repeat, position = divmod(step, len(run.workload.points))
        point = run.workload.points[position]
        if self._store.runs.has_measurement(run.id, point.index, repeat) or self._is_beyond(job_id, run, point):
            return None
        endpoint = self._store.endpoints.get(run.endpoint_id)
        out_dir = self._settings.work / job_id / f"p{point.index}-r{repeat}"
        log = self._log.path(job_id)
        return PointWork(job_id, job.server_key, step, run, endpoint, point, repeat, out_dir, log)

    def _is_beyond(self, job_id: str, run: Run, point: LoadPoint) -> bool:
        """Whether the sweep has ended by itself before this point."""
        stop = stop_of(run.workload, self._store.runs.measurements(run.id))
        if stop is None or point.index <= stop.point_index:
            return False
        if run.provenance.get("stopped") is None:
            told = {"code": stop.code, "point_index": stop.point_index}
            self._store.runs.merge_provenance(run.id, {"stopped": told})
            self._log.say(job_id, "the sweep ends here", told)
        return True

    async def _measure(self, work: PointWork) -> Reason | None:
        measurement = await asyncio.to_thread(_finished, work)
        if measurement is None:
            measurement = await self._run_child_twice(work)
            if await asyncio.to_thread(self._server_is_gone, work, measurement):
                await asyncio.to_thread(_clear, work.out_dir)
                return Reason("endpoint_gone", {"url": work.endpoint.base_url})
        await asyncio.to_thread(self._save, work, measurement)
        return None

    async def _run_child_twice(self, work: PointWork) -> Measurement:
        """A measuring process that somebody else has killed costs the point's time and no more; the second time it is
        no accident. Raises AppError."""
        try:
            return await self._run_child(work)
        except AppError as error:
            if not _was_killed(error):
                raise
            self._log.say(work.job_id, "the measuring process was killed; the point is measured anew", _facts(work))
        return await self._run_child(work)

    async def _run_child(self, work: PointWork) -> Measurement:
        """Raises AppError."""
        work = replace(work, attempt=await asyncio.to_thread(_begin, work.out_dir))
        await asyncio.to_thread(self._log.say, work.job_id, "point begins", _facts(work))
        reporter = _Reporter(self._store, self._clock, work)
        await reporter.word("preparing", {})
        watch = ServerWatch(lambda: self._metrics(work))
        watch.begin()
        try:
            async with aclosing(self._runners[work.run.engine].run(work)) as events:
                async for event in events:
                    if event["event"] == "started":
                        watch.started()
                    await reporter.event(event)
            view = await watch.end()
        finally:
            await watch.stop()
        return await asyncio.to_thread(_with_view, work, view)

    def _metrics(self, work: PointWork) -> Mapping[str, float] | None:
        check = work.endpoint.check
        if check is not None and check.has_metrics is False:
            return None
        return self._client.metrics(work.endpoint.base_url)

    def _server_is_gone(self, work: PointWork, found: Measurement) -> bool:
        """Requests that failed are a measurement; a server that is not there any more is a reason to stop."""
        if not _LOST & set(found.requests.failures) or self._client.is_healthy(work.endpoint.base_url):
            return False
        return not self._client.check(work.endpoint.base_url, None, work.endpoint.served_name).reachable

    def _save(self, work: PointWork, measurement: Measurement) -> None:
        """Raw records first: a measurement without them could not be looked into."""
        for raw in self._runners[work.run.engine].raw_files(work):
            with translated():
                self._store.artifacts.save(work.run.id, raw.name, raw.media_type, _chunks(raw.path))
        self._save_series(work)
        self._store.runs.save_measurement(work.run.id, measurement)
        counts = measurement.requests
        facts = {"succeeded": counts.succeeded, "failed": counts.failed, **counts.failures}
        self._log.say(work.job_id, "point measured", {**_facts(work), **facts})
        tell(self._store.jobs, work.job_id, _progress(work, self._clock, work.step + 1, "measured", {}))
        shutil.rmtree(work.out_dir, ignore_errors=True)

    def _save_series(self, work: PointWork) -> None:
        """The server's own view beside the point, where it has one."""
        file = work.out_dir / _SERIES_FILE
        if file.exists():
            name = server_metrics_artifact(work.point.index, work.repeat)
            with translated():
                self._store.artifacts.save(work.run.id, name, "application/gzip", [file.read_bytes()])


class _Reporter:
    """Writes the latest progress, a few times a second at most."""

    def __init__(self, store: Store, clock: Clock, work: PointWork) -> None:
        self._store = store
        self._clock = clock
        self._work = work
        self._last = 0.0

    async def event(self, event: Mapping[str, Any]) -> None:
        """One event of a runner."""
        kind = event["event"]
        if kind == "progress" and time.monotonic() - self._last < _PROGRESS_GAP_S:
            return
        if kind in {"warmup", "started", "progress"}:
            self._last = time.monotonic()
            await self.word("warmup" if kind == "warmup" else _label(self._work.point), event)

    async def word(self, label: str, event: Mapping[str, Any]) -> None:
        """Under ``label``, with the event's counts."""
        progress = _progress(self._work, self._clock, self._work.step, label, event)
        await asyncio.to_thread(tell, self._store.jobs, self._work.job_id, progress)


def _progress(work: PointWork, clock: Clock, step: int, label: str, event: Mapping[str, Any]) -> Progress:
    done = int(event.get("done") or 0) + int(event.get("failed") or 0)
    elapsed_s = float(event.get("elapsed_s") or 0.0)
    told = {name: event[name] for name in _DETAILS if event.get(name) is not None}
    return Progress(
        step=step,
        label=label,
        done=done,
        total=event.get("total"),
        unit="requests",
        rate_per_s=done / elapsed_s if elapsed_s > 0 else None,
        eta_s=event.get("eta_s"),
        updated_at=clock.now(),
        detail={"point_index": work.point.index, "repeat": work.repeat, **_load(work.point), **told},
    )


def _label(point: LoadPoint) -> str:
    return "point_closed" if point.arrival is Arrival.CLOSED else "point_open"


def _load(point: LoadPoint) -> dict[str, int | float | None]:
    if point.arrival is Arrival.CLOSED:
        return {"concurrency": point.concurrency}
    return {"rate_per_s": point.rate_per_s, "concurrency": point.concurrency}


def _facts(work: PointWork) -> dict[str, object]:
    return {"point": work.point.index, "repeat": work.repeat, **_load(work.point)}


def _with_view(work: PointWork, view: ServerView | None) -> Measurement:
    """The measurement with what the server told, written back: it is whole only then. Raises OutputNotUnderstood."""
    found = _finished(work)
    if found is None:
        raise OutputNotUnderstood(tool=work.run.engine.value, detail="no measurement was left", line="")
    metrics = view.metrics(found.duration_s) if view else None
    warnings = (*failure_warnings(found), *(cache_warnings(work.run.workload, metrics) if metrics else ()))
    new = tuple(warning for warning in warnings if warning not in found.warnings)
    found = replace(found, server_metrics=metrics, warnings=(*found.warnings, *new))
    with translated():
        if view is not None:
            (work.out_dir / _SERIES_FILE).write_bytes(view.as_gzip())
        draft = work.out_dir / f"{MEASUREMENT_FILE}.new"
        draft.write_text(measurement_to_json(found), encoding="utf-8")
        draft.replace(work.out_dir / MEASUREMENT_FILE)
    return found


def _was_killed(error: AppError) -> bool:
    """By a signal; ours come with a cancel, whose word is another."""
    code = error.params.get("exit_code")
    return error.code == ToolFailed.default_code and isinstance(code, int) and (code < 0 or code == _SIGKILL_IN_A_SHELL)


def _begin(out_dir: Path) -> int:
    """An empty folder; how often the point was begun before, counted beside it, a byte each. Raises StoreError."""
    _clear(out_dir)
    with translated(), out_dir.with_suffix(".begun").open("ab") as counter:
        before = counter.tell()
        counter.write(b".")
    return before


def _clear(out_dir: Path) -> None:
    """An empty folder. Raises StoreError."""
    shutil.rmtree(out_dir, ignore_errors=True)
    with translated():
        out_dir.mkdir(parents=True, exist_ok=True)


def _finished(work: PointWork) -> Measurement | None:
    """What a child has left, whole; None where it did not come to its end."""
    try:
        return measurement_from_json((work.out_dir / MEASUREMENT_FILE).read_bytes())
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _chunks(path: Path) -> Iterator[bytes]:
    """The content, a mebibyte at a time, unpacked."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            yield data
