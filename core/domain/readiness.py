"""When a service is ready: health, its name, a streamed completion, reasoning where it is promised, the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.endpoint import EndpointCheck, KeyState
from core.domain.finding import blocking
from core.domain.job import Reason


@dataclass(frozen=True)
class Promise:
    """What a deployment said it would serve. ``parser``: the reasoning parser, None where answers come plain."""

    served_name: str
    with_key: bool
    parser: str | None = None


def unkept(promise: Promise, check: EndpointCheck) -> Iterator[Reason]:
    """What the check shows to be otherwise, the most telling first: start_check_failed (detail), start_name_missing
    (served_name, names), start_key_not_enforced, start_key_refused, start_no_stream, start_no_reasoning (parser)."""
    if promise.with_key and check.key_state is KeyState.OPEN:
        yield Reason("start_key_not_enforced")
    if check.key_state in {KeyState.REFUSED, KeyState.MISSING}:
        yield Reason("start_key_refused")
        return
    if promise.served_name not in {model.id for model in check.served_models}:
        names = ", ".join(model.id for model in check.served_models[:5])
        yield Reason("start_name_missing", {"served_name": promise.served_name, "names": names})
        return
    if check.streams is not True:
        first = next(iter(blocking(check.findings)), None)
        detail = first.params.get("detail") if first else None
        yield Reason("start_no_stream", {"detail": detail})
    elif promise.parser is not None and check.reasons is not True:
        yield Reason("start_no_reasoning", {"parser": promise.parser})
