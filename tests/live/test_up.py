"""``seatrial up``: one command starts web and worker, one Ctrl-C ends both, and a killed process costs nothing."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.bootstrap import compose
from core.domain.endpoint import Origin
from core.settings import read_settings
from tests.live.servers import alive, answers, children_of, free_port, process, until
from tests.live.visitor import visit

UP = [sys.executable, "-m", "cli.main", "up"]


@dataclass(frozen=True)
class Running:
    """A started app."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def pid(self, word: str) -> int:
        """The child whose command line holds the word."""
        (found,) = self.pids(word)
        return found

    def pids(self, word: str) -> list[int]:
        return [pid for pid, line in children_of(self.process.pid).items() if word in line and alive(pid)]

    def kill_and_wait_for_another(self, word: str) -> None:
        before = self.pid(word)
        os.kill(before, signal.SIGKILL)
        until(lambda: self.pids(word) not in ([], [before]), 10, f"another {word}")

    def is_ready(self) -> bool:
        return answers(f"http://127.0.0.1:{self.port}/readyz")


@contextmanager
def running(home: Path, *options: str, settings: Mapping[str, str] | None = None) -> Iterator[Running]:
    home.mkdir(parents=True, exist_ok=True)
    log, port = home / "up.log", free_port()
    env = {"SEATRIAL_HOME": str(home), "SEATRIAL_PORT": str(port), "LANG": "C", "LC_ALL": "C"}
    env |= settings or {}
    with process([*UP, *options], log, env) as child:
        app = Running(child, port, log)
        until(lambda: child.poll() is not None or app.is_ready(), 60, "the app to be ready")
        assert child.poll() is None, log.read_text()
        yield app


def test_a_killed_child_comes_back_a_second_start_is_refused_and_one_signal_ends_all(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        url = f"http://127.0.0.1:{app.port}"
        until(lambda: url in app.log.read_text(), 10, "the address to be printed")
        ended = refused({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_PORT": str(app.port)})
        assert ended.stderr == f"Seatrial is already running at {url}. Open it, or stop it first.\n"
        for word in ("streamlit", "core.worker"):
            app.kill_and_wait_for_another(word)
        until(app.is_ready, 30, "it to be ready again")
        pids = list(children_of(app.process.pid))
        assert len(pids) == 2
        app.process.terminate()
        assert app.process.wait(15) == 0
        assert not [pid for pid in pids if alive(pid)]
        assert "Traceback" not in app.log.read_text()


def test_ctrl_c_in_a_terminal_thrice_is_no_worse_than_once(tmp_path: Path) -> None:
    port, (terminal, screen) = free_port(), pty.openpty()
    env = {**os.environ, "SEATRIAL_HOME": str(tmp_path), "SEATRIAL_PORT": str(port)}
    child = subprocess.Popen(UP, env=env, stdin=screen, stdout=screen, stderr=screen, preexec_fn=_own_terminal)
    os.close(screen)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 60, "the app to be ready")
        pids = list(children_of(child.pid))
        for _ in range(3):
            os.write(terminal, b"\x03")
        assert child.wait(15) == 0
        assert not [pid for pid in pids if alive(pid)]
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        os.close(terminal)


def _own_terminal() -> None:
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_a_worker_outlives_terminal_and_parent_and_is_taken_over(tmp_path: Path) -> None:
    with running(tmp_path) as app:
        web, worker = app.pid("streamlit"), app.pid("core.worker")
        app.process.send_signal(signal.SIGHUP)
        assert app.process.wait(15) == 0
    assert (alive(worker), alive(web)) == (True, False)
    with running(tmp_path) as again:
        assert again.pids("core.worker") == [], "there is one already"
        web = again.pid("streamlit")
        again.process.kill()
        until(lambda: not alive(web), 10, "the web process to end with its parent")
    assert alive(worker), "nothing it was doing is cut"
    with running(tmp_path) as last:
        os.kill(worker, signal.SIGKILL)
        said = "The worker process ended and was started again."
        until(lambda: said in last.log.read_text(), 10, "its end to be told, and no exit code that nobody knows")
        worker = last.pid("core.worker")
        last.process.send_signal(signal.SIGINT)
        last.process.wait(15)
    until(lambda: not alive(worker), 10, "Ctrl-C to end the worker that was taken over")


def test_the_demo_attaches_its_simulator_and_says_so_everywhere(tmp_path: Path) -> None:
    with running(tmp_path, "--demo") as app:
        until(lambda: "Ctrl-C" in app.log.read_text(), 30, "everything to be up")
        (endpoint,) = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)})).endpoints.list()
        assert endpoint.origin is Origin.SIMULATED
        assert endpoint.check is not None and endpoint.check.usable
        app.kill_and_wait_for_another("simulator")
        until(lambda: answers(f"{endpoint.base_url}/models"), 20, "the simulator to serve again under its address")
        simulator, overview = app.pid("simulator"), visit(app.port)
        assert overview.said("Simulated vLLM")
        assert overview.said(":violet-badge[:material/science: Simulated]")
        app.process.send_signal(signal.SIGINT)
        assert app.process.wait(15) == 0
        assert not alive(simulator)


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = refused({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_PORT": str(port)})
    assert f"Port {port} on 127.0.0.1 is taken by another program" in ended.stderr
    assert "SEATRIAL_PORT=" in ended.stderr


def test_an_open_address_is_refused_until_an_operator_exists(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = refused({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_HOST": "0.0.0.0", "SEATRIAL_PORT": str(free_port())})
    assert "add an operator first (seatrial user add NAME --role operator)" in ended.stderr
    assert time.monotonic() - began < 30


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    ended = refused({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_PORT": "eight"})
    assert ended.stderr.count("SEATRIAL_PORT must be a whole number") == 1


def refused(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Starts, and must be told no: exit code 2, one sentence, no traceback."""
    full = {**os.environ, **env, "LANG": "C", "LC_ALL": "C"}
    ended = subprocess.run(UP, env=full, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended
