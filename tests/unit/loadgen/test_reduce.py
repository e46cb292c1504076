from __future__ import annotations

import gzip
import json
import os
import socket
from array import array
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice, pairwise

import pytest

from core.domain.workload import Arrival, LoadPoint
from core.formats.loadgen import measurement_from_json, measurement_to_json
from core.loadgen.arrivals import arrivals
from core.loadgen.health import HostCpu
from core.loadgen.messages import MessageReader, write_message
from core.loadgen.records import Record
from core.loadgen.reduce import PointFacts, reduce_point
from core.loadgen.run import _others
from core.loadgen.split import process_count, shares
from core.loadgen.target import Target, is_this_machine
from core.loadgen.worker import write_part
from tests.unit.loadgen.test_prompts import task

FACTS = PointFacts(
    seed=5,
    start=100.0,
    started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    processes=1,
    cpu_s=0.5,
    lags_s=[0.001, 0.002],
    host_cpu_share=None,
)


def record(index: int, started: float, gaps: list[float], **changes: object) -> Record:
    """One that begins at ``started``, has its first token 200 ms later and one more after every gap (ms)."""
    first = started + 0.2
    values: dict[str, object] = {
        "index": index,
        "process": 0,
        "due": started - 0.001,
        "started": started,
        "ended": first + sum(gaps) / 1000.0,
        "first": first,
        "itl_ms": array("f", gaps),
        "input_tokens": 8,
        "output_tokens": len(gaps) + 1,
    }
    return Record(**values | changes)  # type: ignore[arg-type]


def point(**changes: object):
    return task(point=LoadPoint(0, **{"concurrency": 2, "requests": 4} | changes), output_tokens=3)


def test_the_definitions():
    records = [record(0, 100.0, [20, 40]), record(1, 100.0, [30, 30]), record(2, 100.5, [20, 20])]
    measured = reduce_point(point(), records, FACTS)
    assert measured.duration_s == pytest.approx(0.74)
    assert measured.ttft_ms.mean == pytest.approx(200)
    assert measured.tpot_ms.mean == pytest.approx((30 + 30 + 20) / 3)
    assert (measured.itl_ms.n, measured.itl_ms.max) == (6, 40)
    assert measured.e2el_ms.max == pytest.approx(260)
    assert (measured.input_tokens, measured.output_tokens) == (24, 9)
    assert measured.output_tokens_per_s == pytest.approx(9 / 0.74)
    assert measured.total_tokens_per_s == pytest.approx(33 / 0.74)
    assert measured.requests_per_s == pytest.approx(3 / 0.74)
    assert measured.peak_in_flight == 2
    assert measured.seed == 5


def test_failures_are_counted_and_never_averaged_in():
    bad = record(1, 100.0, [900, 900], failure="truncated")
    never = Record(2, 0, 100.0, None, 100.1, failure="connect")
    measured = reduce_point(point(), [record(0, 100.0, [20, 20]), bad, never], FACTS)
    assert (measured.requests.succeeded, measured.requests.failed) == (1, 2)
    assert measured.requests.failures == {"connect": 1, "truncated": 1}
    assert measured.itl_ms.max == 20
    assert measured.output_tokens == 3
    assert measured.duration_s == pytest.approx(2.0)


def test_when_nothing_succeeds_nothing_is_made_up():
    measured = reduce_point(point(), [Record(0, 0, 100.0, None, 100.1, failure="connect")], FACTS)
    assert (measured.ttft_ms, measured.tpot_ms, measured.itl_ms, measured.e2el_ms, measured.steady) == (None,) * 5
    assert measured.output_tokens_per_s == 0


def test_the_steady_state_leaves_out_the_ramps():
    records = [
        record(0, 100.0, [100] * 8),  # alone until the second one starts
        record(1, 100.5, [100] * 8),
        record(2, 101.0, [100] * 8),
        record(3, 101.5, [100] * 8),  # alone from 102.0 on
    ]
    steady = reduce_point(point(), records, FACTS).steady
    assert steady.duration_s == pytest.approx(1.5)
    assert steady.requests == 2
    # The first one's 5 chunks after 100.5, the two in the middle, the last one's 4 until 102.0.
    assert steady.output_tokens_per_s == pytest.approx((6 + 9 + 9 + 4) / 1.5, abs=1.0)


def test_an_open_loop_has_no_steady_state():
    opened = point(arrival=Arrival.POISSON, rate_per_s=1.0)
    assert reduce_point(opened, [record(0, 100.0, [20, 20])], FACTS).steady is None


def test_lateness_and_lag_are_told():
    client = reduce_point(point(), [record(0, 100.0, [20, 20])], FACTS).client
    assert client.lateness_p99_ms == pytest.approx(1.0)
    assert client.loop_lag_p99_ms == pytest.approx(1.99)
    assert client.host_cpu_share is None


@pytest.mark.parametrize(("others", "here", "warned"), [(0.6, False, True), (0.6, True, False), (0.4, False, False)])
def test_a_machine_that_does_other_work_is_told_where_it_is_not_the_servers(others, here, warned):
    facts = replace(FACTS, host_cpu_share=0.7, others_cpu_share=others, is_server_here=here)
    measured = reduce_point(point(), [record(0, 100.0, [20, 20])], facts)
    assert (measured.client.host_cpu_share, measured.client.others_cpu_share) == (0.7, others)
    assert ("host_busy" in measured.warnings) is warned


def test_what_others_did_is_what_is_left_of_the_machine():
    texts = iter(["cpu  0 0 0 0 0 0 0 0 0 0", "cpu  80 0 0 20 0 0 0 0 0 0", "cpu  80 0 0 20 0 0 0 0 0 0"])
    host = HostCpu(lambda: next(texts))
    assert host.busy_share() == pytest.approx(0.8)
    assert host.available_s() == pytest.approx(100 / os.sysconf("SC_CLK_TCK"))
    assert _others(0.8, 2.0, 0.5) == pytest.approx(0.55)
    assert _others(0.1, 2.0, 0.5) == 0.0
    assert _others(None, None, 0.5) is None
    assert HostCpu(lambda: "nonsense").busy_share() is None


def test_an_address_of_our_own_is_this_machine():
    target = Target("http://127.0.0.1:1/v1", "127.0.0.1", 1, "/v1", False, socket.AF_INET, ("127.0.0.1", 1))
    assert is_this_machine(target)
    assert not is_this_machine(replace(target, address=("192.0.2.1", 1)))


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"output_tokens": None}, "no_usage"),
        ({"input_tokens": 9}, "input_length_off"),
        ({"output_tokens": 2}, "output_length_off"),
    ],
)
def test_warnings(changes, warning):
    assert warning in reduce_point(point(), [record(0, 100.0, [20, 20], **changes)], FACTS).warnings


def test_a_measurement_survives_its_file():
    measured = reduce_point(point(), [record(0, 100.0, [20, 20]), record(1, 100.0, [20, 20])], FACTS)
    measured = replace(measured, server_metrics={"prefix_cache_hits": 0.0}, warnings=("no_usage",))
    assert measured.steady is not None
    assert measurement_from_json(measurement_to_json(measured)) == measured


def test_absent_is_null():
    measured = reduce_point(point(), [Record(0, 0, 100.0, None, 100.1, failure="connect")], FACTS)
    written = json.loads(measurement_to_json(measured))
    assert (written["ttft_ms"], written["steady"], written["server_metrics"]) == (None, None, None)
    assert measurement_from_json(measurement_to_json(measured)) == measured


def test_a_record_survives_the_pipe():
    sent = record(4, 100.0, [20.5, 21.25], detail="ü")
    read_fd, write_fd = os.pipe()
    write_message(write_fd, {"kind": "result", "records": [sent.to_tuple()]})
    os.close(write_fd)
    reader = MessageReader(read_fd)
    (message,) = reader.read()
    assert list(reader.read()) == []
    assert reader.closed
    os.close(read_fd)
    assert Record.from_tuple(message["records"][0]) == sent


def test_parts_of_several_processes_are_one_file(tmp_path):
    write_part(tmp_path / "a", [record(0, 100.5, [20.1234])], 100.0)
    write_part(tmp_path / "b", [Record(1, 1, 100.0, None, 100.0, failure="connect", detail="refused")], 100.0)
    whole = (tmp_path / "a").read_bytes() + (tmp_path / "b").read_bytes()
    first, second = (json.loads(line) for line in gzip.decompress(whole).splitlines())
    assert (first["started_s"], first["ttft_ms"], first["itl_ms"], first["late_ms"]) == (0.5, 200.0, [20.123], 1.0)
    assert (second["started_s"], second["failure"], second["ttft_ms"]) == (None, "connect", None)


@pytest.mark.parametrize(("processes", "requests"), [(1, 7), (2, 7), (3, 10), (4, 4)])
def test_shares_are_the_whole_and_do_not_overlap(processes, requests):
    parts = shares(LoadPoint(0, concurrency=4, requests=requests, warmup=5), processes)
    indexes = [index for share in parts for index in share.indexes()]
    assert sorted(indexes) == list(range(requests))
    assert sum(share.streams for share in parts) == 4
    assert sum(share.warmups for share in parts) == 5


@pytest.mark.parametrize(
    ("streams", "wanted", "cpus", "processes"),
    [(1, None, 64, 1), (128, None, 64, 1), (129, None, 64, 2), (512, None, 2, 2), (512, None, 64, 4), (2, 8, 64, 2)],
)
def test_processes_follow_streams_and_cpus(streams, wanted, cpus, processes):
    assert process_count(LoadPoint(0, concurrency=streams, requests=streams), wanted, cpus) == processes


def test_constant_arrivals_are_even():
    assert list(islice(arrivals(Arrival.CONSTANT, 4.0, 1), 4)) == [0.0, 0.25, 0.5, 0.75]


def test_poisson_arrivals_have_the_rate_and_are_reproducible():
    first, second = (list(islice(arrivals(Arrival.POISSON, 50.0, 3), 5_000)) for _ in range(2))
    assert first == second
    assert first == sorted(first)
    assert 5_000 / first[-1] == pytest.approx(50.0, rel=0.05)
    gaps = [b - a for a, b in pairwise(first)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance**0.5 / mean == pytest.approx(1.0, abs=0.05)


def test_a_closed_loop_has_no_arrivals():
    with pytest.raises(ValueError, match="closed"):
        arrivals(Arrival.CLOSED, 1.0, 1)


@pytest.mark.parametrize(("lag_ms", "starved"), [(9.9, False), (10.1, True), (140.0, True)])
def test_a_starved_generator_says_so(lag_ms: float, starved: bool):
    """With a TTFT of 200 ms, 5 % are 10 ms."""
    records = [record(index, 100.0, [20, 20]) for index in range(4)]
    measured = reduce_point(point(), records, replace(FACTS, lags_s=[lag_ms / 1000.0] * 50))
    assert ("client_starved" in measured.warnings) is starved
