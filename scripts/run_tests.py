"""Runs the tests and says plainly what was left out: ``run_tests.py`` (Python alone) or ``run_tests.py --real``.

With --real a skipped test is a failure: what was asked for was not shown.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_OUT = """
Left out here: tests marked real (a Docker engine and a real vLLM) and browser (Chromium).
They run with: make test-real"""


def main(arguments: list[str]) -> int:
    """pytest's exit code; 1 where --real skipped something."""
    real = "--real" in arguments
    marks = "real or browser" if real else "not real and not browser"
    rest = [argument for argument in arguments if argument != "--real"]
    hanging = ["-o", "faulthandler_timeout=300"]  # then every thread's stack is printed
    processes = (os.cpu_count() or 1) + 1  # tests with processes of their own mostly wait; see tests/conftest.py
    shared = [] if real else [f"--numprocesses={processes}", "--dist=loadgroup"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", marks, *hanging, *shared, "--durations=5", *rest]
    process = subprocess.Popen(command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True)
    last = ""
    for line in process.stdout or ():
        print(line, end="", flush=True)
        last = line if " in " in line else last
    code = process.wait()
    if real and code == 0 and "skipped" in last:
        print("A test was skipped; make test-real skips nothing.")
        return 1
    if not real:
        print(LEFT_OUT)
    return code


def _environment() -> dict[str, str]:
    """Dozens of processes are started, each with all of the app's modules: they are compiled once, whatever the shell
    says of it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
