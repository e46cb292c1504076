"""Children that live, die, come back and are ended."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.children import Child, end_all
from core.errors import ToolFailed

STUBBORN = (
    "import signal,subprocess,sys,time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
)


def child(tmp_path: Path, code: str, **values: object) -> Child:
    return Child("probe", [sys.executable, "-c", code], tmp_path / "logs" / "probe.log", tmp_path, **values)  # type: ignore[arg-type]


def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_output_goes_to_its_log_and_its_environment_is_ours_with_additions(tmp_path: Path) -> None:
    one = child(tmp_path, "import os; print('mark', os.environ['PROBE'], bool(os.environ['PATH']))", env={"PROBE": "7"})
    one.start()
    until(lambda: one.exit_code is not None)
    assert (one.exit_code, one.last_words()) == (0, "mark 7 True")


def test_it_has_a_session_of_its_own_so_ctrl_c_does_not_reach_it(tmp_path: Path) -> None:
    one = child(tmp_path, "import time; time.sleep(60)")
    one.start()
    assert one.process is not None
    assert os.getsid(one.process.pid) == one.process.pid
    end_all([one])
    assert one.exit_code == -15


def test_a_dead_child_comes_back_until_it_dies_three_times_at_once(tmp_path: Path) -> None:
    one = child(tmp_path, "print('why'); raise SystemExit(7)")
    one.start()
    revived = 0
    with pytest.raises(ToolFailed) as failed:
        while revived < 5:
            until(lambda: one.exit_code is not None)
            revived += one.revive()
    assert revived == 2
    assert failed.value.code == "child_gave_up"
    assert (failed.value.params["count"], failed.value.params["exit_code"]) == (3, 7)
    assert "why" in str(failed.value.params["detail"])


def test_one_that_others_kill_comes_back_however_often(tmp_path: Path) -> None:
    one = child(tmp_path, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    one.start()
    for _ in range(5):
        until(lambda: one.exit_code is not None)
        assert one.revive()
    until(lambda: one.exit_code is not None)
    assert one.exit_code == -9


def test_a_final_exit_code_is_not_tried_again(tmp_path: Path) -> None:
    one = child(tmp_path, "raise SystemExit(2)", final=frozenset({2}))
    one.start()
    until(lambda: one.exit_code is not None)
    with pytest.raises(ToolFailed):
        one.revive()


def test_one_that_will_not_end_is_killed_with_its_group(tmp_path: Path) -> None:
    one = child(tmp_path, STUBBORN)
    one.start()
    until(lambda: one.last_words() == "up")
    end_all([one], grace_s=0.2)
    assert one.exit_code == -9


def test_its_last_words_are_its_own_and_not_an_earlier_ones(tmp_path: Path) -> None:
    one = child(tmp_path, "print('new')")
    one.log.parent.mkdir()
    one.log.write_text("of the day before\n")
    one.start()
    until(lambda: one.exit_code is not None)
    assert one.last_words() == "new"


def test_a_long_log_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.children._LOG_LIMIT", 10)
    one = child(tmp_path, "print('new')")
    one.log.parent.mkdir()
    one.log.write_text("x" * 11)
    one.start()
    until(lambda: one.exit_code is not None)
    assert one.log.read_text() == "new\n"
    assert one.log.with_suffix(".old.log").read_text() == "x" * 11


def test_a_process_that_is_there_already_is_watched_and_ended_too(tmp_path: Path) -> None:
    first, second = child(tmp_path, "import time; time.sleep(60)"), child(tmp_path, "")
    first.start()
    assert first.process is not None
    assert second.adopt(first.process.pid)
    assert second.exit_code is None
    assert (first.is_ours, second.is_ours) == (True, False), "how it ended is told to the first alone"
    end_all([second])
    assert second.exit_code == 0
    until(lambda: first.exit_code == -15)
    assert not second.adopt(first.process.pid), "gone by now"
