"""A simulated vLLM as a process of its own, for tests that need a real socket."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).parent.parent
_START_LIMIT_S = 20.0


@dataclass(frozen=True)
class SimulatedServer:
    """Where it listens, and its process."""

    base_url: str
    served_name: str
    first_line: str
    process: subprocess.Popen[str]


@contextmanager
def simulated(*arguments: str) -> Iterator[SimulatedServer]:
    """``with simulated("--fault", "hang") as server:`` on a free port."""
    argv = [sys.executable, "-m", "simulator", "--port", "0", *arguments]
    process = subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield _listening(process)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _listening(process: subprocess.Popen[str]) -> SimulatedServer:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_LIMIT_S)
    assert ready, "the simulator did not start"
    line = process.stdout.readline().strip()
    assert line, f"the simulator ended with exit code {process.wait()}"
    name, _, base_url = line.partition("serving ")[2].partition(" at ")
    return SimulatedServer(base_url, name, line, process)
