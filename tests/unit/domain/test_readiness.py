"""Ready is what was promised: name, stream, reasoning, key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.endpoint import EndpointCheck, KeyState, ServedModel, Task
from core.domain.readiness import Promise, unkept
from tests.fakes.samples import NOW

GOOD = EndpointCheck(
    NOW, True, KeyState.ACCEPTED, served_models=(ServedModel("r1"),), served_name="r1", streams=True, reasons=True
)
PROMISE = Promise("r1", with_key=True, parser="deepseek_r1")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key_state": KeyState.OPEN}, "start_key_not_enforced"),
        ({"key_state": KeyState.REFUSED}, "start_key_refused"),
        ({"served_models": (ServedModel("/weights/r1"),)}, "start_name_missing"),
        ({"streams": None}, "start_no_stream"),
        ({"reasons": False}, "start_no_reasoning"),
    ],
)
def test_each_broken_promise_is_named(changes: dict[str, object], code: str) -> None:
    assert [found.code for found in unkept(PROMISE, replace(GOOD, **changes))] == [code]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tasks", "found", "codes"),
    [
        ((Task.EMBED,), Task.EMBED, []),
        ((), Task.SCORE, []),
        ((Task.SCORE, Task.GENERATE), Task.GENERATE, []),
        ((Task.EMBED,), Task.GENERATE, ["start_no_embeddings"]),
        ((Task.SCORE,), Task.EMBED, ["start_no_scores"]),
        ((Task.GENERATE,), Task.EMBED, ["start_no_text"]),
    ],
)
def test_a_model_does_what_it_is_for(tasks: tuple[Task, ...], found: Task, codes: list[str]) -> None:
    check = replace(GOOD, task=found, streams=True if found is Task.GENERATE else None, reasons=None)
    assert [one.code for one in unkept(Promise("r1", with_key=True, tasks=tasks), check)] == codes


def test_kept_promises_say_nothing() -> None:
    assert list(unkept(PROMISE, GOOD)) == []
    open_one = replace(GOOD, key_state=KeyState.OPEN, reasons=False)
    assert list(unkept(Promise("r1", with_key=False), open_one)) == []
