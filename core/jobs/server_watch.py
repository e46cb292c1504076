"""Looks at a server's own metrics while a point is measured: a small time series, and what was counted meanwhile."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.domain.benchmark import Measurement
from core.domain.workload import Workload
from core.formats.vllm_metrics import cached_share, counted_between, series_values, summary

LOOK_GAP_S = 2.0
"""A look is a hundred kilobytes of text, on the machine that measures: one every two seconds is below a percent."""
_FIRST_GAP_S = 0.5
_FIRST_LOOKS = 20
"""A short point would be over before there is anything to see."""
PROMPTS_CACHED = "prompts_cached"
"""A measurement's warning: prompts that ought to be new came from the server's prefix cache."""
_TOLERATED_CACHED_SHARE = 0.05

Look = Callable[[], Mapping[str, float] | None]


@dataclass(frozen=True)
class ServerView:
    """``counted`` since before the warm-up; ``lines``: the looks, each with ``t_s`` from the point's start."""

    counted: Mapping[str, float]
    lines: tuple[Mapping[str, float], ...]

    def as_gzip(self) -> bytes:
        """JSON lines, packed."""
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        return gzip.compress(text.encode(), compresslevel=6, mtime=0)

    def metrics(self, duration_s: float) -> dict[str, float]:
        """What the measurement keeps: the counters and a summary of the time within the point."""
        within = [line for line in self.lines if 0 <= line["t_s"] <= duration_s]
        return {**self.counted, **summary(within, self.counted)}


class ServerWatch:
    """``begin``, ``started`` at the point's start, ``end`` after it. A server without metrics is asked once."""

    def __init__(self, look: Look, gap_s: float = LOOK_GAP_S) -> None:
        self._look = look
        self._gap_s = gap_s
        self._looks: list[tuple[float, Mapping[str, float]]] = []
        self._start: float | None = None
        self._before: Mapping[str, float] | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Looks from now on."""
        self._task = asyncio.create_task(self._go_on())

    def started(self) -> None:
        """The clock runs. A first look that comes later would miss what was counted since, and does not count."""
        if self._start is None:
            self._start = time.monotonic()
            self._before = self._looks[0][1] if self._looks else None

    async def end(self) -> ServerView | None:
        """One last look; None where there was no first one in time."""
        await self.stop()
        if self._before is None or self._start is None:
            return None
        await self._once()
        start = self._start
        lines = tuple({"t_s": round(at - start, 3), **series_values(found)} for at, found in self._looks)
        return ServerView(counted_between(self._before, self._looks[-1][1]), lines)

    async def stop(self) -> None:
        """No more looks."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})  # its own end is no news, a cancel of this one is
            self._task = None

    async def _go_on(self) -> None:
        while await self._once():
            await asyncio.sleep(min(self._gap_s, _FIRST_GAP_S) if len(self._looks) < _FIRST_LOOKS else self._gap_s)

    async def _once(self) -> bool:
        at = time.monotonic()
        found = await asyncio.to_thread(self._look)
        if found is not None:
            self._looks.append((at, found))
        return found is not None or bool(self._looks)


def cache_warnings(workload: Workload, metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """Prompts are drawn anew for every point: what the prefix cache answers of them was not asked for."""
    share = cached_share(metrics)
    wanted = workload.prefix_share or workload.turns > 1 or workload.dataset is not None
    return (PROMPTS_CACHED,) if share is not None and share > _TOLERATED_CACHED_SHARE and not wanted else ()


def failure_warnings(measurement: Measurement) -> tuple[str, ...]:
    """A point of which too much failed is marked."""
    return () if measurement.is_sound else ("many_failures",)
