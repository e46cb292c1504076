"""Continuous batching with a plausible clock: a queue, chunked prefill, one token per sequence and step."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulator.metrics import Metrics
from simulator.prefix_cache import BLOCK_TOKENS, PrefixCache
from simulator.settings import FaultKind, Pace, SimulatorSettings
from simulator.tokens import SPECIAL_TOKENS

Emit = Callable[[list[int], str | None], str | None]
"""Takes new tokens and, with the last, the finish reason. Answers with the reason if the sequence is over: the one it
was given, ``stop`` where a stop string was met, ``abort`` where nobody listens any more."""
_SHORTEST_ANSWER, _LONGEST_ANSWER = 16, 400


@dataclass(eq=False)
class Running:
    """One sequence. ``stop_after``: where the model itself would end (None with ignore_eos)."""

    prompt: Sequence[int]
    max_tokens: int
    emit: Emit
    stop_after: int | None = None
    salt: str | None = None
    origin: int = 0
    arrived: float = 0.0
    started: float = 0.0
    first_token: float = 0.0
    prefilled: int = 0
    produced: int = 0
    reserved: int = 0
    finished: bool = field(default=False)

    @property
    def is_decoding(self) -> bool:
        """Whether its whole prompt is computed."""
        return self.prefilled >= len(self.prompt)

    def next_tokens(self, count: int, vocabulary_size: int) -> list[int]:
        """The same prompt gives the same words: a hash, walked."""
        usable = vocabulary_size - SPECIAL_TOKENS
        begin = self.origin + self.produced * 2_654_435_761
        return [SPECIAL_TOKENS + (begin + step * 2_654_435_761) % usable for step in range(count)]


def natural_length(origin: int) -> int:
    """Where the simulated model would stop by itself, in tokens."""
    return _SHORTEST_ANSWER + origin % (_LONGEST_ANSWER - _SHORTEST_ANSWER)


class Engine:
    """Owns the queue and the batch; ``run`` is its only task."""

    def __init__(self, settings: SimulatorSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._pace = _slowed(settings)
        self._metrics = metrics
        self._waiting: deque[Running] = deque()
        self._running: list[Running] = []
        self._cache = PrefixCache(settings.kv_cache_tokens // BLOCK_TOKENS)
        self._reserved = 0
        self._work = asyncio.Event()
        self._random = random.Random(0)
        metrics.gauge("num_requests_running", "Requests in execution batches.", lambda: len(self._running))
        metrics.gauge("num_requests_waiting", "Requests waiting to be processed.", lambda: len(self._waiting))
        metrics.gauge("kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent.", self._kv_usage)

    @property
    def load(self) -> int:
        """Sequences waiting or running."""
        return len(self._waiting) + len(self._running)

    def submit(self, sequence: Running) -> None:
        """Queues a sequence; its tokens come through ``emit``."""
        sequence.arrived = asyncio.get_running_loop().time()
        self._waiting.append(sequence)
        self._work.set()

    async def run(self) -> None:
        """Steps while there is work, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            end = loop.time()
            while self._waiting or self._running:
                end = await self._step(loop, max(end, loop.time() - self._pace.itl_ms / 1000))
            self._work.clear()

    async def _step(self, loop: asyncio.AbstractEventLoop, start: float) -> float:
        """One step, from the end of the last (or from now, after a pause) to its own end."""
        self._admit(start)
        if not self._running and not self._waiting:
            return start  # whoever waited has hung up
        if not self._running:
            ready = self._ready_at(self._waiting[0])
            await asyncio.sleep(max(0.0, ready - loop.time()))
            return ready
        decoding = [sequence for sequence in self._running if sequence.is_decoding]
        prefilling = self._prefill()
        end = start + self._step_s(len(decoding), sum(prefilling.values()))
        await asyncio.sleep(max(0.0, end - loop.time()))
        now = loop.time()
        for sequence, tokens in prefilling.items():
            sequence.prefilled += tokens
        for sequence in [*decoding, *(each for each in prefilling if each.is_decoding)]:
            self._advance(sequence, now, end - start)
        self._running = [sequence for sequence in self._running if not sequence.finished]
        return end

    # ------------------------------------------------------------ scheduling

    def _ready_at(self, sequence: Running) -> float:
        """The first token's fixed cost (network, tokenizer, scheduling) is paid before the queue."""
        return sequence.arrived + max(0.0, self._pace.ttft_ms - self._pace.itl_ms) / 1000

    def _admit(self, now: float) -> None:
        while self._waiting and len(self._running) < self._settings.max_num_seqs:
            sequence = self._waiting[0]
            needed = len(sequence.prompt) + sequence.max_tokens
            fits = self._reserved + needed <= self._settings.kv_cache_tokens or not self._running
            if self._ready_at(sequence) > now or not fits:
                return
            self._waiting.popleft()
            if sequence.emit([], None) is None:
                self._start(sequence, needed, now)
            else:
                self._metrics.finished("abort")

    def _start(self, sequence: Running, needed: int, now: float) -> None:
        sequence.started, sequence.reserved = now, needed
        self._reserved += needed
        if self._settings.prefix_cache:
            sequence.prefilled = self._cache.cached_tokens(sequence.prompt, sequence.salt)
            self._metrics.prefix_queries.inc(len(sequence.prompt))
            self._metrics.prefix_hits.inc(sequence.prefilled)
        self._metrics.queue_s.observe(max(0.0, now - self._ready_at(sequence)))
        self._running.append(sequence)

    def _prefill(self) -> dict[Running, int]:
        """Prompt tokens that this step computes, oldest sequence first, within the batch's budget."""
        budget, taken = self._settings.max_batched_tokens, {}
        for sequence in self._running:
            missing = len(sequence.prompt) - sequence.prefilled
            if missing > 0 and budget > 0:
                taken[sequence] = min(missing, budget)
                budget -= taken[sequence]
        return taken

    def _step_s(self, decoding: int, prefill_tokens: int) -> float:
        pace = self._pace
        decode_ms = math.hypot(pace.itl_ms, decoding * pace.per_sequence_ms)
        jitter = max(0.5, self._random.gauss(1.0, pace.jitter))
        return (decode_ms + prefill_tokens * pace.prefill_ms_per_token) * jitter / 1000

    # ------------------------------------------------------------ tokens out

    def _advance(self, sequence: Running, now: float, step_s: float) -> None:
        if sequence.produced == 0:
            self._first_token(sequence, now)
        else:
            self._metrics.itl_s.observe(step_s)
        limit = min(sequence.max_tokens, sequence.stop_after or sequence.max_tokens)
        count = min(self._settings.tokens_per_step if sequence.produced else 1, limit - sequence.produced)
        tokens = sequence.next_tokens(count, self._settings.vocabulary_size)
        sequence.produced += count
        self._metrics.generation_tokens.inc(count)
        reason = None
        if sequence.produced >= limit:
            reason = "length" if limit == sequence.max_tokens else "stop"
        over = sequence.emit(tokens, reason)
        if over is not None:
            self._finish(sequence, now, over)

    def _first_token(self, sequence: Running, now: float) -> None:
        sequence.first_token = now
        self._metrics.prompt_tokens.inc(len(sequence.prompt))
        self._metrics.ttft_s.observe(now - sequence.arrived)
        self._metrics.prefill_s.observe(now - sequence.started)
        if self._settings.prefix_cache:
            self._cache.remember(sequence.prompt, sequence.salt)

    def _finish(self, sequence: Running, now: float, reason: str) -> None:
        sequence.finished = True
        self._reserved -= sequence.reserved
        self._metrics.e2el_s.observe(now - sequence.arrived)
        self._metrics.decode_s.observe(now - sequence.first_token)
        self._metrics.finished(reason)

    def _kv_usage(self) -> float:
        used = sum(sequence.prefilled + sequence.produced for sequence in self._running)
        return used / self._settings.kv_cache_tokens


def _slowed(settings: SimulatorSettings) -> Pace:
    fault = settings.fault(FaultKind.SLOW)
    if fault is None:
        return settings.pace
    pace, factor = settings.pace, fault.value
    return Pace(
        pace.ttft_ms * factor,
        pace.itl_ms * factor,
        pace.per_sequence_ms * factor,
        pace.prefill_ms_per_token * factor,
        pace.jitter,
    )
