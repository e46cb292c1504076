"""One point from the task to its files."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from core.domain.benchmark import Measurement
from core.domain.seeds import point_seed
from core.formats.loadgen import measurement_to_json
from core.loadgen.calibration import make_prompts
from core.loadgen.health import HostCpu, cpu_seconds, raise_file_limit
from core.loadgen.messages import Message
from core.loadgen.payload import Payloads
from core.loadgen.processes import Barrier, run_shares
from core.loadgen.progress import Progress
from core.loadgen.records import Record
from core.loadgen.reduce import PointFacts, reduce_point
from core.loadgen.split import Share, process_count, shares
from core.loadgen.target import is_this_machine, resolve
from core.loadgen.task import LoadTask
from core.loadgen.worker import Report, Worker, part_path

MEASUREMENT_FILE = "measurement.json"
REQUESTS_FILE = "requests.jsonl.gz"


def run_point(task: LoadTask) -> Measurement:
    """Measures one point and leaves its files in ``out_dir``. Raises Unreachable, Rejected, BadInput and ToolFailed
    where it could not begin or end."""
    raise_file_limit()
    Path(task.out_dir).mkdir(parents=True, exist_ok=True)
    seed = point_seed(task.seed, task.point.index, task.repeat, task.attempt)
    target = resolve(task.base_url, os.environ.get(task.key_env) if task.key_env else None)
    made = make_prompts(task, target, seed)
    payloads = Payloads(task, target, made.prompts, seed, made.output_of)
    parts = shares(task.point, process_count(task.point, task.processes, turns=task.turns), task.turns)
    gathered = _Gathered(task, len(parts))

    def work(share: Share, report: Report, barrier: Barrier) -> None:
        numbered: Report = lambda message: report({**message, "process": share.number})  # noqa: E731
        Worker(task, share, target, payloads, seed, numbered).run(barrier)

    start = run_shares(parts, work, gathered.receive)
    _join_parts(task.out_dir, len(parts))
    here = task.is_server_here or is_this_machine(target)
    facts = gathered.facts(seed, start, made.warnings, is_server_here=here)
    measurement = reduce_point(task, gathered.records, facts)
    (Path(task.out_dir) / MEASUREMENT_FILE).write_text(measurement_to_json(measurement), encoding="utf-8")
    return measurement


class _Gathered:
    """What the processes have told."""

    def __init__(self, task: LoadTask, processes: int) -> None:
        self.records: list[Record] = []
        self._processes = processes
        self._progress = Progress(task)
        self._ready = 0
        self._warmup_failed = False
        self._cpu_s = 0.0
        self._lags_s: list[float] = []
        self._host = HostCpu()
        self._host_share: float | None = None
        self._available_s: float | None = None

    def receive(self, message: Message) -> None:
        """One message of one process."""
        kind = message["kind"]
        if kind == "progress":
            self._progress.progress(message["process"], message)
        elif kind == "warmup":
            self._progress.warmup(message["process"], message)
        elif kind == "ready":
            self._is_ready(message)
        elif kind == "result":
            self._has_ended(message)

    def facts(self, seed: int, start: float, warnings: tuple[str, ...], *, is_server_here: bool) -> PointFacts:
        """Facts for the reduction."""
        own = cpu_seconds() if self._processes > 1 else 0.0
        return PointFacts(
            seed=seed,
            start=start,
            started_at=datetime.fromtimestamp(datetime.now(UTC).timestamp() - (monotonic() - start), UTC),
            processes=self._processes,
            cpu_s=self._cpu_s + own,
            lags_s=self._lags_s,
            host_cpu_share=self._host_share,
            others_cpu_share=_others(self._host_share, self._available_s, self._cpu_s + own),
            is_server_here=is_server_here,
            warnings=(*warnings, "warmup_failed") if self._warmup_failed else warnings,
        )

    def _is_ready(self, message: Message) -> None:
        self._ready += 1
        self._warmup_failed = self._warmup_failed or bool(message["warmup_failures"])
        if self._ready == self._processes:
            self._host = HostCpu()
            self._progress.started()

    def _has_ended(self, message: Message) -> None:
        if self._available_s is None:
            self._host_share, self._available_s = self._host.busy_share(), self._host.available_s()
        self.records.extend(Record.from_tuple(values) for values in message["records"])
        self._cpu_s += message["cpu_s"]
        self._lags_s.extend(message["lags_s"])


def _others(host_share: float | None, available_s: float | None, own_s: float) -> float | None:
    """At least: our own processes' time counts from their start, not from the point's."""
    if host_share is None or not available_s:
        return None
    return max(0.0, host_share - own_s / available_s)


def _join_parts(out_dir: str, processes: int) -> None:
    with (Path(out_dir) / REQUESTS_FILE).open("wb") as whole:
        for number in range(processes):
            part = part_path(out_dir, number)
            with part.open("rb") as source:
                shutil.copyfileobj(source, whole)
            part.unlink()
