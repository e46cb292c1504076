"""The progress of a dataset, as its answers come in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from core.domain.job import Progress
from core.jobs.evaluation_runner import DatasetStep
from core.jobs.outcomes import tell
from core.ports import Clock, JobStore

_GAP_S = 0.25
_COUNTS = ("failed", "truncated", "overflow", "score")


class Watch:
    """Writes the latest word, a few times a second at most. What came from the cache is no speed."""

    def __init__(self, jobs: JobStore, clock: Clock, found: DatasetStep) -> None:
        self._jobs = jobs
        self._clock = clock
        self._found = found
        self._last = 0.0
        self._began: float | None = None
        self._cached = 0
        self._total: int | None = found.planned.requests

    async def event(self, event: Mapping[str, Any]) -> None:
        """One event of the child."""
        now = time.monotonic()
        if event["event"] == "started":
            self._began, self._cached, self._total = now, int(event["done"]), int(event["total"])
        done = int(event.get("done") or 0) + int(event.get("failed") or 0)
        if event["event"] == "progress" and now - self._last < _GAP_S and done != self._total:
            return
        self._last = now
        await asyncio.to_thread(self._save, self._progress(event, done, now))

    async def word(self, label: str) -> None:
        """Before the child tells anything."""
        await asyncio.to_thread(self._save, self._blank(label, self._found.step))

    def done(self) -> None:
        """The step is over. Blocking."""
        self._save(self._blank("measured", self._found.step + 1))

    def _progress(self, event: Mapping[str, Any], done: int, now: float) -> Progress:
        elapsed_s = now - self._began if self._began is not None else 0.0
        rate = (done - self._cached) / elapsed_s if elapsed_s > 0 and done > self._cached else None
        left = None if self._total is None else max(0, self._total - done)
        tokens = int(event.get("output_tokens") or 0)
        told = {name: event[name] for name in _COUNTS if event.get(name) is not None}
        speed = {"output_tokens_per_s": tokens / elapsed_s} if elapsed_s > 0 and tokens else {}
        return Progress(
            step=self._found.step,
            label="dataset" if "score" in told and speed else "dataset_begins",
            done=done,
            total=self._total,
            unit="samples",
            rate_per_s=rate,
            eta_s=None if rate is None or left is None else left / rate,
            updated_at=self._clock.now(),
            detail={"dataset": self._found.planned.choice.key, "elapsed_s": elapsed_s, **told, **speed},
        )

    def _blank(self, label: str, step: int) -> Progress:
        detail = {"dataset": self._found.planned.choice.key}
        return Progress(step, label, 0, self._total, "samples", None, None, self._clock.now(), detail)

    def _save(self, progress: Progress) -> None:
        tell(self._jobs, self._found.job.id, progress)
