"""``seatrial worker`` where there is one already."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cli.main import main
from core.adapters import worker_process
from core.settings import read_settings


def test_a_second_worker_is_refused_with_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    monkeypatch.setattr(worker_process, "_TAKE_LIMIT_S", 0.0)
    monkeypatch.setattr("core.worker._leave_threads_behind", lambda code: None)  # there may be other tests' threads
    lock = worker_process.take_worker_lock(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    assert main(["worker"]) == 2
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"A worker is at work for this data folder already (process {os.getpid()}). One is enough.\n",
    )
    lock.let_go()
