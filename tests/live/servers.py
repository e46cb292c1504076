"""Real processes for live tests: started, waited for with a deadline, ended for certain."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; redirects are not followed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def ask(
    url: str, *, method: str = "GET", data: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Raises OSError where nobody answers."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}), method=method)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
            return Answer(answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read())
    except urllib.error.HTTPError as error:
        return Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())


def free_port() -> int:
    """Free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], object], limit_s: float, what: str) -> None:
    """Polls with a deadline."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {limit_s:g} s in vain: {what}"
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether anybody answers there with 200."""
    try:
        return ask(url).status == 200
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> dict[int, str]:
    """Direct children and their command lines."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (OSError, IndexError):
                continue
            if parent == pid:
                found[int(entry.name)] = command
    return found


@contextmanager
def process(
    argv: Sequence[str], log: Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[subprocess.Popen[bytes]]:
    """A child in a session of its own; whatever of its group is left afterwards is killed."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SEATRIAL_", "STREAMLIT_"))}
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            cwd=cwd,
            env={**clean, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


@contextmanager
def web(home: Path, host: str = "127.0.0.1", script: Path = ROOT / "streamlit_app.py") -> Iterator[int]:
    """The web process alone, without a worker; its port once it answers."""
    port, log = free_port(), home / "web-test.log"
    home.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.address={host}", f"--server.port={port}"]
    with process(argv, log, {"SEATRIAL_HOME": str(home), "PYTHONPATH": str(ROOT)}, script.parent) as child:
        until(lambda: child.poll() is not None or answers(f"http://127.0.0.1:{port}/healthz"), 60, log.read_text())
        assert child.poll() is None, log.read_text()
        yield port
