"""A load generator is woken in time where the system lets it, and measures all the same where it does not."""

from __future__ import annotations

import os

import pytest

from core.loadgen.priority import real_time


def test_a_user_without_the_right_measures_as_an_ordinary_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refused)
    with real_time() as raised:
        assert not raised


def test_the_priority_is_asked_for_and_given_back_also_after_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(os, "sched_setscheduler", lambda _, policy, how: asked.append((policy, how.sched_priority)))
    with pytest.raises(OSError, match="a server went away"), real_time() as raised:
        assert raised
        raise OSError("a server went away")
    assert asked == [(os.SCHED_RR | os.SCHED_RESET_ON_FORK, 1), (os.SCHED_OTHER, 0)]


def test_the_only_processor_is_left_to_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    with real_time() as raised:
        assert not raised
        assert os.sched_getscheduler(0) == os.SCHED_OTHER
