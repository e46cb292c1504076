"""The load generator reads an exact schedule right, whatever the stream looks like."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.domain.workload import Api, Arrival, LoadPoint, Spread
from tests.live import load


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with load.exact_server() as url:
        yield url


@pytest.fixture
def exact(server: str) -> str:
    """The URL of a plain server whose counters are at zero."""
    load.reset_truth(server)
    return server


def test_closed_loop_reads_the_schedule(tmp_path, exact):
    outcome = load.run(load.task(exact, tmp_path))
    truth = load.truth(exact)
    measured = outcome.measured
    assert outcome.exit_code == 0
    assert (measured.requests.succeeded, measured.requests.failed) == (12, 0)
    assert measured.ttft_ms.mean == pytest.approx(truth["ttft_ms"]["mean"], abs=4)
    assert measured.tpot_ms.mean == pytest.approx(4.0, abs=0.5)
    assert (measured.input_tokens, measured.output_tokens) == (12 * 32, 12 * 16) == (384, truth["tokens"])
    assert measured.itl_ms.n == 12 * 15
    assert measured.peak_in_flight == truth["peak"] == 4
    assert measured.steady is not None
    assert 4 <= measured.steady.requests < 12
    assert measured.warnings == ()


def test_a_jittering_server_is_read_request_by_request(tmp_path):
    point = LoadPoint(0, concurrency=8, requests=32, warmup=0)
    with load.exact_server("--jitter", "lognormal", "--sigma", "0.6") as url:
        measured = load.run(load.task(url, tmp_path, point=point, output_tokens=4)).measured
        truth = load.truth(url)
    assert measured.ttft_ms.n == 32
    assert measured.ttft_ms.std > 8, "log-normal, with a mean of 40 ms"
    assert measured.ttft_ms.mean == pytest.approx(truth["ttft_ms"]["mean"], abs=4)
    assert measured.tpot_ms.mean == pytest.approx(4.0, abs=1)


def test_the_events_tell_the_story(tmp_path):
    with load.exact_server("--itl-ms", "20") as url:
        point = LoadPoint(0, concurrency=2, requests=4, warmup=2)
        outcome = load.run(load.task(url, tmp_path, point=point))
    assert [event["event"] for event in outcome.events if event["event"] not in {"progress", "warmup"}] == [
        "started",
        "done",
    ]
    progress = outcome.named("progress")
    assert progress
    assert progress[-1]["total"] == 4
    assert progress[-1]["output_tokens_per_s"] > 0
    assert len(progress) <= 1 + 5 * progress[-1]["elapsed_s"]
    assert outcome.events[-1]["succeeded"] == 4


def test_every_request_leaves_a_line(tmp_path, exact):
    outcome = load.run(load.task(exact, tmp_path))
    assert sorted(line["index"] for line in outcome.requests) == list(range(12))
    first = outcome.requests[0]
    assert first["failure"] is None
    assert len(first["itl_ms"]) == 15
    assert first["e2el_ms"] == pytest.approx(first["ttft_ms"] + sum(first["itl_ms"]), abs=0.1)
    assert first["tpot_ms"] == pytest.approx(sum(first["itl_ms"]) / 15, abs=0.01)


def test_several_tokens_in_a_chunk(tmp_path):
    with load.exact_server("--tokens-per-chunk", "2") as url:
        measured = load.run(load.task(url, tmp_path)).measured
    assert measured.output_tokens == 12 * 16
    assert measured.itl_ms.n == 12 * 7
    assert measured.tpot_ms.mean == pytest.approx(7 * 4.0 / 15, abs=0.3)


def test_reasoning_counts_as_output_and_the_role_does_not(tmp_path):
    with load.exact_server("--reasoning") as url:
        measured = load.run(load.task(url, tmp_path, api=Api.CHAT)).measured
        truth = load.truth(url)
    assert measured.requests.succeeded == 12
    assert measured.ttft_ms.mean == pytest.approx(truth["ttft_ms"]["mean"], abs=4)
    assert measured.itl_ms.n == 12 * 15
    assert measured.input_tokens == 12 * 32
    assert measured.warnings == ()


def test_several_processes_share_one_point(tmp_path, exact):
    outcome = load.run(load.task(exact, tmp_path, processes=2))
    measured = outcome.measured
    assert measured.client.processes == 2
    assert measured.requests.succeeded == 12
    assert measured.peak_in_flight == 4
    assert sorted(line["index"] for line in outcome.requests) == list(range(12))
    assert {line["process"] for line in outcome.requests} == {0, 1}


def test_a_point_that_ends_by_time(tmp_path, exact):
    point = LoadPoint(0, concurrency=2, duration_s=0.5, warmup=0)
    measured = load.run(load.task(exact, tmp_path, point=point)).measured
    assert 0.5 <= measured.duration_s < 1.0
    assert 8 <= measured.requests.succeeded <= 14
    assert measured.requests.failed == 0


def test_constant_arrivals(tmp_path, exact):
    point = LoadPoint(0, Arrival.CONSTANT, concurrency=None, rate_per_s=40.0, requests=20, warmup=0)
    outcome = load.run(load.task(exact, tmp_path, point=point))
    dues = sorted(line["started_s"] - line["late_ms"] / 1000.0 for line in outcome.requests)
    assert dues == pytest.approx([number / 40.0 for number in range(20)], abs=0.001)
    assert all(line["late_ms"] >= 0 for line in outcome.requests)
    assert outcome.measured.client.lateness_p99_ms < 100
    assert outcome.measured.steady is None


def test_a_cap_makes_arrivals_late_and_says_so(tmp_path, exact):
    point = LoadPoint(0, Arrival.POISSON, concurrency=2, rate_per_s=100.0, requests=12, warmup=0)
    measured = load.run(load.task(exact, tmp_path, point=point)).measured
    assert measured.requests.succeeded == 12
    assert measured.peak_in_flight == 2
    assert measured.client.lateness_p99_ms > 50
    assert ("sent_late" in measured.warnings) is (measured.client.lateness_p99_ms > 100)


def test_warmups_are_apart(tmp_path, exact):
    point = LoadPoint(0, concurrency=2, requests=4, warmup=3)
    measured = load.run(load.task(exact, tmp_path, point=point)).measured
    truth = load.truth(exact)
    assert measured.requests.succeeded == 4
    assert truth["requests"] == 7


def test_an_unknown_vocabulary_is_found_out(tmp_path, exact):
    measured = load.run(load.task(exact, tmp_path, vocabulary_size=None)).measured
    assert measured.requests.succeeded == 12
    assert measured.input_tokens == 12 * 32


def test_the_key_is_sent_and_kept_nowhere(tmp_path):
    seen = []

    def refuse(client, request):
        seen.append(request)
        client.sendall(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\n{}")
        return True

    with load.scripted_server(refuse) as url:
        point = LoadPoint(0, concurrency=1, requests=1, warmup=0)
        wanted = load.task(url, tmp_path, point=point, key_env="BENCH_KEY")
        outcome = load.run(wanted, env={"BENCH_KEY": "sk-very-secret"})
    assert b"Authorization: Bearer sk-very-secret\r\n" in seen[0]
    assert outcome.measured.requests.failures == {"http_401": 1}
    assert all(b"very-secret" not in path.read_bytes() for path in tmp_path.iterdir())


def test_turns_go_one_after_another_each_with_all_before_it(tmp_path, exact):
    point = LoadPoint(0, concurrency=3, requests=14, warmup=1)
    outcome = load.run(load.task(exact, tmp_path, point=point, turns=4, processes=2))
    lines = {line["index"]: line for line in outcome.requests}
    assert sorted(lines) == list(range(14))
    assert outcome.measured.warnings == ()
    assert [lines[index]["input_tokens"] for index in range(4)] == [32, 32 + 48, 32 + 96, 32 + 144]
    for first in (0, 4, 8):
        ends = [lines[first + turn]["started_s"] + lines[first + turn]["e2el_ms"] / 1000 for turn in range(3)]
        assert all(lines[first + turn + 1]["started_s"] >= end for turn, end in enumerate(ends))
    assert outcome.measured.peak_in_flight == 3


def test_lengths_that_vary_are_what_was_drawn(tmp_path, exact):
    changes = {"input_spread": Spread(16, 48), "output_spread": Spread(4, 12)}
    outcome = load.run(load.task(exact, tmp_path, output_tokens=8, **changes))
    assert outcome.measured.warnings == ()
    assert len({line["input_tokens"] for line in outcome.requests}) > 4
    assert all(4 <= line["output_tokens"] <= 12 for line in outcome.requests)


def test_prompts_out_of_a_file(tmp_path, exact):
    file = tmp_path / "samples.jsonl"
    file.write_text('{"prompt": "one two three", "output_tokens": 5}\n{"prompt": "four", "output_tokens": null}\n')
    point = LoadPoint(0, concurrency=1, requests=4, warmup=1)
    outcome = load.run(load.task(exact, tmp_path, point=point, dataset_path=str(file), api=Api.COMPLETIONS))
    assert sorted((line["input_tokens"], line["output_tokens"]) for line in outcome.requests) == [
        (1, 16),
        (1, 16),
        (3, 5),
        (3, 5),
    ]
    assert outcome.measured.warnings == ()
