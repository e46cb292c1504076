"""One run in full, its requests out of the raw file, notes."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import RequestCounts, RunKind, requests_artifact, server_metrics_artifact
from core.domain.history import Facet, RunFilter
from core.domain.job import JobState, JobView
from core.domain.workload import Slo
from core.errors import NotAllowed, NotFoundError, OutputNotUnderstood
from core.services.results import RequestRow, ResultService
from tests.fakes import samples


class Views:
    """Every job is done."""

    def view(self, job_id: str) -> JobView:
        return JobView(samples.job(id=job_id), JobState.DONE, 2, None)


@pytest.fixture
def service(database: DatabaseStore) -> ResultService:
    database.endpoints.add(samples.endpoint())
    database.runs.add(samples.run())
    return ResultService(database, Views())


def test_a_run_in_full(service: ResultService, database: DatabaseStore) -> None:
    database.runs.save_measurement("run-1", samples.measurement(1))
    row = database.artifacts.save("run-1", "log", "text/plain", [b"x"])
    detail = service.run("run-1")
    assert detail.run == samples.run()
    assert detail.measurements == (samples.measurement(1),)
    assert (detail.points_total, detail.artifacts) == (2, (row,))
    assert detail.job is not None
    assert detail.job.job.id == "job-1"
    assert b"".join(service.artifact(row.id)) == b"x"


def test_an_imported_run_has_no_job(service: ResultService, database: DatabaseStore) -> None:
    database.runs.add(samples.run(id="run-2", job_id=None))
    assert service.run("run-2").job is None


def test_an_unknown_run(service: ResultService) -> None:
    with pytest.raises(NotFoundError):
        service.run("run-9")


def test_lists(service: ResultService, database: DatabaseStore) -> None:
    database.runs.add(samples.run(id="run-2", model="Qwen3-8B", created_at=samples.NOW + timedelta(1)))
    assert [row.id for row in service.recent(1)] == ["run-2"]
    assert service.models() == ("Qwen3-8B", "tiny")
    assert [row.id for row in service.runs(0, 10, RunFilter(facets={Facet.MODEL: "tiny"})).rows] == ["run-1"]


def test_requests_come_out_of_the_raw_file(service: ResultService, database: DatabaseStore) -> None:
    good = {"index": 0, "started_s": 0.0, "late_ms": 0.1, "ttft_ms": 200.0, "e2el_ms": 220.0, "tpot_ms": 20.0}
    good |= {"input_tokens": 128, "output_tokens": 2, "failure": None, "detail": "", "process": 0, "itl_ms": [20.0]}
    bad = good | {"index": 1, "failure": "http_429", "detail": "多了", "ttft_ms": None, "itl_ms": [], "added": 1}
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (good, bad)).encode()
    chunks = [text[start : start + 7] for start in range(0, len(text), 7)]
    database.artifacts.save("run-1", requests_artifact(1, 0), "application/x-ndjson", chunks)
    rows = service.requests("run-1", 1, 0)
    assert rows[0] == RequestRow(0, 0.0, 200.0, 220.0, 20.0, 128, 2, None, "", 0, 0.1, (20.0,))
    assert (rows[1].failure, rows[1].detail, rows[1].ttft_ms, rows[1].itl_ms) == ("http_429", "多了", None, ())
    assert service.requests("run-1", 0, 0) == ()


@pytest.mark.parametrize("text", [b"{\n", b"[1]\n", b'{"index": 1}\n', b"\xff\xfe\n"])
def test_damaged_records_name_file_and_line(service: ResultService, database: DatabaseStore, text: bytes) -> None:
    database.artifacts.save("run-1", requests_artifact(0, 0), "application/x-ndjson", [text])
    with pytest.raises(OutputNotUnderstood) as caught:
        service.requests("run-1", 0, 0)
    assert (caught.value.params["tool"], caught.value.params["line"]) == (requests_artifact(0, 0), 1)


def test_an_operator_writes_notes(service: ResultService) -> None:
    service.annotate(LOCAL_OPERATOR, "run-1", "  after the driver upgrade ")
    assert service.run("run-1").run.note == "after the driver upgrade"
    with pytest.raises(NotAllowed):
        service.annotate(Actor("vera", Role.VIEWER), "run-1", "x")


def store_point(database: DatabaseStore, index: int, ttft_ms: list[float], failed: int = 0) -> None:
    """A measured point and the lines of its requests, gaps last as the generator writes them."""
    rows = [{"index": n, "started_s": 0.1 * n, "ttft_ms": took, "e2el_ms": 900.0} for n, took in enumerate(ttft_ms)]
    rows = [{**row, "tpot_ms": 20.0, "input_tokens": 8, "output_tokens": 8, "process": 0} for row in rows]
    lines = [json.dumps({**row, "failure": None, "detail": ""})[:-1] + ', "itl_ms": [20.0,NaN]}' for row in rows]
    lines += [json.dumps({**rows[0], "index": 90 + n, "failure": "timeout", "detail": "x"}) for n in range(failed)]
    database.artifacts.save("run-1", requests_artifact(index, 0), "application/x-ndjson", ["\n".join(lines).encode()])
    found = samples.measurement(index, concurrency=4**index, output_tokens_per_s=100.0 * (index + 1))
    database.runs.save_measurement("run-1", found)


def test_capacity_counts_the_requests_that_are_kept(service: ResultService, database: DatabaseStore) -> None:
    store_point(database, 0, [100.0] * 190, failed=2)
    store_point(database, 1, [100.0] * 96 + [900.0] * 96)
    found = service.capacity(service.run("run-1"), Slo(95, ttft_ms=500.0))
    assert found is not None
    assert [verdict.surely for verdict in found.verdicts] == [True, False]
    assert found.verdicts[1].kept_share == 0.5
    again = service.capacity(service.run("run-1"), Slo(95, ttft_ms=1000.0))
    assert again is not None
    assert again.verdicts[1].surely is True


def test_where_the_records_are_gone_capacity_goes_by_the_percentiles(
    service: ResultService, database: DatabaseStore
) -> None:
    store_point(database, 0, [100.0] * 192)
    detail = service.run("run-1")
    database.artifacts.sweep(samples.NOW + timedelta(days=365 * 9))
    found = service.capacity(detail, Slo(95, ttft_ms=500.0))
    assert found is not None
    assert (found.holds, found.low) == (1, None)
    assert service.best_point(detail) is None


def test_the_point_of_a_report_is_the_fastest_one_with_records(service: ResultService, database: DatabaseStore) -> None:
    store_point(database, 0, [100.0, 200.0])
    database.runs.save_measurement("run-1", samples.measurement(1, output_tokens_per_s=1e6))
    packed = gzip.compress(b'{"t_s": -1, "num_requests_running": 1}\nnonsense\n[1]\n{"t_s": 2.5, "x": "y", "a": 3}\n')
    database.artifacts.save("run-1", server_metrics_artifact(0, 0), "application/gzip", [packed])
    point = service.best_point(service.run("run-1"))
    assert point is not None
    assert point.measurement.point_index == 0
    assert [row.ttft_ms for row in point.requests] == [100.0, 200.0]
    assert point.looks == ({"t_s": -1, "num_requests_running": 1}, {"t_s": 2.5, "a": 3})


def test_the_point_of_a_report_is_none_that_failed_too_often(service: ResultService, database: DatabaseStore) -> None:
    store_point(database, 0, [100.0, 200.0])
    store_point(database, 1, [100.0, 200.0])
    detail = service.run("run-1")
    first, second = detail.measurements
    broken = replace(second, requests=RequestCounts(100, 92))
    point = service.best_point(replace(detail, measurements=(first, broken)))
    assert point is not None
    assert point.measurement == first
    assert service.best_point(replace(detail, measurements=(broken,))) is None


def test_gaps_are_pooled_over_what_succeeded(service: ResultService, database: DatabaseStore) -> None:
    rows = [{"index": 0, "failure": None, "itl_ms": [20.5, 3.25]}, {"index": 1, "failure": "timeout", "itl_ms": [99.0]}]
    lines = [json.dumps({**GAPLESS, **row}) + "\n" for row in [*rows, {"index": 2, "failure": None, "itl_ms": [7.0]}]]
    database.artifacts.save("run-1", requests_artifact(0, 0), "application/x-ndjson", ["".join(lines).encode()])
    assert list(service.gaps("run-1", 0)) == [3.25, 7.0, 20.5]
    assert list(service.gaps("run-1", 1)) == []


GAPLESS = dict.fromkeys(("started_s", "ttft_ms", "e2el_ms", "tpot_ms", "input_tokens", "output_tokens")) | {
    "detail": "",
    "process": 0,
}


def test_damaged_looks_are_none(service: ResultService, database: DatabaseStore) -> None:
    database.runs.save_measurement("run-1", samples.measurement(0))
    database.artifacts.save("run-1", server_metrics_artifact(0, 0), "application/gzip", [b"no gzip"])
    assert service.server_looks(service.run("run-1"), 0) == ()
    assert service.server_looks(service.run("run-1"), 1) == ()


def test_what_is_left_of_a_sweep_is_told_while_it_runs(service: ResultService, database: DatabaseStore) -> None:
    detail = service.run("run-1")
    assert service.left_s(detail) is None
    assert detail.job is not None
    database.runs.save_measurement("run-1", samples.measurement(0, concurrency=1))
    running = replace(detail.job, progress=samples.progress(step=1, eta_s=3.5), state=JobState.RUNNING)
    assert service.left_s(replace(service.run("run-1"), job=running)) == 3.5


def test_a_run_of_the_other_kind_is_known_as_such(service: ResultService, database: DatabaseStore) -> None:
    database.runs.add(samples.run(id="run-2", kind=RunKind.EVALUATION))
    assert [service.is_evaluation(run_id) for run_id in ("run-1", "run-2", "run-9")] == [False, True, False]
