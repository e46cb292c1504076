"""A chat for the first try: what is asked, what comes back, how fast."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from core.domain.job import Reason


@dataclass(frozen=True)
class Message:
    """``role``: system, user or assistant, as the API has it."""

    role: str
    content: str


@dataclass(frozen=True)
class ChatParameters:
    """None: the server's own default, and nothing is sent."""

    system: str = ""
    max_tokens: int | None = 2048
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Piece:
    """What one event brought. ``output_tokens`` and ``input_tokens`` come with the last, from the server's count."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class AnswerState(StrEnum):
    """Waiting: asked, and no token yet."""

    WAITING = "waiting"
    ANSWERING = "answering"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_active(self) -> bool:
        """Whether more may come."""
        return self in {AnswerState.WAITING, AnswerState.ANSWERING}


@dataclass(frozen=True)
class Answer:
    """An answer as far as it has come. TTFT as everywhere here: request sent to first output token, reasoning counted.
    ``tokens_per_s``: tokens after the first, over the time after the first; None until the server has counted."""

    id: str
    endpoint_id: str
    state: AnswerState
    content: str = ""
    reasoning: str = ""
    ttft_ms: float | None = None
    duration_s: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    tokens_per_s: float | None = None
    finish_reason: str | None = None
    reason: Reason | None = None


_OPENED = "<think>"
_THOUGHT = re.compile(r"\s*<think>(.*?)</think>|(.*?)</think>[^\S\n]*(?:\n|\Z)", re.DOTALL)
"""Some chat templates open the thinking themselves (DeepSeek-R1-0528's), so that the answer shows only its end; that
must close its line, for an answer may speak of the tag."""


def apart(content: str, reasoning: str) -> tuple[str, str]:
    """Content and reasoning of an answer as far as it has come. A service without a reasoning parser leaves the
    thinking inside the content, between tags; where it sends reasoning by itself nothing is looked for."""
    begun = content.lstrip()
    if reasoning or not begun:
        return content, reasoning
    found = _THOUGHT.match(content)
    if found:
        return content[found.end() :].lstrip(), (found[1] or found[2] or "").strip()
    if begun.startswith(_OPENED):
        return "", begun.removeprefix(_OPENED).lstrip()
    return ("" if _OPENED.startswith(begun) else content), ""


SHORTEST_S = 0.2
"""Over less than this the arrival of a single packet decides, and a rate would say nothing."""


def rate(output_tokens: int | None, first_s: float | None, last_s: float | None) -> float | None:
    """Output tokens a second after the first token, the inverse of TPOT; None where it is too short to say."""
    if output_tokens is None or output_tokens < 2 or first_s is None or last_s is None or last_s - first_s < SHORTEST_S:
        return None
    return (output_tokens - 1) / (last_s - first_s)
