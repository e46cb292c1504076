"""Foreign results become runs of the history, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.benchmark import Engine, RunState
from core.domain.run_identity import is_sampling_known
from core.errors import BadInput, NotAllowed
from core.services.endpoints import EndpointService
from core.services.imports import ImportService
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient
from tests.fakes.secrets import FakeSecrets

DATA = Path(__file__).parents[2] / "data"
VLLM = json.loads((DATA / "vllm_bench_0.32.0.json").read_bytes())


@pytest.fixture
def service(database: DatabaseStore) -> ImportService:
    return ImportService(database, FakeClock(), "0.1.0")


def vllm(name: str, **values: object) -> tuple[str, bytes]:
    return name, json.dumps(VLLM | values).encode()


def test_points_of_one_sweep_become_one_run_and_equal_loads_are_repeats(
    service: ImportService, database: DatabaseStore
) -> None:
    files = [
        vllm("c4.json", max_concurrency=4, total_input_tokens=1040),
        vllm("c2.json"),
        vllm("c2-again.json", duration=0.78),
        vllm("c2-copy.json"),
        vllm("other.json", total_input_tokens=8000),
        ("bad.json", b"{"),
    ]
    plan = service.plan(files)
    assert [len(run.found) for run in plan.runs] == [3, 1]
    assert [(one.file, one.code) for one in plan.refused] == [("bad.json", "not_json"), ("c2-copy.json", "twice")]
    first, second = service.save(LOCAL_OPERATOR, plan, version_label=" W8A8 ", note="from the lab")
    run = database.runs.get(first)
    assert (run.model, run.version_label, run.note, run.state) == (
        "/weights/tiny",
        "W8A8",
        "from the lab",
        RunState.COMPLETE,
    )
    assert (run.engine, run.origin) == (Engine.VLLM_BENCH, "imported")
    assert not is_sampling_known(run.provenance), "its file does not tell"
    assert [(one.concurrency, one.requests) for one in run.workload.points] == [(2, 8), (4, 8)]
    assert run.workload.repeats == 2
    found = database.runs.measurements(first)
    assert [(one.point_index, one.repeat, one.concurrency) for one in found] == [(0, 0, 2), (0, 1, 2), (1, 0, 4)]
    names = {row.name for row in database.artifacts.list(first)}
    assert names == {
        "c2.json",
        "c2-again.json",
        "c4.json",
        *(f"requests-p{p}-r{r}.jsonl" for p, r in [(0, 0), (0, 1), (1, 0)]),
    }
    assert len(database.runs.measurements(second)) == 1


def test_the_same_files_again_are_the_same_run(service: ImportService, database: DatabaseStore) -> None:
    (first,) = service.save(LOCAL_OPERATOR, service.plan([vllm("a.json")]))
    plan = service.plan([vllm("elsewhere/a.json"), vllm("b.json", max_concurrency=64, total_output_tokens=9999)])
    assert [run.known_as for run in plan.runs] == [first, None]
    assert service.save(LOCAL_OPERATOR, plan)[0] == first
    assert database.runs.count() == 2


def test_what_stands_for_imported_results_is_not_listed_as_an_endpoint(
    service: ImportService, database: DatabaseStore
) -> None:
    service.save(LOCAL_OPERATOR, service.plan([vllm("a.json")]))
    clock = FakeClock()
    endpoints = EndpointService(database.endpoints, FakeEndpointClient(clock, {}), FakeSecrets(), clock)
    assert endpoints.list(include_archived=True) == ()


def test_only_operators_import_and_only_something(service: ImportService) -> None:
    with pytest.raises(NotAllowed):
        service.save(Actor("vera", Role.VIEWER), service.plan([vllm("a.json")]))
    with pytest.raises(BadInput) as caught:
        service.save(LOCAL_OPERATOR, service.plan([("a.json", b"{}")]))
    assert caught.value.params["count"] == 1
