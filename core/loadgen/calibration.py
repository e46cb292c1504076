"""Finds out, before the clock starts, how to make prompts of exact length for one server: which token ids it accepts,
or what its tokenizer makes of words. Measured at the server itself; no tokenizer is downloaded."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any

from core.domain.endpoint import server_root
from core.domain.workload import Api
from core.loadgen.prompts import FALLBACK_BAND, Prompts, TextPrompts, TokenIdPrompts, Words, middle_band
from core.loadgen.target import Target
from core.loadgen.task import LoadTask
from core.loadgen.words import WORDS

_ASK_TIMEOUT_S = 30.0
_LOWER_BANDS = (FALLBACK_BAND, (200, 1_000), (2, 200))
_REPEATS = 8
_ENOUGH_WORDS = 64
_MAX_GROUPS = 24

Count = Callable[[str], int | None]


def make_prompts(task: LoadTask, target: Target, seed: int) -> tuple[Prompts, tuple[str, ...]]:
    """Prompts for the task, and warnings: ``prompt_length_approximate`` where the server counts nothing for us."""
    if task.api is Api.COMPLETIONS:
        return TokenIdPrompts(seed, task.input_tokens, _band(task, target)), ()
    words = measure_words(Server(task, target).count)
    if words is None:
        return TextPrompts(seed, task.input_tokens, Words(0, {1: WORDS})), ("prompt_length_approximate",)
    return TextPrompts(seed, task.input_tokens, words), ()


def _band(task: LoadTask, target: Target) -> tuple[int, int]:
    """The middle of a known vocabulary; else the highest of a few bands whose last id the server accepts."""
    if task.vocabulary_size is not None:
        return middle_band(task.vocabulary_size)
    server = Server(task, target)
    for low, end in _LOWER_BANDS:
        if not server.refuses_token(end - 1):
            return low, end
    return FALLBACK_BAND


class Server:
    """Small questions to a server, one connection each, outside of any measurement."""

    def __init__(self, task: LoadTask, target: Target) -> None:
        self._task = task
        self._target = target
        self._has_tokenize = True

    def refuses_token(self, token_id: int) -> bool:
        """Whether a prompt of this id is refused as out of the vocabulary."""
        body = {"model": self._task.served_name, "prompt": [token_id], "max_tokens": 1, "temperature": 0}
        status, answer = self._ask(f"{self._target.path}/completions", body)
        return status == 400 and "vocab" in json.dumps(answer).lower()

    def count(self, text: str) -> int | None:
        """Tokens of a chat with this one user message, its template included; None where the server does not tell."""
        body: dict[str, Any] = {
            "model": self._task.served_name,
            "messages": [{"role": "user", "content": text}],
        }
        if self._has_tokenize:
            _, answer = self._ask(f"{server_root(self._target.path)}/tokenize", body | {"add_generation_prompt": True})
            if isinstance(answer.get("count"), int):
                return int(answer["count"])
            self._has_tokenize = False
        _, answer = self._ask(f"{self._target.path}/chat/completions", body | {"max_tokens": 1, "temperature": 0})
        usage = answer.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        return tokens if isinstance(tokens, int) else None

    def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind = HTTPSConnection if self._target.tls else HTTPConnection
        connection = kind(self._target.host, self._target.port, timeout=min(_ASK_TIMEOUT_S, self._task.timeout_s))
        headers = {"Content-Type": "application/json"}
        if self._target.key:
            headers["Authorization"] = f"Bearer {self._target.key}"
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()
        return response.status, answer if isinstance(answer, dict) else {}


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
