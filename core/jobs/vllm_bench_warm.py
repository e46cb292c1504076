"""One warm ``vllm bench serve`` for all points of a sweep: every start of it takes ten seconds of processor time on the
machine that serves. Started detached like any other command; jobs go in as files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.adapters.database.failures import translated
from core.errors import EngineUnavailable, OutputNotUnderstood
from core.formats import vllm_bench_warm
from core.ports import ContainerEngine

PATIENCE_S = 120
"""The process inside the container ends by itself when no job came for so long."""
_FOLDER = "/tmp/seatrial-bench/warm"
_PUT = 'mkdir -p "${0%/*}" && printf %s "$1" >"$0.new" && mv "$0.new" "$0"'
_READ_FAILURES = 5
_TAIL = 2_000
_NOTHING = "nothing"
_SOURCE = Path(vllm_bench_warm.__file__)


class WarmUnavailable(Exception):
    """This image's benchmark cannot be kept warm: one call per point does it instead."""


@dataclass
class WarmBench:
    """One process in one container, known by its mark. ``tail`` is the last of what it printed."""

    engine: ContainerEngine
    container_id: str
    mark: str
    poll_s: float
    jobs: int = 0
    ready: bool = False
    offset: int = 0
    rest: bytes = b""
    tail: bytes = b""

    def start(self, env: Mapping[str, str]) -> None:
        """Raises EngineError, ContainerFailed, NotFoundError."""
        folder = f"{_FOLDER}/{self.mark}"
        argv = ("python3", "-u", "-c", _SOURCE.read_text(encoding="utf-8"), folder, str(PATIENCE_S))
        self.engine.exec_start(self.container_id, argv, self.mark, env)

    async def run(self, words: Sequence[str], keep: Sequence[Path]) -> AsyncGenerator[Mapping[str, Any], None]:
        """One job: ``started``, then ``progress`` events until it is done, at every look. ``words`` are those after
        ``vllm bench serve``; what is printed goes to the files in ``keep``. Raises WarmUnavailable where it does not
        come up or its job fails, and EngineUnavailable."""
        await self._come_up(keep)
        job, self.jobs = self.jobs, self.jobs + 1
        put = ("sh", "-c", _PUT, f"{_FOLDER}/{self.mark}/{job}.json", json.dumps(list(words)))
        await asyncio.to_thread(self.engine.exec, self.container_id, put)
        yield {"event": "started"}
        last: Mapping[str, Any] = {"event": "progress", "job": job, "done": 0}
        async with aclosing(self._events(keep)) as events:
            async for event in events:
                if event["event"] == _NOTHING:
                    yield last
                if event.get("job") != job:
                    continue
                if event["event"] == "done":
                    return
                if event["event"] == "failed":
                    raise WarmUnavailable(str(event.get("detail")))
                last = event
                yield event

    async def _come_up(self, keep: Sequence[Path]) -> None:
        if self.ready:
            return
        async with aclosing(self._events(keep)) as coming:
            async for event in coming:
                if event["event"] == "ready":
                    self.ready = True
                    return

    def end(self) -> None:
        """Every process of it; what lies in the container goes too."""
        self.engine.exec_kill(self.container_id, self.mark)
        self.engine.exec(self.container_id, ("rm", "-rf", f"{_FOLDER}/{self.mark}"))

    async def _events(self, keep: Sequence[Path]) -> AsyncGenerator[Mapping[str, Any], None]:
        """What it tells, as it comes; ``_NOTHING`` after a look at which it told nothing. A process that has ended is
        not available."""
        while True:
            data, code = await self._read()
            _append(keep, data)
            *lines, self.rest = (self.rest + data).split(b"\n")
            self.tail = (self.tail + data)[-_TAIL:]
            told = [event for line in lines if (event := _told(line))]
            for event in told:
                if event["event"] == "unavailable":
                    raise WarmUnavailable(str(event.get("detail")))
                yield event
            if code is not None:
                raise WarmUnavailable(self.tail.decode("utf-8", "replace"))
            if not told:
                yield {"event": _NOTHING}
            await asyncio.sleep(self.poll_s)

    async def _read(self) -> tuple[bytes, int | None]:
        """An engine that is away for a moment is waited for."""
        for attempt in range(_READ_FAILURES):
            try:
                read = self.engine.exec_read
                data, code = await asyncio.to_thread(read, self.container_id, self.mark, self.offset)
                self.offset += len(data)
                return data, code
            except (EngineUnavailable, OutputNotUnderstood):
                if attempt + 1 == _READ_FAILURES:
                    raise
                await asyncio.sleep(self.poll_s)
        raise AssertionError("the loop returns or raises")


def _told(line: bytes) -> Mapping[str, Any] | None:
    """The event in a line, None where the line is something else that was printed."""
    mark = vllm_bench_warm.MARK.encode()
    if not line.startswith(mark):
        return None
    try:
        event = json.loads(line[len(mark) :])
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def _append(files: Sequence[Path], data: bytes) -> None:
    with translated():
        for path in files if data else ():
            with path.open("ab") as file:
                file.write(data)
