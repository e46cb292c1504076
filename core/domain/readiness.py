"""When a service is ready: health, its name, a streamed completion, reasoning where it is promised, the key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.endpoint import EndpointCheck, KeyState, Task
from core.domain.finding import blocking
from core.domain.job import Reason

_NOT_DONE = {Task.GENERATE: "start_no_text", Task.EMBED: "start_no_embeddings", Task.SCORE: "start_no_scores"}


@dataclass(frozen=True)
class Promise:
    """What a deployment said it would serve. ``parser``: the reasoning parser, None where answers come plain.
    ``tasks``: what it may do, the likeliest first; none: whatever it does is right."""

    served_name: str
    with_key: bool
    parser: str | None = None
    tasks: tuple[Task, ...] = ()

    @property
    def first(self) -> Task:
        """What to ask for before anything else."""
        return self.tasks[0] if self.tasks else Task.GENERATE


def is_slow(check: EndpointCheck) -> bool:
    """Whether the server was merely not heard to the end: it may compile still, and is asked again."""
    return check.streams is None and any(found.code == "endpoint_no_token_in_time" for found in check.findings)


def unkept(promise: Promise, check: EndpointCheck) -> Iterator[Reason]:
    """What the check shows to be otherwise, the most telling first: start_check_failed (detail), start_name_missing
    (served_name, names), start_key_not_enforced, start_key_refused, start_no_text,
    start_no_embeddings, start_no_scores, start_no_stream, start_no_reasoning (parser)."""
    if promise.with_key and check.key_state is KeyState.OPEN:
        yield Reason("start_key_not_enforced")
    if check.key_state in {KeyState.REFUSED, KeyState.MISSING}:
        yield Reason("start_key_refused")
        return
    if promise.served_name not in {model.id for model in check.served_models}:
        names = ", ".join(model.id for model in check.served_models[:5])
        yield Reason("start_name_missing", {"served_name": promise.served_name, "names": names})
        return
    if check.task is not None and promise.tasks and check.task not in promise.tasks:
        yield Reason(_NOT_DONE[promise.first])
    elif not check.writes:
        return
    elif check.streams is not True:
        first = next(iter(blocking(check.findings)), None)
        detail = first.params.get("detail") if first else None
        yield Reason("start_no_stream", {"detail": detail})
    elif promise.parser is not None and check.reasons is not True:
        yield Reason("start_no_reasoning", {"parser": promise.parser})
