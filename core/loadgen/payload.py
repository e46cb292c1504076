"""Whole HTTP requests, ready to be written: made before the clock starts, or while the loop has nothing else to do."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator

from core.domain.workload import Api
from core.loadgen.prompts import Prompts
from core.loadgen.shape import MEASURED, WARMUP
from core.loadgen.target import Target
from core.loadgen.task import LoadTask

WARMUP_OUTPUT_TOKENS = 4
"""A warm-up asks for few tokens: the whole prompt is read and some steps are decoded."""
STOCK_BUDGET_BYTES = 32 << 20
_ROUTES = {Api.COMPLETIONS: "/completions", Api.CHAT: "/chat/completions"}


class Payloads:
    """Makes the request of any index. ``output_of``: the tokens that the request with an index asks for."""

    def __init__(
        self, task: LoadTask, target: Target, prompts: Prompts, seed: int, output_of: Callable[[int], int] | None = None
    ) -> None:
        self._head = target.head("POST", target.path + _ROUTES[task.api])
        self._prompts = prompts
        self._options = _options(task, seed)
        self._output_of = output_of or (lambda index: task.output_tokens)
        self._warmup_tokens = min(task.output_tokens, WARMUP_OUTPUT_TOKENS)

    def measured(self, index: int) -> bytes:
        """The request with this index of the point."""
        return self._join(self._output_of(index), self._prompts.field(MEASURED, index))

    def warmup(self, index: int) -> bytes:
        """A request that is not measured; its prompt is none of the measured ones."""
        return self._join(self._warmup_tokens, self._prompts.field(WARMUP, index))

    def _join(self, output_tokens: int, prompt: bytes) -> bytes:
        options = b'%b,"max_tokens":%d' % (self._options, output_tokens)
        length = len(options) + len(prompt) + 3
        return b"%b%d\r\n\r\n{%b,%b}" % (self._head, length, options, prompt)


def _options(task: LoadTask, seed: int) -> bytes:
    """A file's prompts come again at every point: there a salt keeps the server's prefix cache to this point."""
    options: dict[str, object] = {
        "model": task.served_name,
        "temperature": task.temperature,
        "ignore_eos": task.ignore_eos,
        "seed": seed,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    chosen = {"top_p": task.top_p, "top_k": task.top_k, "cache_salt": str(seed) if task.dataset_path else None}
    options |= {name: value for name, value in chosen.items() if value is not None}
    return json.dumps(options, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()


class Stock:
    """Requests made ahead, so that none is made while something is to be stamped; at most ``budget_bytes`` of them."""

    def __init__(
        self, make: Callable[[int], bytes], indexes: Iterator[int], budget_bytes: int = STOCK_BUDGET_BYTES
    ) -> None:
        self._make_request = make
        self._indexes = indexes
        self._budget = budget_bytes
        self._ready: deque[tuple[int, bytes]] = deque()
        self._exhausted = False

    def fill(self, limit: int | None = None) -> None:
        """Makes requests until the budget is full, the indexes end, or ``limit`` were made."""
        made = 0
        while not self._exhausted and self._budget > 0 and (limit is None or made < limit):
            self._make()
            made += 1

    def take(self) -> tuple[int, bytes] | None:
        """The next (index, request); made on the spot if none is ready. None when there are no more."""
        if not self._ready and not self._exhausted:
            self._make()
        if not self._ready:
            return None
        item = self._ready.popleft()
        self._budget += len(item[1])
        return item

    def _make(self) -> None:
        index = next(self._indexes, None)
        if index is None:
            self._exhausted = True
            return
        request = self._make_request(index)
        self._budget -= len(request)
        self._ready.append((index, request))
