"""A worker that will not stay is started a few times, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters import worker_process
from core.adapters.locks import WORKER_LOCK, FileLock
from core.adapters.worker_process import ensure_worker
from core.errors import ToolFailed
from core.settings import Settings, read_settings
from render.texts import Texts
from tests.live.servers import until


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Whose worker ends at once: Python finds no such module."""
    monkeypatch.setattr(worker_process, "_MODULE", "no_worker_of_this_name")
    monkeypatch.setattr(worker_process, "_last", worker_process._Started())
    return read_settings({"SEATRIAL_HOME": str(tmp_path)})


def has_ended() -> bool:
    child = worker_process._last.child
    return child is not None and child.poll() is not None


def started_and_ended(settings: Settings) -> None:
    assert ensure_worker(settings)
    until(has_ended, 10, "its end")


def test_three_that_end_at_once_are_told_with_their_last_words(settings: Settings) -> None:
    for _ in range(3):
        started_and_ended(settings)
    with pytest.raises(ToolFailed) as caught:
        ensure_worker(settings)
    said = Texts("en").error(caught.value)
    assert "ended 3 times in a row" in said
    assert "No module named no_worker_of_this_name" in said
    assert str(settings.logs / "worker.log") in said


def test_one_that_worked_for_a_while_is_no_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_SHORT_LIFE_S", 0.0)
    for _ in range(4):
        started_and_ended(settings)


def test_one_that_others_kill_is_no_failure_either(settings: Settings) -> None:
    for _ in range(4):
        assert ensure_worker(settings)
        assert worker_process._last.child is not None
        worker_process._last.child.kill()  # within its first milliseconds, long before Python could look for the module
        until(has_ended, 10, "its end")


def test_none_is_started_beside_another(settings: Settings) -> None:
    lock = FileLock(settings.locks / WORKER_LOCK)
    assert lock.take()
    assert not ensure_worker(settings)
    lock.let_go()
    assert not (settings.logs / "worker.log").exists()
