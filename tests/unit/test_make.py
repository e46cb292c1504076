"""``make help`` lists what there is."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGETS = {"help", "install", "run", "demo", "worker", "test", "test-real", "check", "bench", "clean"}


def test_help_lists_every_target_with_what_it_does() -> None:
    said = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    lines = [line.split(maxsplit=1) for line in said.stdout.splitlines()]
    assert {line[0] for line in lines} == TARGETS
    assert all(len(line) == 2 for line in lines), "each with a word about it"
