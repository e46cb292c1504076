"""Comparisons: what is called a change and what is not, the guard, baselines, the gate, the noise floor."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import Engine, Measurement, RequestCounts, RunState
from core.domain.comparison import FIGURES, Call, Unit, Verdict
from core.domain.gate import Outcome
from core.domain.likeness import Weight
from core.domain.workload import Api, Arrival, LoadPoint, Workload
from core.errors import BadInput, NotAllowed, NotFoundError
from core.services.benchmarks import BenchmarkService
from core.services.comparisons import ComparisonService
from core.services.endpoints import EndpointService
from tests.fakes import samples
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.secrets import FakeSecrets
from tests.fakes.simulated_runs import sweep

THROUGHPUT = FIGURES[0]
HOST = {"host": {"name": "bench"}, "endpoint": {"base_url": "http://127.0.0.1:8000/v1"}}


@pytest.fixture
def service(database: DatabaseStore) -> ComparisonService:
    clock = FakeClock()
    database.endpoints.add(samples.endpoint())
    endpoints = EndpointService(database.endpoints, FakeEndpointClient(clock), FakeSecrets(), clock)
    benchmarks = BenchmarkService(database, FakeJobQueue(clock.now()), endpoints, clock, host=lambda: HOST["host"])
    return ComparisonService(database, benchmarks, clock)


def put(database: DatabaseStore, run_id: str, seed: int, **changes: Any) -> None:
    sweep(database, run_id, seed=seed, **{"provenance": HOST, "requests": 120, **changes})


def alike(database: DatabaseStore, run_id: str, measurements: tuple[Measurement, ...]) -> None:
    """A complete run with these points."""
    points = tuple(LoadPoint(one.point_index, concurrency=one.concurrency, requests=120) for one in measurements)
    database.runs.add(samples.run(id=run_id, workload=Workload(128, 128, points), job_id=None, provenance=HOST))
    for one in measurements:
        database.runs.save_measurement(run_id, one)
    database.runs.set_state(run_id, RunState.COMPLETE)


def codes(found: Any) -> dict[str, Weight]:
    return {one.code: one.weight for one in found.pairs[0].differences}


def test_a_slower_version_is_called_worse_at_every_load(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, slowdown=1.10, created_at=samples.NOW + timedelta(1))
    found = service.compare(["run-2", "run-1"])
    pair = found.pairs[0]
    assert (found.baseline.run.id, pair.candidate.run.id) == ("run-1", "run-2")
    assert pair.verdict is Verdict.WORSE
    assert pair.basis.unit is Unit.REQUESTS
    assert [load.concurrency for load in pair.loads] == [1, 4, 16]
    cell = pair.overall(THROUGHPUT)
    assert cell is not None
    assert cell.change is not None
    assert cell.change.share == pytest.approx(-0.09, abs=0.02)
    assert cell.change.low < -0.09 + 1 < cell.change.high
    assert cell.worse_by is not None
    assert 0.05 < cell.worse_by[0] < cell.worse_by[1] < 0.13
    assert {one.call for one in pair.cells if one.figure.headline} == {Call.WORSE}
    assert pair.differences == ()


def test_equal_versions_differ_by_noise_alone(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 3)
    put(database, "run-2", 4)
    pair = service.compare(["run-1", "run-2"]).pairs[0]
    assert pair.verdict is Verdict.NOISE
    sure = [cell for cell in pair.cells if cell.change]
    assert {cell.call for cell in sure} <= {Call.NOISE, Call.UNCLEAR}
    assert pair.basis.tests == len(sure) == 5 * 4, "five figures with an interval, all loads and each"
    tails = [cell for cell in pair.cells if cell.figure.statistic == "p99"]
    assert {cell.call for cell in tails} == {Call.UNKNOWN}, "the slowest of one run share a moment"


def test_few_requests_show_nothing_and_say_so(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 5, requests=6, cv=0.5)
    put(database, "run-2", 6, requests=6, cv=0.5)
    pair = service.compare(["run-1", "run-2"]).pairs[0]
    assert pair.verdict is Verdict.UNCLEAR
    p99 = next(cell for cell in pair.cells if cell.figure.id == "ttft_p99")
    assert (p99.change, p99.call) == (None, Call.UNKNOWN)
    assert p99.baseline is not None


def test_from_three_repeats_the_repeat_is_the_unit(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 7, repeats=3, noise=0.003)
    put(database, "run-2", 8, repeats=3, noise=0.003, slowdown=1.08)
    pair = service.compare(["run-1", "run-2"], "run-1").pairs[0]
    assert (pair.basis.unit, pair.basis.repeats) == (Unit.REPEATS, 3)
    cell = pair.overall(THROUGHPUT)
    assert cell is not None
    assert cell.n == (3, 3)
    assert pair.verdict is Verdict.WORSE
    assert all(cell.change for cell in pair.cells), "tails, too"


def test_a_change_below_the_noise_floor_is_none(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 7, repeats=5, cv=0.01)
    put(database, "run-2", 8, repeats=5, cv=0.01, slowdown=1.006)
    pair = service.compare(["run-1", "run-2"], "run-1").pairs[0]
    cell = pair.overall(THROUGHPUT)
    assert cell is not None
    assert cell.change is not None
    assert cell.change.p_value < 0.001, "beyond chance, and yet less than two equal runs differ by"
    assert cell.call is Call.NOISE


@pytest.mark.parametrize(
    ("changes", "code", "weight"),
    [
        ({"workload": replace(samples.workload((1, 4, 16)), input_tokens=256)}, "input_tokens", Weight.VOID),
        ({"workload": replace(samples.workload((1, 4, 16)), api=Api.CHAT)}, "api", Weight.VOID),
        ({"workload": replace(samples.workload((1, 4, 16)), temperature=0.7)}, "temperature", Weight.WEAKENS),
        ({"origin": "simulated"}, "simulated", Weight.VOID),
        ({"engine": Engine.VLLM_BENCH}, "engine", Weight.WEAKENS),
        ({"measurement": {"tool_version": "9"}}, "tool_version", Weight.NOTE),
        ({"provenance": {**HOST, "host": {"name": "other"}}}, "measured_from", Weight.WEAKENS),
        ({"provenance": {**HOST, "imported": {"sampling_known": False}}}, "sampling_unknown", Weight.WEAKENS),
        ({"provenance": {**HOST, "imported": {"seed_known": False}}}, "seed_unknown", Weight.WEAKENS),
        ({"seed": 1}, "same_seed", Weight.WEAKENS),
        ({"measurement": {"requests": RequestCounts(190, 5)}}, "failures", Weight.WEAKENS),
        ({"measurement": {"warnings": ("client_starved",)}}, "client_starved", Weight.WEAKENS),
        ({"measurement": {"warnings": ("sent_late",)}}, "sent_late", Weight.WEAKENS),
        (
            {"measurement": {"server_metrics": {"prefix_cache_queries_total": 100.0, "prefix_cache_hits_total": 60.0}}},
            "prefix_cache",
            Weight.WEAKENS,
        ),
        ({"repeats": 2}, "repeats", Weight.NOTE),
        ({"concurrencies": (1, 4, 64)}, "loads", Weight.NOTE),
    ],
)
def test_the_guard_names_what_differs(
    service: ComparisonService, database: DatabaseStore, changes: dict[str, Any], code: str, weight: Weight
) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", **{"seed": 2, **changes})
    found = service.compare(["run-1", "run-2"], "run-1")
    assert codes(found)[code] is weight
    assert (found.pairs[0].verdict is Verdict.NOT_COMPARABLE) == (weight is Weight.VOID)


OURS = {
    **HOST,
    "devices": 32,
    "device_kind": "/dev/va*",
    "driver": "1.0",
    "weights_fingerprint": "aa",
    "profile": "r1",
    "profile_revision": "1",
}


@pytest.mark.parametrize(
    ("changes", "code", "weight"),
    [
        ({"devices": 16}, "devices", Weight.WEAKENS),
        ({"device_kind": None, "devices": {"kind": "/dev/vb*", "count": 32}}, "devices", Weight.WEAKENS),
        ({"driver": "1.1"}, "driver", Weight.WEAKENS),
        ({"weights_fingerprint": "bb"}, "weights_fingerprint", Weight.NOTE),
        ({"profile_revision": "2"}, "profile_revision", Weight.NOTE),
        ({"profile": {"name": "r1", "revision": "2"}}, "profile_revision", Weight.NOTE),
    ],
)
def test_what_the_server_ran_on_is_named(
    service: ComparisonService, database: DatabaseStore, changes: dict[str, Any], code: str, weight: Weight
) -> None:
    put(database, "run-1", 1, provenance=OURS)
    put(database, "run-2", 2, provenance={**OURS, **changes})
    found = service.compare(["run-1", "run-2"], "run-1")
    assert codes(found) == {code: weight}
    assert [row.key for row in service.configuration(found) if row.differs] == [code]


def test_what_one_side_does_not_know_is_no_difference(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1, provenance=OURS)
    put(database, "run-2", 2)
    assert codes(service.compare(["run-1", "run-2"], "run-1")) == {}


def open_loop(arrival: Arrival = Arrival.POISSON, cap: int | None = None) -> dict[str, Any]:
    points = (LoadPoint(0, arrival, cap, rate_per_s=2.0, requests=120),)
    return {"workload": Workload(128, 128, points), "measurement": {"rate_per_s": 2.0, "concurrency": cap}}


@pytest.mark.parametrize(
    ("changes", "code", "weight"),
    [
        (open_loop(Arrival.CONSTANT), "arrival", Weight.VOID),
        (open_loop(cap=8), "cap", Weight.WEAKENS),
    ],
)
def test_the_guard_looks_at_how_requests_came(
    service: ComparisonService, database: DatabaseStore, changes: dict[str, Any], code: str, weight: Weight
) -> None:
    put(database, "run-1", 1, **open_loop())
    put(database, "run-2", 2, **changes)
    found = service.compare(["run-1", "run-2"], "run-1")
    assert codes(found)[code] is weight
    assert (found.pairs[0].verdict is Verdict.NOT_COMPARABLE) == (weight is Weight.VOID)


def test_equal_seeds_of_the_containers_own_client_are_named(
    service: ComparisonService, database: DatabaseStore
) -> None:
    put(database, "run-1", 1, engine=Engine.VLLM_BENCH)
    put(database, "run-2", 1, engine=Engine.VLLM_BENCH, cv=0.1)
    assert codes(service.compare(["run-1", "run-2"]))["same_seed"] is Weight.WEAKENS


def test_unknown_seeds_are_not_called_the_same(service: ComparisonService, database: DatabaseStore) -> None:
    """An imported result's is kept as 0."""
    told = {**HOST, "imported": {"seed_known": False}}
    put(database, "run-1", 0, engine=Engine.VLLM_BENCH, provenance=told)
    put(database, "run-2", 0, engine=Engine.VLLM_BENCH, provenance=told)
    found = codes(service.compare(["run-1", "run-2"]))
    assert "seed_unknown" in found
    assert "same_seed" not in found


def test_without_a_common_load_there_is_no_verdict(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1, concurrencies=(1, 2))
    put(database, "run-2", 2, concurrencies=(8,))
    pair = service.compare(["run-1", "run-2"]).pairs[0]
    assert (pair.verdict, pair.loads, pair.cells) == (Verdict.NOT_COMPARABLE, (), ())
    assert pair.overall(THROUGHPUT) is None


def test_without_request_records_percentiles_have_no_interval(
    service: ComparisonService, database: DatabaseStore
) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, keep_records=False)
    pair = service.compare(["run-1", "run-2"]).pairs[0]
    known = {cell.figure.id for cell in pair.cells if cell.change}
    assert known == {"output_tokens_per_s", "ttft_mean", "tpot_mean", "e2el_mean"}


def test_the_best_of_several_is_named(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, slowdown=0.95)
    put(database, "run-3", 3, slowdown=0.85)
    put(database, "run-4", 4, slowdown=1.2)
    found = service.compare(["run-4", "run-3", "run-2", "run-1"], "run-1")
    assert found.best is not None
    assert found.best.candidate.run.id == "run-3"
    assert [row.key for row in service.configuration(found)][:1] == ["model"]


def test_what_cannot_be_compared_is_refused(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    with pytest.raises(BadInput, match="compare_one"):
        service.compare(["run-1", "run-1"])
    with pytest.raises(NotFoundError):
        service.compare(["run-1", "run-x"])
    with pytest.raises(BadInput, match="compare_too_many"):
        service.compare([f"run-{number}" for number in range(9)])


def test_a_baseline_is_pinned_for_model_and_workload(service: ComparisonService, database: DatabaseStore) -> None:
    for number in (1, 2, 3):
        put(database, f"run-{number}", number, created_at=samples.NOW + timedelta(number))
    assert service.baseline_of("run-1") is None
    service.pin(LOCAL_OPERATOR, "run-1")
    pinned = service.pin(LOCAL_OPERATOR, "run-2")
    assert service.baselines() == (pinned,)
    assert service.compare(["run-3"]).baseline.run.id == "run-2", "a single run is compared with it"
    assert service.compare(["run-1", "run-2", "run-3"]).baseline.run.id == "run-2"
    assert service.compare(["run-1", "run-3"]).baseline.run.id == "run-1", "the oldest"
    assert {row.id for row in service.candidates("run-1")} == {"run-1", "run-2", "run-3"}
    service.unpin(LOCAL_OPERATOR, "run-3")
    assert service.baselines() == ()
    with pytest.raises(NotAllowed):
        service.pin(Actor("vera", Role.VIEWER), "run-1")


def test_an_unfinished_run_is_no_baseline(service: ComparisonService, database: DatabaseStore) -> None:
    database.runs.add(samples.run())
    with pytest.raises(BadInput, match="baseline_not_measured"):
        service.pin(LOCAL_OPERATOR, "run-1")


def test_the_gate_fails_only_beyond_doubt_and_limit(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, slowdown=1.10)
    put(database, "run-3", 3)
    put(database, "run-4", 4, workload=samples.workload((1,), input_tokens=999))
    with pytest.raises(BadInput, match="no_baseline"):
        service.gate("run-2", None, 0.03)
    service.pin(LOCAL_OPERATOR, "run-1")
    worse = service.gate("run-2", None, 0.03)
    assert worse.outcome is Outcome.WORSE
    assert {cell.figure.id for cell in worse.offenders} == {"output_tokens_per_s", "ttft_mean", "tpot_mean"}
    assert service.gate("run-2", None, 0.15).outcome is Outcome.PASSED
    assert service.gate("run-3", None, 0.03).outcome is Outcome.PASSED
    assert service.gate("run-4", "run-1", 0.03).outcome is Outcome.UNUSABLE


def test_what_did_not_hold_a_load_of_the_baseline_cannot_pass(
    service: ComparisonService, database: DatabaseStore
) -> None:
    put(database, "run-1", 1)
    broken = replace(samples.measurement(2, concurrency=16), requests=RequestCounts(60, 60))
    _, measured = sweep(None, "run-2", seed=2, requests=120)
    alike(database, "run-2", (*measured[:2], broken))
    found = service.gate("run-2", "run-1", 0.03)
    assert found.outcome is Outcome.UNUSABLE
    assert [load.concurrency for load in found.unanswered] == [16]


def test_a_load_that_was_not_measured_is_no_pass(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, concurrencies=(1, 4))
    found = service.gate("run-2", "run-1", 0.03)
    assert (found.outcome, found.is_whole) == (Outcome.UNUSABLE, True)
    assert [load.concurrency for load in found.unanswered] == [16]


def test_a_run_that_ended_early_is_no_pass(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2)
    database.runs.set_state("run-2", RunState.PARTIAL)
    found = service.gate("run-2", "run-1", 0.03)
    assert (found.outcome, found.is_whole, found.unanswered) == (Outcome.UNUSABLE, False, ())


def test_the_noise_floor_is_measured_and_used(service: ComparisonService, database: DatabaseStore) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, slowdown=1.06)
    assert service.noise("run-1").run_ids == ()
    assert service.compare(["run-1", "run-2"]).pairs[0].verdict is Verdict.WORSE
    plan = service.plan_noise("run-1")
    assert (plan.request.workload.repeats, plan.request.note) == (6, "A/A")
    assert [point.concurrency for point in plan.request.workload.points] == [1, 4, 16]
    view = service.start_noise(LOCAL_OPERATOR, plan)
    run_id = view.job.run_id or ""
    assert service.noise_job("run-1") == run_id
    assert service.noise("run-1").run_ids == (), "not before it is complete"
    _, measured = sweep(None, "unstored", seed=9, repeats=6, noise=0.05)
    for one in measured:
        database.runs.save_measurement(run_id, one)
    database.runs.set_state(run_id, RunState.COMPLETE)
    assert service.noise_job("run-1") is None
    noise = service.noise("run-1")
    assert noise.run_ids == (run_id,)
    assert 0.05 < noise.floor(THROUGHPUT) < 0.4, "1.96 x sqrt(2) x 5 %, from few repeats"
    pair = service.compare(["run-1", "run-2"]).pairs[0]
    assert (pair.verdict, pair.basis.noise) == (Verdict.UNCLEAR, noise), "on this machine 6 % are nothing"


def test_points_of_which_too_much_failed_are_left_out_and_counted(
    service: ComparisonService, database: DatabaseStore
) -> None:
    put(database, "run-1", 1)
    put(database, "run-2", 2, measurement={"requests": RequestCounts(150, 42)})
    found = service.compare(["run-1", "run-2"], "run-1").pairs[0]
    assert (found.loads, found.verdict) == ((), Verdict.NOT_COMPARABLE)
    assert next(one for one in found.differences if one.code == "left_out").candidate == 3


def test_bursts_of_other_work_widen_the_intervals_and_are_told(
    service: ComparisonService, database: DatabaseStore
) -> None:
    put(database, "run-1", 1, concurrencies=(8,))
    put(database, "run-2", 4, concurrencies=(8,), burst=1.6)
    put(database, "run-3", 4, concurrencies=(8,), burst=1.6, keep_records=False)
    told = service.compare(["run-1", "run-2"], "run-1").pairs[0]
    naive = service.compare(["run-1", "run-3"], "run-1").pairs[0]
    assert (told.basis.disturbed, told.basis.measured) == (1, 2)
    wide, narrow = (pair.overall(THROUGHPUT) for pair in (told, naive))
    assert wide is not None
    assert narrow is not None
    assert wide.change is not None
    assert narrow.change is not None
    assert wide.change.high - wide.change.low > 1.5 * (narrow.change.high - narrow.change.low)
