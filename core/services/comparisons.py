"""Comparisons: runs side by side, pinned baselines, the gate, and a machine's noise floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from core.domain.access import Actor, Role
from core.domain.baseline import Baseline, NoiseRun, Watched, machine_of
from core.domain.benchmark import (
    BenchmarkPlan,
    BenchmarkRequest,
    Measurement,
    Run,
    RunKind,
    RunRow,
    RunState,
    requests_artifact,
    tool_words,
)
from core.domain.comparing import compare, louder, noise_of, records_of
from core.domain.comparison import Comparison, Evidence, Noise, Records
from core.domain.config_diff import DiffRow, config_diff
from core.domain.gate import GateResult, judge
from core.domain.history import Facet, RunFilter
from core.domain.job import JobView
from core.domain.run_identity import workload_key, workload_label
from core.domain.version import version_of
from core.domain.workload import Workload
from core.errors import BadInput, NotFoundError
from core.formats.request_records import latencies
from core.ports import ArtifactRow, Clock, Store
from core.services.access import require
from core.services.benchmarks import BenchmarkService
from core.services.kept import Kept

MOST_RUNS = 8
"""More curves than this nobody can tell apart."""
NOISE_REPEATS = 6
NOISE_POINTS = 3
_KEPT_COMPARISONS = 32
_KEPT_POINTS = 4096


class ComparisonService:
    """Reads, but for pins and noise runs."""

    def __init__(self, store: Store, benchmarks: BenchmarkService, clock: Clock) -> None:
        self._store = store
        self._benchmarks = benchmarks
        self._clock = clock
        self._comparisons: Kept[tuple[object, ...], Comparison] = Kept(_KEPT_COMPARISONS)
        self._watched: Kept[int, tuple[Watched, ...]] = Kept(1)
        self._points: Kept[tuple[str, int, int], Records] = Kept(_KEPT_POINTS)

    # ------------------------------------------------------------ comparing

    def compare(self, run_ids: Sequence[str], baseline_id: str | None = None) -> Comparison:
        """Every run against the baseline: the one that is named, else the pinned one, else the oldest. A single run is
        compared with its pinned baseline. Raises NotFoundError, BadInput (compare_too_many: value; compare_one: value,
        where there is nothing to compare with; compare_not_a_sweep: value)."""
        wanted = tuple(dict.fromkeys([*run_ids, *([baseline_id] if baseline_id else [])]))
        if len(wanted) > MOST_RUNS:
            raise BadInput("compare_too_many", field="runs", value=len(wanted), most=MOST_RUNS)
        key = (wanted, baseline_id, self._store.data_version())
        return self._comparisons.get(key, lambda: self._compare(wanted, baseline_id))

    def has_partner(self, run_ids: Sequence[str], baseline_id: str | None = None) -> bool:
        """Whether there are two runs to compare: a single one has its pinned baseline, unless it is that itself. Raises
        NotFoundError, BadInput (compare_not_a_sweep)."""
        wanted = {*run_ids, *([baseline_id] if baseline_id else [])}
        if len(wanted) != 1:
            return len(wanted) > 1
        pinned = self.baseline_of(next(iter(wanted)))
        return pinned is not None and pinned.run_id not in wanted

    def _compare(self, wanted: Sequence[str], baseline_id: str | None) -> Comparison:
        sides = {run_id: self._evidence(run_id) for run_id in wanted}
        chosen = baseline_id or self._baseline_among(list(sides.values()))
        if chosen and chosen not in sides:
            sides[chosen] = self._evidence(chosen)
        if chosen is None or len(sides) < 2:
            raise BadInput("compare_one", field="runs", value=", ".join(wanted))
        candidates = [side for run_id, side in sides.items() if run_id != chosen]
        return compare(sides[chosen], candidates, self._noise([side.run for side in sides.values()]))

    def _baseline_among(self, sides: Sequence[Evidence]) -> str | None:
        """Pinned, else the oldest of several."""
        pinned = self.baseline_for(sides[0].run) if sides else None
        if pinned and (len(sides) == 1 or pinned.run_id in {side.run.id for side in sides}):
            return pinned.run_id
        return min(sides, key=lambda side: (side.run.created_at, side.run.id)).run.id if len(sides) > 1 else None

    def configuration(self, comparison: Comparison) -> tuple[DiffRow, ...]:
        """What was configured, side by side, the baseline first."""
        sides = comparison.sides
        return config_diff([side.run for side in sides], [tool_words(side.run, side.measurements) for side in sides])

    def gate(self, run_id: str, against: str | None, max_regression: float) -> GateResult:
        """``against``: a run; None for the pinned baseline. ``max_regression`` is a share. Raises NotFoundError and
        BadInput, as ``compare``; no_baseline (value) where none is pinned, gate_itself (value)."""
        if against is None:
            pinned = self.baseline_for(self._sweep(run_id))
            if pinned is None:
                raise BadInput("no_baseline", field="against", value=run_id)
            against = pinned.run_id
        if against == run_id:
            raise BadInput("gate_itself", field="against", value=run_id)
        found = self.compare([run_id], against)
        return judge(found.baseline, found.pairs[0], max_regression)

    def candidates(self, run_id: str, limit: int = 50) -> tuple[RunRow, ...]:
        """The latest runs of the same workload: what can be compared with a run, whatever its model. Raises
        NotFoundError, BadInput."""
        key = workload_key(self._sweep(run_id).workload)
        return self._store.runs.page(0, limit, RunFilter(facets={Facet.WORKLOAD: key})).rows

    # ------------------------------------------------------------ evidence

    def _sweep(self, run_id: str) -> Run:
        if self._store.runs.head(run_id).kind is not RunKind.SWEEP:
            raise BadInput("compare_not_a_sweep", field="runs", value=run_id)
        return self._store.runs.get(run_id)

    def _evidence(self, run_id: str) -> Evidence:
        run = self._sweep(run_id)
        measurements = self._store.runs.measurements(run_id)
        files = {row.name: row for row in self._store.artifacts.list(run_id)}
        records = {
            (one.point_index, one.repeat): self._points.get(
                (run_id, one.point_index, one.repeat), partial(self._records, files, one)
            )
            for one in measurements
        }
        return Evidence(run, version_of(run), measurements, records)

    def _records(self, files: Mapping[str, ArtifactRow], one: Measurement) -> Records:
        """A measured point never changes. Nothing where its records are not kept, or damaged: medians then have no
        interval, and requests are taken for independent."""
        file = files.get(requests_artifact(one.point_index, one.repeat))
        if file is None:
            return Records()
        try:
            return records_of(latencies(self._store.artifacts.read(file.id)))
        except (NotFoundError, ValueError):
            return Records()

    # ------------------------------------------------------------ baselines

    def baselines(self) -> tuple[Baseline, ...]:
        """All that are pinned."""
        return self._store.baselines.list()

    def watched(self) -> tuple[Watched, ...]:
        """All that are pinned, each with what was measured last beside it; looked for once for each version of the
        data."""
        return self._watched.get(self._store.data_version(), self._look)

    def _look(self) -> tuple[Watched, ...]:
        every = self.baselines()
        newest = self._store.runs.newest({(one.model, one.workload_key): one.run_id for one in every})
        return tuple(Watched(one, newest.get((one.model, one.workload_key))) for one in every)

    def baseline_for(self, run: Run) -> Baseline | None:
        """What is pinned for the run's model and workload."""
        return self._store.baselines.get(run.model, workload_key(run.workload))

    def baseline_of(self, run_id: str) -> Baseline | None:
        """The same by id. Raises NotFoundError, BadInput."""
        return self.baseline_for(self._sweep(run_id))

    def pin(self, actor: Actor, run_id: str) -> Baseline:
        """Makes a run the baseline of its model and workload. Raises NotAllowed, NotFoundError, BadInput
        (baseline_not_measured: value)."""
        require(actor, Role.OPERATOR)
        run = self._sweep(run_id)
        if run.state not in {RunState.COMPLETE, RunState.PARTIAL} or not self._store.runs.measurements(run_id):
            raise BadInput("baseline_not_measured", field="run", value=run_id)
        key, label = workload_key(run.workload), workload_label(run.workload)
        baseline = Baseline(run.model, key, label, run.id, self._clock.now(), actor.name)
        self._store.baselines.pin(baseline)
        return baseline

    def unpin(self, actor: Actor, run_id: str) -> None:
        """Leaves the run's model and workload without a baseline. Raises NotAllowed, NotFoundError."""
        require(actor, Role.OPERATOR)
        run = self._sweep(run_id)
        self._store.baselines.unpin(run.model, workload_key(run.workload))

    # ------------------------------------------------------------ noise

    def _noise(self, runs: Sequence[Run]) -> Noise:
        places = dict.fromkeys((machine_of(run), run.engine.value) for run in runs)
        return louder([self._measured_noise(machine, engine) for machine, engine in places])

    def _measured_noise(self, machine: str, engine: str) -> Noise | None:
        """From the latest run that measured it to its end. Without its requests' records: what they explain beside
        independence stays in the floor, which is to be rather too high than too low."""
        for known in self._store.noise.list(machine, engine):
            run = self._store.runs.get(known.run_id)
            if run.state is RunState.COMPLETE:
                return noise_of(Evidence(run, version_of(run), self._store.runs.measurements(run.id)))
        return None

    def noise(self, run_id: str) -> Noise:
        """The floor that holds where a run was measured. Raises NotFoundError, BadInput."""
        return self._noise([self._sweep(run_id)])

    def noise_job(self, run_id: str) -> str | None:
        """The run that measures that floor right now. Raises NotFoundError, BadInput."""
        run = self._sweep(run_id)
        found = self._store.noise.list(machine_of(run), run.engine.value)
        states = [(one.run_id, self._store.runs.head(one.run_id).state) for one in found[:1]]
        return next((known for known, state in states if state is RunState.PENDING), None)

    def plan_noise(self, run_id: str) -> BenchmarkPlan:
        """An A/A test: a run's workload again and again, unchanged, at no more than three of its loads. Raises
        NotFoundError, BadInput."""
        run = self._sweep(run_id)
        return self._benchmarks.plan(BenchmarkRequest(run.endpoint_id, _again(run.workload), run.engine, note="A/A"))

    def start_noise(self, actor: Actor, plan: BenchmarkPlan) -> JobView:
        """Queues it; once it is complete its floor is used for every comparison on that machine. Raises NotAllowed,
        PlanBlocked, StalePlan."""
        view = self._benchmarks.start(actor, plan)
        run = self._store.runs.get(view.job.run_id or "")
        machine, engine = machine_of(run), run.engine.value
        self._store.noise.add(NoiseRun(run.id, machine, engine, run.created_at, actor.name))
        return view


def _again(workload: Workload) -> Workload:
    """The lowest, the middle and the highest load, several times."""
    points, last = workload.points, len(workload.points) - 1
    places = sorted({0, last // 2, last}) if len(points) > NOISE_POINTS else range(len(points))
    chosen = tuple(replace(points[place], index=index) for index, place in enumerate(places))
    return replace(workload, points=chosen, repeats=NOISE_REPEATS, stop_at_peak=False, stop_at_slo=False)
