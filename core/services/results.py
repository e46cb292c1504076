"""Results: the history, one run in full, its raw files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from core.domain.access import Actor, Role
from core.domain.benchmark import Measurement, Page, Run, RunRow, requests_artifact
from core.domain.history import RunFilter
from core.domain.job import JobView
from core.errors import OutputNotUnderstood
from core.ports import ArtifactRow, Store
from core.services.access import require

NOTE_LIMIT = 10_000
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


class ResultService:
    """Reads; the only thing it writes is a run's note."""

    def __init__(self, store: Store, jobs: JobViews) -> None:
        self._store = store
        self._jobs = jobs

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

    def requests(self, run_id: str, point_index: int, repeat: int = 0, *, gaps: bool = True) -> tuple[RequestRow, ...]:
        """Every request of one point, from the raw file; without ``gaps`` each row leaves out ``itl_ms``, most of it.
        Empty where there is none (another engine, a file that was too large). Raises NotFoundError where retention has
        dropped the bytes, OutputNotUnderstood where they are bad."""
        name = requests_artifact(point_index, repeat)
        found = next((row for row in self._store.artifacts.list(run_id) if row.name == name), None)
        return tuple(_rows(name, self._store.artifacts.read(found.id), gaps)) if found else ()

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
            yield _row(json.loads(line), gaps)
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


def _row(values: Mapping[str, Any], gaps: bool) -> RequestRow:
    known = {name: values[name] for name in RequestRow.__dataclass_fields__ if name in values}
    return RequestRow(**{**known, "itl_ms": tuple(known.get("itl_ms") or ()) if gaps else ()})
