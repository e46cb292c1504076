"""Results that other tools have measured: from their files to runs of the history."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import PurePosixPath

from core.domain.access import Actor, Role
from core.domain.benchmark import Measurement, Run, RunState, requests_artifact
from core.domain.endpoint import Endpoint, Origin
from core.domain.workload import LoadPoint, Workload
from core.errors import BadInput, NotFoundError
from core.formats.import_files import Found, Refusal, read_results
from core.formats.import_reading import NEVER
from core.ports import Clock, Store
from core.services.access import require

_BASE_URL = "http://imported.invalid/v1"
"""Stands in the endpoint's place: RFC 2606 keeps the name from ever being one."""
_ALIKE = 0.05
"""Results whose mean lengths differ by less belong to one sweep: drawn lengths scatter."""
_LABEL_LIMIT = 200


@dataclass(frozen=True)
class ImportedRun:
    """One run to be: the points of a sweep, by load; equal loads are repeats. ``known_as``: the run that these very
    files have become before."""

    run_id: str
    found: tuple[Found, ...]
    known_as: str | None = None

    @property
    def first(self) -> Found:
        """What its points have in common, they have from it."""
        return self.found[0]

    @property
    def files(self) -> tuple[tuple[str, bytes], ...]:
        """Each once."""
        return tuple(dict.fromkeys(file for one in self.found for file in one.files))


@dataclass(frozen=True)
class ImportPlan:
    """What would become of some files; shown before anything happens."""

    runs: tuple[ImportedRun, ...]
    refused: tuple[Refusal, ...]

    @property
    def new(self) -> tuple[ImportedRun, ...]:
        """Those that are not there yet."""
        return tuple(run for run in self.runs if run.known_as is None)


class ImportService:
    """Nothing is asked of any server: a result is taken for what its tool says."""

    def __init__(self, store: Store, clock: Clock, product_version: str = "0") -> None:
        self._store = store
        self._clock = clock
        self._product_version = product_version

    def plan(self, files: Sequence[tuple[str, bytes]]) -> ImportPlan:
        """Reads files (name or path, content); nothing is stored. What cannot be read is refused one by one."""
        found, refused = read_results(files)
        runs = tuple(self._run_of(points) for points in _sweeps(found))
        return ImportPlan(runs, refused)

    def save(self, actor: Actor, plan: ImportPlan, *, version_label: str = "", note: str = "") -> tuple[str, ...]:
        """Stores what is new; the runs' ids, those that were there before included. Raises NotAllowed, StoreError and
        BadInput (import_nothing) where there is nothing at all."""
        require(actor, Role.OPERATOR)
        if not plan.runs:
            raise BadInput("import_nothing", field="files", count=len(plan.refused))
        for run in plan.new:
            self._save(actor, run, version_label.strip()[:_LABEL_LIMIT], note.strip())
        return tuple(run.known_as or run.run_id for run in plan.runs)

    # ------------------------------------------------------------ parts

    def _run_of(self, points: Sequence[Found]) -> ImportedRun:
        """The id comes from the content, so that the same files twice are one run."""
        digest = hashlib.sha256()
        for one in points:
            for name, content in one.files:
                digest.update(PurePosixPath(name).name.encode() + b"\0" + hashlib.sha256(content).digest())
        run_id = f"run-{digest.hexdigest()[:12]}"
        is_there = self._state(run_id) is RunState.COMPLETE
        return ImportedRun(run_id, tuple(points), run_id if is_there else None)

    def _state(self, run_id: str) -> RunState | None:
        try:
            return self._store.runs.get(run_id).state
        except NotFoundError:
            return None

    def _save(self, actor: Actor, imported: ImportedRun, label: str, note: str) -> None:
        """The state comes last: what was cut off in the middle goes on with the next import of the same files."""
        now = self._clock.now()
        read = _measurements(imported.found)
        measurements = tuple(replace(one, started_at=now) if one.started_at == NEVER else one for one in read)
        run = self._run(actor, imported, measurements, label, note)
        if self._state(run.id) is None:
            self._store.runs.add(run)
        for name, content in imported.files:
            self._store.artifacts.save(run.id, _file_name(name), "application/json", [content])
        for measurement, one in zip(measurements, _ordered(imported.found), strict=True):
            if one.point.requests:
                name = requests_artifact(measurement.point_index, measurement.repeat)
                self._store.artifacts.save(run.id, name, "application/x-ndjson", [one.point.requests.encode()])
            self._store.runs.save_measurement(run.id, measurement)
        ended = max(one.started_at + timedelta(seconds=one.duration_s) for one in measurements)
        self._store.runs.set_state(run.id, RunState.COMPLETE, started_at=run.started_at, ended_at=ended)

    def _run(
        self, actor: Actor, imported: ImportedRun, measurements: Sequence[Measurement], label: str, note: str
    ) -> Run:
        first, now = imported.first.point, self._clock.now()
        has_time = any(one.point.measurement.started_at != NEVER for one in imported.found)
        seed = first.measurement.seed
        return Run(
            id=imported.run_id,
            endpoint_id=self._endpoint(actor, first.model).id,
            model=first.model,
            version_label=label,
            origin=Origin.IMPORTED.value,
            engine=first.engine,
            workload=_workload(imported.found, measurements),
            state=RunState.PENDING,
            seed=seed or 0,
            created_at=now,
            created_by=actor.name,
            command=first.command,
            note=note,
            started_at=min(one.started_at for one in measurements),
            provenance={
                "endpoint": {"name": first.model, "base_url": first.base_url, "version_verified": False},
                "tool": first.measurement.tool,
                "tool_version": first.measurement.tool_version,
                "product_version": self._product_version,
                "imported": {
                    "files": [_file_name(name) for name, _ in imported.files],
                    "seed_known": seed is not None,
                    "time_known": has_time,
                    "sampling_known": first.temperature is not None,
                },
            },
        )

    def _endpoint(self, actor: Actor, model: str) -> Endpoint:
        """A run belongs to an endpoint: one for each model, archived from the start."""
        known = self._store.endpoints.find(_BASE_URL, model)
        if known is not None:
            return known
        now = self._clock.now()
        endpoint = Endpoint(
            id=f"ep-{uuid.uuid4().hex[:12]}",
            name=model,
            base_url=_BASE_URL,
            served_name=model,
            origin=Origin.IMPORTED,
            server_key="imported",
            version_label="",
            version_verified=False,
            created_at=now,
            created_by=actor.name,
            archived_at=now,
        )
        self._store.endpoints.add(endpoint)
        return endpoint


def _file_name(name: str) -> str:
    """Its last two parts: EvalScope's files are told apart by their folder."""
    return "/".join(PurePosixPath(name).parts[-2:])


# ---------------------------------------------------------------- what belongs together


def _sweeps(found: Sequence[Found]) -> Iterator[list[Found]]:
    """Points of one tool, model and pair of lengths are one sweep."""
    sweeps: list[list[Found]] = []
    for one in found:
        sweep = next((points for points in sweeps if _belong(points[0], one)), None)
        if sweep is None:
            sweeps.append([one])
        else:
            sweep.append(one)
    return iter(sweeps)


def _belong(one: Found, other: Found) -> bool:
    here, there = one.point, other.point
    alike = (here.engine, here.model, here.api, here.measurement.tool_version, here.point.arrival) == (
        there.engine,
        there.model,
        there.api,
        there.measurement.tool_version,
        there.point.arrival,
    )
    pairs = zip(here.lengths, there.lengths, strict=True)
    return alike and all(abs(a - b) <= _ALIKE * max(a, b) for a, b in pairs)


def _load(one: Found) -> tuple[float, int]:
    point = one.point.point
    return point.rate_per_s or 0.0, point.concurrency or 0


def _ordered(found: Sequence[Found]) -> list[Found]:
    return sorted(found, key=_load)


def _measurements(found: Sequence[Found]) -> Iterator[Measurement]:
    """By load; equal loads are repeats of one point."""
    loads = sorted({_load(one) for one in found})
    seen = dict.fromkeys(loads, 0)
    for one in _ordered(found):
        load = _load(one)
        yield replace(one.point.measurement, point_index=loads.index(load), repeat=seen[load])
        seen[load] += 1


def _workload(found: Sequence[Found], measurements: Sequence[Measurement]) -> Workload:
    points: dict[int, LoadPoint] = {}
    for one, measurement in zip(_ordered(found), measurements, strict=True):
        points.setdefault(measurement.point_index, replace(one.point.point, index=measurement.point_index))
    first = found[0].point
    input_tokens, output_tokens = first.lengths
    return Workload(
        input_tokens=max(1, input_tokens),
        output_tokens=max(1, output_tokens),
        points=tuple(points.values()),
        api=first.api,
        repeats=1 + max(one.repeat for one in measurements),
        temperature=first.temperature or 0.0,
        ignore_eos=first.ignore_eos is not False,
    )
