"""Results: the history, one run in full, its raw files."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.access import Actor, Role
from core.domain.benchmark import (
    Measurement,
    Page,
    Run,
    RunKind,
    RunRow,
    requests_artifact,
    server_metrics_artifact,
)
from core.domain.capacity import Capacity, PointRequests, capacity
from core.domain.estimates import Past, left_s
from core.domain.history import RunFilter
from core.domain.job import JobView
from core.domain.workload import Slo
from core.errors import NotFoundError, OutputNotUnderstood
from core.formats import vllm_metrics
from core.ports import ArtifactRow, Store
from core.services.access import require
from core.services.past import past_measurements

NOTE_LIMIT = 10_000
_RECORDS_BYTES = 256 * 1024 * 1024
_POINTS_KEPT = 64
_REPORT_BYTES = 32 * 1024 * 1024
EVERYTHING = RunFilter()


class JobViews(Protocol):
    """The part of the job service that a run needs."""

    def view(self, job_id: str) -> JobView: ...


@dataclass(frozen=True)
class RunDetail:
    """One run as its page shows it; ``artifacts`` are named, not read."""

    run: Run
    measurements: tuple[Measurement, ...]
    points_total: int
    artifacts: tuple[ArtifactRow, ...]
    job: JobView | None


@dataclass(frozen=True)
class RequestRow:
    """One request of a point. Times in ms from its first byte written; ``started_s`` from the point's start; ``itl_ms``
    are the gaps between output chunks. ``failure`` names the kind, None where it succeeded."""

    index: int
    started_s: float | None
    ttft_ms: float | None
    e2el_ms: float | None
    tpot_ms: float | None
    input_tokens: int | None
    output_tokens: int | None
    failure: str | None
    detail: str
    process: int
    late_ms: float | None = None
    itl_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class PointDetail:
    """One load point and repeat with its requests and the server's own metrics beside it."""

    measurement: Measurement
    requests: tuple[RequestRow, ...]
    looks: tuple[Mapping[str, float], ...]


class ResultService:
    """Reads; the only thing it writes is a run's note."""

    def __init__(self, store: Store, jobs: JobViews) -> None:
        self._store = store
        self._jobs = jobs
        self._points: dict[str, PointRequests] = {}

    # ------------------------------------------------------------ lists

    def runs(self, offset: int = 0, limit: int = 50, where: RunFilter = EVERYTHING) -> Page[RunRow]:
        """One page of the history, the newest first."""
        return self._store.runs.page(offset, limit, where)

    def recent(self, count: int = 5) -> tuple[RunRow, ...]:
        """What came last."""
        return self._store.runs.page(0, count).rows

    def models(self) -> tuple[str, ...]:
        """Every model that was measured, by name."""
        return self._store.runs.models()

    # ------------------------------------------------------------ one run

    def run(self, run_id: str) -> RunDetail:
        """Raises NotFoundError."""
        run = self._store.runs.get(run_id)
        return RunDetail(
            run=run,
            measurements=self._store.runs.measurements(run_id),
            points_total=len(run.workload.points) * run.workload.repeats,
            artifacts=self._store.artifacts.list(run_id),
            job=self._jobs.view(run.job_id) if run.job_id else None,
        )

    def is_evaluation(self, run_id: str) -> bool:
        """Whether it is a run of the other kind, which has a page of its own. False for one that nobody knows."""
        return any(row.kind is RunKind.EVALUATION for row in self._store.runs.rows([run_id]))

    def requests(self, run_id: str, point_index: int, repeat: int = 0, *, gaps: bool = True) -> tuple[RequestRow, ...]:
        """Every request of one point, from the raw file; without ``gaps`` each row leaves out ``itl_ms``, most of it.
        Empty where there is none (another engine, a file that was too large). Raises NotFoundError where retention has
        dropped the bytes, OutputNotUnderstood where they are bad."""
        name = requests_artifact(point_index, repeat)
        found = next((row for row in self._store.artifacts.list(run_id) if row.name == name), None)
        return tuple(_rows(name, self._store.artifacts.read(found.id), gaps)) if found else ()

    def gaps(self, run_id: str, point_index: int, repeat: int = 0) -> array[float]:
        """Every gap between output chunks (ms) of one point's succeeded requests, ascending. Empty where no records are
        kept. Raises as ``requests``."""
        name = requests_artifact(point_index, repeat)
        found = next((row for row in self._store.artifacts.list(run_id) if row.name == name), None)
        rows = _rows(name, self._store.artifacts.read(found.id), gaps=True) if found else ()
        return array("f", sorted(gap for row in rows if row.failure is None for gap in row.itl_ms))

    def capacity(self, detail: RunDetail, slo: Slo) -> Capacity | None:
        """How many users the run's server holds within the limits; from the records of its requests where they are
        kept and not too large, else from the percentiles alone. Raises OutputNotUnderstood where a file is bad."""
        wanted = {requests_artifact(one.point_index, one.repeat): one for one in detail.measurements}
        files = [row for row in detail.artifacts if row.name in wanted]
        if sum(row.size_bytes for row in files) > _RECORDS_BYTES:
            files = []
        keys = {row.name: (wanted[row.name].point_index, wanted[row.name].repeat) for row in files}
        found = {keys[row.name]: self._latencies(row) for row in files}
        known = {key: records for key, records in found.items() if records is not None}
        return capacity(detail.measurements, slo, known)

    def _latencies(self, row: ArtifactRow) -> PointRequests | None:
        """A measured point never changes: some are kept. None where retention has dropped the file."""
        known = self._points.get(row.digest)
        if known is None:
            try:
                requests = tuple(_rows(row.name, self._store.artifacts.read(row.id), gaps=False))
            except NotFoundError:
                return None
            good = tuple((one.ttft_ms, one.tpot_ms, one.e2el_ms) for one in requests if one.failure is None)
            known = PointRequests(good, len(requests) - len(good))
            if len(self._points) >= _POINTS_KEPT:
                self._points.pop(next(iter(self._points)), None)
            self._points[row.digest] = known
        return known

    def left_s(self, detail: RunDetail) -> float | None:
        """Seconds until the whole sweep is done: what is left of this point by its own pace, and the points after it by
        what was measured before. None where it cannot be foreseen."""
        progress = detail.job.progress if detail.job else None
        if progress is None:
            return None
        load = detail.run.workload
        here = [Past(one, load.input_tokens, load.output_tokens) for one in detail.measurements]
        before = RunFilter(endpoint_id=detail.run.endpoint_id)
        return left_s(load, progress, here or past_measurements(self._store, before))

    def best_point(self, detail: RunDetail) -> PointDetail | None:
        """The point with the highest output rate whose requests are kept (and not too many to read), for a report; none
        at which too many requests failed."""
        sizes = {row.name: row.size_bytes for row in detail.artifacts}
        names = [(one, requests_artifact(one.point_index, one.repeat)) for one in detail.measurements]
        known = [one for one, name in names if one.is_sound and sizes.get(name, _REPORT_BYTES + 1) <= _REPORT_BYTES]
        if not known:
            return None
        best = max(known, key=lambda one: one.output_tokens_per_s)
        try:
            rows = self.requests(detail.run.id, best.point_index, best.repeat, gaps=False)
        except NotFoundError:
            return None
        return PointDetail(best, rows, self.server_looks(detail, best.point_index, best.repeat))

    def server_looks(self, detail: RunDetail, point_index: int, repeat: int = 0) -> tuple[Mapping[str, float], ...]:
        """The server's own metrics beside a point, look by look: ``t_s`` from the point's start, gauges and counters as
        they stood. Empty where the server told none, or retention has dropped them."""
        name = server_metrics_artifact(point_index, repeat)
        found = next((row for row in detail.artifacts if row.name == name), None)
        if found is None:
            return ()
        try:
            return vllm_metrics.looks(b"".join(self._store.artifacts.read(found.id)))
        except NotFoundError:
            return ()

    def artifact(self, artifact_id: str) -> Iterator[bytes]:
        """A raw file's bytes, as a stream. Raises NotFoundError."""
        return self._store.artifacts.read(artifact_id)

    def annotate(self, actor: Actor, run_id: str, note: str) -> None:
        """Replaces the note. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        self._store.runs.set_note(run_id, note.strip()[:NOTE_LIMIT])


def _rows(name: str, chunks: Iterator[bytes], gaps: bool) -> Iterator[RequestRow]:
    count = 0
    try:
        for line in _lines(chunks):
            count += 1
            yield _row(json.loads(line if gaps else _without_gaps(line)), gaps)
    except (ValueError, TypeError, AttributeError) as error:
        raise OutputNotUnderstood(tool=name, detail=str(error), line=count) from error


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines of a file that comes in pieces."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


def _without_gaps(line: bytes) -> bytes:
    """Nine tenths of a line are its gaps, and they come last (core/loadgen/records.py)."""
    head, found, _ = line.partition(b', "itl_ms": [')
    return head + b"}" if found else line


def _row(values: Mapping[str, Any], gaps: bool) -> RequestRow:
    known = {name: values[name] for name in RequestRow.__dataclass_fields__ if name in values}
    return RequestRow(**{**known, "itl_ms": tuple(known.get("itl_ms") or ()) if gaps else ()})
