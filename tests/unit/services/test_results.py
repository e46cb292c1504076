"""One run in full, its requests out of the raw file, notes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import requests_artifact
from core.domain.history import Facet, RunFilter
from core.domain.job import JobState, JobView
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
