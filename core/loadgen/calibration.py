"""Finds out, before the clock starts, how to make prompts of exact length for one server: which token ids it accepts,
or what its tokenizer makes of words. Measured at the server itself; no tokenizer is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.domain.workload import Api
from core.errors import ToolFailed
from core.loadgen import TOOL
from core.loadgen.prompts import FALLBACK_BAND, Prompts, TextPrompts, TokenIdPrompts, Words, middle_band
from core.loadgen.shape import MEASURED, WARMUP, Shape
from core.loadgen.target import Target
from core.loadgen.task import LoadTask
from core.loadgen.words import WORDS

if TYPE_CHECKING:
    from core.loadgen.questions import Questions

_LOWER_BANDS = (FALLBACK_BAND, (200, 1_000), (2, 200))
_WORDS_AT_ONCE = 80
_RUN = 4
_APPROXIMATE = 0.01
APPROXIMATE = "prompt_length_approximate"

Count = Callable[[Sequence[str]], int | None]
"""Tokens of a chat of some messages, a user's and an answer by turns; None where the server does not tell."""


@dataclass(frozen=True)
class Made:
    """Prompts, the output tokens that each request asks for, and what a reader of the measurement should know."""

    prompts: Prompts
    output_of: Callable[[int], int]
    warnings: tuple[str, ...] = ()


def shape_of(task: LoadTask, seed: int) -> Shape:
    """The lengths that the task asks for."""
    return Shape(
        seed=seed,
        input_tokens=task.input_tokens,
        output_tokens=task.output_tokens,
        input_spread=task.input_spread,
        output_spread=task.output_spread,
        prefix_share=task.prefix_share,
        turns=task.turns,
    )


def make_prompts(task: LoadTask, target: Target, seed: int) -> Made:
    """Prompts for the task. Warns ``prompt_length_approximate`` where the server counts nothing for us, or its
    tokenizer makes something else of whole prompts than of their words. Raises ToolFailed for a file that cannot be
    read."""
    if task.dataset_path is not None:
        return _from_file(task, task.dataset_path, seed)
    shape = shape_of(task, seed)
    output_of: Callable[[int], int] = lambda index: shape.output(MEASURED, index)  # noqa: E731
    if task.api is Api.COMPLETIONS:
        return Made(TokenIdPrompts(shape, _band(task, target)), output_of)
    count = _ask(task, target).count
    words = measure_words(count, with_turns=shape.turns > 1)
    if words is None:
        return Made(TextPrompts(shape, Words(0, {1: WORDS})), output_of, (APPROXIMATE,))
    prompts, is_exact = _proved(shape, words, count)
    return Made(prompts, output_of, () if is_exact else (APPROXIMATE,))


def _from_file(task: LoadTask, path: str, seed: int) -> Made:
    from core.loadgen.file_prompts import FilePrompts

    try:
        prompts = FilePrompts(path, seed, task.api, task.turns)
    except (OSError, ValueError) as error:
        raise ToolFailed(tool=TOOL, exit_code=1, detail=f"{path}: {error}") from error
    return Made(prompts, lambda index: prompts.output_tokens(index) or task.output_tokens)


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


# ---------------------------------------------------------------- what words cost


def measure_words(count: Count, *, with_turns: bool = False) -> Words | None:
    """What words cost. A text's cost is its growth by repetition, so that the template and the first word's missing
    space fall out. Most tokenizers have each of these words as one token, and two questions tell; else short runs of
    words are weighed, and the words of a few runs one by one, to fill up with. None where the server counts nothing."""
    by_cost: dict[int, list[str]] = {}
    for cost, text in _weighed(count):
        by_cost.setdefault(cost, []).append(text)
    if not by_cost:
        return None
    known = {cost: tuple(texts) for cost, texts in by_cost.items()}
    words = Words(_overhead(count, known), known)
    return replace(words, pair=_pair(count, words)) if with_turns else words


def _weighed(count: Count) -> Iterator[tuple[int, str]]:
    words = WORDS[:_WORDS_AT_ONCE]
    if _cost(count, words) == len(words):
        yield from ((1, word) for word in words)
        return
    for start in range(0, len(words), _RUN):
        run = words[start : start + _RUN]
        cost = _cost(count, run)
        if cost == len(run):
            yield from ((1, word) for word in run)
        elif cost is not None:
            yield cost, " ".join(run)
            yield from _fillers(count, run) if start < 2 * _RUN else ()


def _fillers(count: Count, words: Sequence[str]) -> Iterator[tuple[int, str]]:
    weighed = ((_cost(count, (word,)), word) for word in words)
    return ((cost, word) for cost, word in weighed if cost is not None)


def _cost(count: Count, words: Sequence[str]) -> int | None:
    """Tokens of these words inside a text; None where the server does not tell."""
    once, twice = count([" ".join(words)]), count([" ".join([*words, *words])])
    return twice - once if once is not None and twice is not None and twice > once else None


def _overhead(count: Count, known: dict[int, tuple[str, ...]]) -> int:
    """Tokens of the chat's template, and of whatever else a text costs beside its words."""
    cost, text = min((cost, texts[0]) for cost, texts in known.items())
    total = count([" ".join([text] * _RUN)])
    return 0 if total is None else total - cost * _RUN


def _pair(count: Count, words: Words) -> int:
    """Tokens of the template for one more answer and message, beside their words."""
    cost, text = min((cost, texts[0]) for cost, texts in words.by_cost.items())
    total = count([text, text, text])
    return words.overhead if total is None else total - 3 * cost - words.overhead


def _proved(shape: Shape, words: Words, count: Count) -> tuple[TextPrompts, bool]:
    """Prompts that were counted whole once, and put right by what they were off; whether they are exact now."""
    prompts = TextPrompts(shape, words)
    off = _off(prompts, shape, count)
    if off:
        prompts = TextPrompts(shape, replace(words, overhead=words.overhead + off))
        off = _off(prompts, shape, count)
    return prompts, abs(off) <= _APPROXIMATE * shape.prompt(WARMUP, 0)


def _off(prompts: TextPrompts, shape: Shape, count: Count) -> int:
    """How many tokens too many a prompt of the warm-up has."""
    found = count(prompts.texts(WARMUP, 0))
    return 0 if found is None else found - shape.prompt(WARMUP, 0)
