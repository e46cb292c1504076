"""Whatever a server does wrong is counted by kind; the point ends, and nothing is left running."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core.domain.workload import LoadPoint
from tests.live import load
from tests.live.servers import ROOT, free_port, until

ONE = LoadPoint(0, concurrency=1, requests=2, warmup=0)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(text: str | None, finish: str | None = None) -> bytes:
    choice = {"index": 0, "text": text, "finish_reason": finish}
    data = b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(data), data)


def play(*pieces: bytes):
    """Says this and hangs up."""

    def script(client: socket.socket, request: bytes) -> bool:
        for piece in pieces:
            client.sendall(piece)
        return False

    return script


def answer(*pieces: bytes):
    """Says this and waits for the next request."""

    def script(client: socket.socket, request: bytes) -> bool:
        return play(*pieces)(client, request) is False

    return script


@pytest.mark.parametrize(
    ("kind", "script"),
    [
        ("truncated", play(HEAD, chunk("a"), chunk("b"))),
        ("truncated", answer(HEAD, chunk("a"), b"0\r\n\r\n")),
        ("empty", answer(HEAD, b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")),
        ("disconnected", play()),
        ("disconnected", play(HEAD)),
        ("bad_answer", answer(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>")),
        ("bad_answer", play(b"SSH-2.0-OpenSSH_9.6\r\n")),
        ("bad_answer", play(HEAD, b"not a size\r\n\r\n0\r\n\r\n")),
        ("http_503", answer(b"HTTP/1.1 503 Busy\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>")),
        ("stream_error", answer(HEAD, chunk("a"), b'20\r\ndata: {"error":{"message":"x"}}\n\n\r\n0\r\n\r\n')),
    ],
)
def test_a_fault_is_counted_by_its_kind(tmp_path, kind, script):
    with load.scripted_server(script) as url:
        outcome = load.run(load.task(url, tmp_path, point=ONE))
    assert outcome.exit_code == 0
    assert outcome.measured.requests.failures == {kind: 2}
    assert outcome.measured.ttft_ms is None
    assert [line["failure"] for line in outcome.requests] == [kind, kind]


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_refused_share_leaves_the_rest_right(tmp_path, status):
    with load.exact_server("--status", str(status), "--status-share", "0.25") as url:
        measured = load.run(load.task(url, tmp_path)).measured
    assert measured.requests.succeeded == 9
    assert measured.requests.failures == {f"http_{status}": 3}
    assert measured.ttft_ms.n == 9
    assert measured.ttft_ms.mean == pytest.approx(40, abs=5)


def test_dropped_streams_are_counted_and_not_averaged(tmp_path):
    with load.exact_server("--drop-share", "0.25") as url:
        outcome = load.run(load.task(url, tmp_path))
    measured = outcome.measured
    assert measured.requests.failures == {"truncated": 3}
    assert measured.output_tokens == 9 * 16
    assert measured.itl_ms.n == 9 * 15
    assert measured.tpot_ms.mean == pytest.approx(4.0, abs=0.5)


def test_a_prompt_over_the_context_length(tmp_path):
    with load.exact_server("--max-model-len", "40") as url:
        outcome = load.run(load.task(url, tmp_path, point=ONE))
    assert outcome.measured.requests.failures == {"over_length": 2}
    assert "maximum context length" in outcome.requests[0]["detail"]


def test_a_server_that_never_answers(tmp_path):
    with load.exact_server("--silent") as url:
        outcome = load.run(load.task(url, tmp_path, point=ONE, timeout_s=0.3))
    assert outcome.exit_code == 0
    assert outcome.measured.requests.failures == {"timeout": 2}


def test_a_server_that_is_gone_ends_the_point_early(tmp_path):
    point = LoadPoint(0, concurrency=2, requests=40, warmup=0)
    with load.exact_server("--silent") as url:
        outcome = load.run(load.task(url, tmp_path, point=point, timeout_s=0.1))
    failures = outcome.measured.requests.failures
    assert failures["timeout"] + failures["not_sent"] == 40
    assert failures["not_sent"] > 20


def test_nobody_listens(tmp_path):
    outcome = load.run(load.task(f"http://127.0.0.1:{free_port()}/v1", tmp_path))
    assert outcome.exit_code == 1
    assert outcome.events[-1]["code"] == "endpoint_unreachable"
    assert "refused" in outcome.events[-1]["params"]["detail"]


def test_a_task_that_cannot_be(tmp_path):
    path = tmp_path / "task.json"
    path.write_text(load.task("http://127.0.0.1:1/v1", tmp_path).to_json().replace('"repeat"', '"repeats"'))
    command = [sys.executable, "-m", "core.loadgen", str(path)]
    child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert child.returncode == 2
    failed = json.loads(child.stdout)
    assert (failed["code"], failed["params"]["exit_code"]) == ("tool_failed", 2)
    assert "repeats" in failed["params"]["detail"]


@pytest.mark.parametrize(
    ("processes", "target", "code", "said"),
    [
        (1, "/", "tool_failed", "directory"),
        (1, "/dev/full", "disk_full", "space"),
        (2, "/dev/full", "disk_full", "space"),
    ],
)
def test_records_that_cannot_be_written(tmp_path, processes, target, code, said):
    (tmp_path / "requests-0.part").symlink_to(target)
    with load.exact_server() as url:
        outcome = load.run(load.task(url, tmp_path, processes=processes))
    assert outcome.exit_code == 1
    assert outcome.events[-1]["code"] == code
    assert said in outcome.events[-1]["params"]["detail"].lower()


def test_a_server_that_dies_midway(tmp_path):
    with load.exact_server("--itl-ms", "30") as url:
        child = load.start(load.task(url, tmp_path))
        until(lambda: load.truth(url)["tokens"] > 4, 5, "tokens")
    said, _ = child.communicate(timeout=10)
    events = [json.loads(line) for line in said.splitlines()]
    assert child.returncode == 0
    assert events[-1]["event"] == "done"
    assert events[-1]["failed"] == 12
    assert events[-1]["failures"]["truncated"] == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("processes", [1, 3])
def test_a_signal_to_the_first_process_ends_them_all(tmp_path, number, processes):
    point = LoadPoint(0, concurrency=6, duration_s=60.0, warmup=0)
    with load.exact_server() as url:
        child = load.start(load.task(url, tmp_path, point=point, processes=processes))
        until(lambda: load.truth(url)["tokens"] > 0, 10, "tokens")
        group = os.getpgid(child.pid)
        os.kill(child.pid, number)
        assert child.wait(2) == -number
        until(lambda: not _members(group), 1.0, "the workers' end")


def test_a_worker_that_is_killed_fails_the_point(tmp_path):
    point = LoadPoint(0, concurrency=6, duration_s=60.0, warmup=0)
    with load.exact_server() as url:
        child = load.start(load.task(url, tmp_path, point=point, processes=2))
        until(lambda: load.truth(url)["tokens"] > 0, 10, "tokens")
        group = os.getpgid(child.pid)
        worker = next(pid for pid in _members(group) if pid != child.pid)
        os.kill(worker, signal.SIGKILL)
        said, _ = child.communicate(timeout=5)
        until(lambda: not _members(group), 1.0, "the other worker's end")
    assert child.returncode == 1
    assert json.loads(said.splitlines()[-1])["code"] == "tool_failed"


def _members(group: int) -> list[int]:
    """Living processes of a group."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            state, _, process_group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state != "Z":
            found.append(int(process.name))
    return found


def test_the_first_byte_comes_soon(tmp_path):
    arrived = []

    def note(client, request):
        arrived.append(time.monotonic())
        return False

    with load.scripted_server(note) as url:
        begun = time.monotonic()
        load.run(load.task(url, tmp_path, point=ONE))
    assert arrived[0] - begun < 0.6
