"""``seatrial bench`` as a person or a pipeline runs it: real processes, a simulated server, no worker beforehand."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.adapters.locks import WORKER_LOCK, is_locked, read_record
from tests.live.servers import ROOT, alive, until
from tests.simulated import simulated

LOAD = ["--concurrency", "1,4", "--requests", "8", "--input-tokens", "32", "--output-tokens", "8"]
LIMIT_S = 60


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A data folder; the worker that a command starts in it is ended with the test."""
    yield tmp_path / "data"
    lock = tmp_path / "data" / "locks" / WORKER_LOCK
    pid = read_record(lock).get("pid") if is_locked(lock) else None
    if isinstance(pid, int):
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(pid), 10, "the worker's end")


@contextmanager
def started(home: Path, *arguments: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A command that does not outlive its test: it would start a new worker for its job."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env={**os.environ, "SEATRIAL_HOME": str(home), "LC_ALL": "C.UTF-8", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def run(home: Path, *arguments: str, **env: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the document on standard output, what stood on standard error."""
    with started(home, *arguments, "--json", **env) as process:
        out, err = process.communicate(timeout=LIMIT_S)
    assert "Traceback" not in err
    return process.returncode, json.loads(out), err


def test_a_sweep_in_one_document(home: Path) -> None:
    with simulated("--model", "tiny", "--api-key", "sk-right", "--ttft-ms", "20", "--itl-ms", "2") as server:
        url = server.base_url.removesuffix("/v1")
        arguments = ("bench", "--url", url, "--model", "tiny", *LOAD, "--key-env", "A_KEY")
        code, document, err = run(home, *arguments, A_KEY="sk-right")
        pid = read_record(home / "locks" / WORKER_LOCK)["pid"]
        again, other, _ = run(home, *arguments, "--api", "chat", "--warmup", "0", A_KEY="sk-right")
    assert (code, again) == (0, 0)
    assert [point["concurrency"] for point in document["points"]] == [1, 4]
    for point in (*document["points"], *other["points"]):
        assert point["requests"] == {"succeeded": 8, "failed": 0, "failures": {}}
        assert point["output_tokens"] == 8 * 8
        assert set(point["ttft_ms"]) >= {"mean", "p50", "p90", "p95", "p99"}
        assert 15 < point["ttft_ms"]["p50"] < 500
        assert point["tpot_ms"] and point["itl_ms"] and point["e2el_ms"]
        assert point["total_tokens_per_s"] > point["output_tokens_per_s"] > 0
        assert point["requests_per_s"] > 0 and point["duration_s"] > 0
    assert [point["input_tokens"] for point in document["points"]] == [8 * 32] * 2
    assert (document["origin"], document["job"]["state"]) == ("simulated", "done")
    assert document["run_id"] != other["run_id"]
    assert document["run"]["seed"] != other["run"]["seed"]
    assert "simulated" in err
    assert read_record(home / "locks" / WORKER_LOCK)["pid"] == pid, "one worker for both"
    assert b"sk-right" not in b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())

    _, listed, _ = run(home, "runs")
    assert [row["id"] for row in listed["runs"]] == [other["run_id"], document["run_id"]]
    assert run(home, "run", document["run_id"])[1]["points"] == document["points"]


def test_failed_requests_are_counted_and_none_that_succeeds_is_exit_1(home: Path) -> None:
    with simulated("--model", "tiny", "--fault", "status:500:1") as server:
        code, document, _ = run(home, "bench", "--url", server.base_url, "--model", "tiny", *LOAD)
    assert code == 1
    assert [point["requests"]["failures"] for point in document["points"]] == [{"http_500": 8}] * 2
    assert [point["ttft_ms"] for point in document["points"]] == [None, None]


def test_a_server_that_is_not_there_is_exit_1_with_its_finding(home: Path) -> None:
    code, document, err = run(home, "bench", "--url", "http://127.0.0.1:9", "--model", "tiny", *LOAD)
    assert code == 1
    assert [finding["code"] for finding in document["error"]["findings"]] == ["endpoint_refused"]
    assert "Nothing listens" in err


def test_an_unknown_model_names_what_is_served(home: Path) -> None:
    with simulated("--model", "tiny") as server:
        code, document, err = run(home, "bench", "--url", server.base_url, "--model", "huge", *LOAD)
    assert code == 1
    assert document["error"]["findings"][0]["code"] == "endpoint_model_unknown"
    assert "tiny" in err


def test_too_long_for_the_context_is_bad_input(home: Path) -> None:
    with simulated("--model", "tiny", "--max-model-len", "64") as server:
        code, document, _ = run(
            home, "bench", "--url", server.base_url, *LOAD, "--repeats", "1", "--input-tokens", "57"
        )
    assert code == 2
    assert document["error"]["findings"][0]["code"] == "bench_over_context"


def test_ctrl_c_keeps_the_finished_points(home: Path) -> None:
    with simulated("--model", "tiny", "--ttft-ms", "200", "--itl-ms", "1") as server:
        load = ["--concurrency", "60,1", "--requests", "60", "--input-tokens", "8", "--output-tokens", "2"]
        with started(home, "bench", "--url", server.base_url, *load, "--json") as process:
            until(lambda: _points_done(home) >= 1, LIMIT_S, "the first point")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=LIMIT_S)
    document = json.loads(out)
    assert process.returncode == 1
    assert (document["job"]["state"], document["state"]) == ("cancelled", "partial")
    assert [point["requests"]["succeeded"] for point in document["points"]] == [60]
    assert "Traceback" not in err


def _points_done(home: Path) -> int:
    file = home / "seatrial.db"
    if not file.exists():
        return 0
    with closing(sqlite3.connect(file)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            return 0
        return int(database.execute("SELECT coalesce(sum(points_done), 0) FROM runs").fetchone()[0])
