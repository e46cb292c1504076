"""How one point is shared among processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from core.domain.workload import Arrival, LoadPoint

STREAMS_PER_PROCESS = 128
"""Up to so many streams, one process keeps up with room to spare."""
_OPEN_LOOP_CONNECTIONS = 64


@dataclass(frozen=True)
class Share:
    """One process's part. Requests with an index of ``number + k * processes`` are its own; ``requests`` None: no
    limit but time. ``streams``: connections of a closed loop, or those that an open loop opens ahead. ``cap``: its
    part of an open loop's limit. With ``turns``, what is shared out is whole conversations: ``requests`` counts them,
    and the indexes are those of their first turns; ``total`` is the point's number of requests."""

    number: int
    processes: int
    streams: int
    requests: int | None
    warmups: int
    cap: int | None
    turns: int = 1
    total: int | None = None

    def indexes(self) -> Iterator[int]:
        """The indexes of its requests, or of its conversations' first ones."""
        step = self.processes * self.turns
        if self.requests is None:
            return count(self.number * self.turns, step)
        return iter(range(self.number * self.turns, self.number * self.turns + self.requests * step, step))

    def following(self, index: int) -> int | None:
        """The next turn of the same conversation, None after its last."""
        after = index + 1
        is_there = after % self.turns and (self.total is None or after < self.total)
        return after if is_there else None


def process_count(point: LoadPoint, wanted: int | None, cpus: int | None = None, turns: int = 1) -> int:
    """Processes for a point: ``wanted``, or one per STREAMS_PER_PROCESS streams and at most one per CPU. Never more
    than there are streams, requests or conversations to share."""
    streams = _streams(point)
    cpus = cpus or _usable_cpus()
    number = wanted or min(cpus, -(-streams // STREAMS_PER_PROCESS))
    return max(1, min(number, streams, _conversations(point, turns) or number))


def _conversations(point: LoadPoint, turns: int) -> int | None:
    return None if point.requests is None else -(-point.requests // turns)


def shares(point: LoadPoint, processes: int, turns: int = 1) -> tuple[Share, ...]:
    """Even parts; a remainder goes to the first ones."""
    whole = _conversations(point, turns)
    cap = None if point.arrival is Arrival.CLOSED else point.concurrency
    return tuple(
        Share(
            number=number,
            processes=processes,
            streams=max(1, _part(_streams(point), processes, number)),
            requests=None if whole is None else _part(whole, processes, number),
            warmups=_part(point.warmup, processes, number),
            cap=None if cap is None else max(1, _part(cap, processes, number)),
            turns=turns,
            total=point.requests,
        )
        for number in range(processes)
    )


def _streams(point: LoadPoint) -> int:
    if point.arrival is Arrival.CLOSED:
        streams = point.concurrency or 1
    else:
        streams = min(point.concurrency or _OPEN_LOOP_CONNECTIONS, _OPEN_LOOP_CONNECTIONS)
    return streams if point.requests is None else min(streams, point.requests)


def _part(whole: int, parts: int, number: int) -> int:
    return whole // parts + (number < whole % parts)


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
