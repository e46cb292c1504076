"""A full disk ends the child that evaluates, whatever EvalScope has wrapped around it."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from core.evalrunner.disk import end_where_full
from core.formats.evalscope import failure_code

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import threading, time
from core.evalrunner.evaluator import Telling
from evalscope.evaluator.evaluator import DefaultEvaluator

def full(self, *_):
    try:
        with open("/dev/full", "w") as file:
            file.write("an answer")
    except OSError as error:
        raise RuntimeError("could not keep the prediction") from error

DefaultEvaluator._process_work_item = full
threading.Thread(target=lambda: time.sleep(600)).start()  # one that still asks
Telling._process_work_item(object.__new__(Telling), None, "")
"""


def test_the_child_ends_at_once_and_says_why() -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert child.returncode == 1
    assert failure_code(child.stderr) == "disk_full"


def test_other_errors_are_not_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    end_where_full(OSError(errno.EACCES, "not allowed"))
    end_where_full(ValueError("no number"))
    assert ended == []
