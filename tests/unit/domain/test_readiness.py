"""Ready is what was promised: name, stream, reasoning, key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.endpoint import EndpointCheck, KeyState, ServedModel
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


def test_kept_promises_say_nothing() -> None:
    assert list(unkept(PROMISE, GOOD)) == []
    open_one = replace(GOOD, key_state=KeyState.OPEN, reasons=False)
    assert list(unkept(Promise("r1", with_key=False), open_one)) == []
