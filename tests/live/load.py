"""Runs the load generator as the worker does: a child process with a task file, its events and its files."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.domain.benchmark import Measurement
from core.domain.workload import Api, LoadPoint
from core.formats.loadgen import measurement_from_json
from core.loadgen.task import LoadTask
from tests.live.servers import ROOT, ask

QUICK = ("--ttft-ms", "40", "--itl-ms", "4")


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a child ended."""

    exit_code: int
    events: list[dict[str, Any]]
    measurement: Measurement | None
    requests: list[dict[str, Any]]

    @property
    def measured(self) -> Measurement:
        """The measurement, which must be there."""
        assert self.measurement is not None, self.events
        return self.measurement

    def named(self, event: str) -> list[dict[str, Any]]:
        """The events of one name."""
        return [line for line in self.events if line["event"] == event]


def task(url: str, out_dir: Path, *, point: LoadPoint | None = None, **changes: Any) -> LoadTask:
    """A small task, with changes."""
    values: dict[str, Any] = {
        "base_url": url,
        "served_name": "exact",
        "api": Api.COMPLETIONS,
        "point": point or LoadPoint(0, concurrency=4, requests=12, warmup=0),
        "repeat": 0,
        "input_tokens": 32,
        "output_tokens": 16,
        "seed": 7,
        "out_dir": str(out_dir),
        "vocabulary_size": 32_000,
        "timeout_s": 10.0,
    }
    return LoadTask(**values | changes)


def start(wanted: LoadTask, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The child, in a process group of its own."""
    Path(wanted.out_dir).mkdir(parents=True, exist_ok=True)
    path = Path(wanted.out_dir) / "task.json"
    path.write_text(wanted.to_json())
    return subprocess.Popen(
        [sys.executable, "-m", "core.loadgen", str(path)],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(wanted: LoadTask, env: dict[str, str] | None = None) -> Outcome:
    """The child from start to end."""
    child = start(wanted, env)
    try:
        said, _ = child.communicate(timeout=30)
    finally:
        child.kill()
    out = Path(wanted.out_dir)
    measured, lines = out / "measurement.json", out / "requests.jsonl.gz"
    return Outcome(
        child.returncode,
        [json.loads(line) for line in said.splitlines()],
        measurement_from_json(measured.read_text()) if measured.exists() else None,
        [json.loads(line) for line in gzip.decompress(lines.read_bytes()).splitlines()] if lines.exists() else [],
    )


@contextmanager
def exact_server(*options: str) -> Iterator[str]:
    """The base URL of a server with an exact schedule."""
    child = subprocess.Popen(
        [sys.executable, "-m", "simulator.exact", *QUICK, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield child.stdout.readline().split()[-1]
    finally:
        child.kill()
        child.wait()


def truth(url: str) -> dict[str, Any]:
    """What an exact server says it did."""
    answer: dict[str, Any] = json.loads(ask(url.removesuffix("/v1") + "/truth").body)
    return answer


def reset_truth(url: str) -> None:
    """Sets an exact server's counters to zero."""
    ask(url.removesuffix("/v1") + "/truth/reset", method="POST", data=b"")


@contextmanager
def scripted_server(play: Callable[[socket.socket, bytes], bool]) -> Iterator[str]:
    """A server that plays a script on every connection: ``play`` gets the socket and a request's bytes, and says
    whether the connection goes on. The touch before the start (a GET) is answered for it."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def serve(client: socket.socket) -> None:
        with client:
            while request := _read_request(client):
                if request.startswith(b"GET"):
                    client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                elif not play(client, request):
                    return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _read_request(client: socket.socket) -> bytes:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            piece = client.recv(65_536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += client.recv(65_536)
    except OSError:
        return b""
    return data
