"""Finds out, before the clock starts, how to make prompts of exact length for one server: which token ids it accepts,
or what its tokenizer makes of words. Measured at the server itself; no tokenizer is downloaded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from core.domain.workload import Api
from core.loadgen.prompts import FALLBACK_BAND, Prompts, TextPrompts, TokenIdPrompts, Words, middle_band
from core.loadgen.target import Target
from core.loadgen.task import LoadTask
from core.loadgen.words import WORDS

if TYPE_CHECKING:
    from core.loadgen.questions import Questions

_LOWER_BANDS = (FALLBACK_BAND, (200, 1_000), (2, 200))
_REPEATS = 8
_ENOUGH_WORDS = 64
_MAX_GROUPS = 24

Count = Callable[[str], int | None]


def make_prompts(task: LoadTask, target: Target, seed: int) -> tuple[Prompts, tuple[str, ...]]:
    """Prompts for the task, and warnings: ``prompt_length_approximate`` where the server counts nothing for us."""
    if task.api is Api.COMPLETIONS:
        return TokenIdPrompts(seed, task.input_tokens, _band(task, target)), ()
    words = measure_words(_ask(task, target).count)
    if words is None:
        return TextPrompts(seed, task.input_tokens, Words(0, {1: WORDS})), ("prompt_length_approximate",)
    return TextPrompts(seed, task.input_tokens, words), ()


def _ask(task: LoadTask, target: Target) -> Questions:
    """Imported only where something must be asked: an HTTP client is a sixth of this program's start."""
    from core.loadgen.questions import Questions

    return Questions(task, target)


def _band(task: LoadTask, target: Target) -> tuple[int, int]:
    """The middle of a known vocabulary; else the highest of a few bands whose last id the server accepts."""
    if task.vocabulary_size is not None:
        return middle_band(task.vocabulary_size)
    server = _ask(task, target)
    for low, end in _LOWER_BANDS:
        if not server.refuses_token(end - 1):
            return low, end
    return FALLBACK_BAND


def measure_words(count: Count) -> Words | None:
    """What words cost. A word's cost is the growth of a text by its repetition, so that the template and the first
    word's missing space fall out. A group whose mean cost is whole is taken to cost that each; any other is halved,
    until enough words are known. None where the server counts nothing."""
    groups = deque([WORDS])
    by_cost: dict[int, list[str]] = {}
    for _ in range(_MAX_GROUPS):
        if not groups or sum(map(len, by_cost.values())) >= _ENOUGH_WORDS:
            break
        words = groups.popleft()
        cost = _cost(count, words)
        if cost is not None:
            by_cost.setdefault(cost, []).extend(words)
        elif len(words) > 1:
            groups.extend((words[: len(words) // 2], words[len(words) // 2 :]))
    if not by_cost:
        return None
    known = {each: tuple(words) for each, words in by_cost.items()}
    return Words(_overhead(count, known), known)


def _cost(count: Count, words: Sequence[str]) -> int | None:
    """Tokens of each of these words; None where they differ or the server does not tell."""
    once, more = count(" ".join(words)), count(" ".join([*words] * (_REPEATS + 1)))
    if once is None or more is None:
        return None
    each, rest = divmod(more - once, _REPEATS * len(words))
    return each if rest == 0 and each > 0 else None


def _overhead(count: Count, known: dict[int, tuple[str, ...]]) -> int:
    """Tokens of the chat's template, and of whatever else a text costs beside its words."""
    cost, words = max(known.items(), key=lambda item: len(item[1]))
    total = count(" ".join(words[:_REPEATS]))
    return 0 if total is None else total - cost * len(words[:_REPEATS])
