"""ToolRunner without processes: scripted lines per call, and whoever a test says holds a server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

Script = Callable[[Sequence[str], Mapping[str, str]], Sequence[str]]


class FakeToolRunner:
    """``script`` gets argv and env, does what the child would do to files, and returns its stdout lines."""

    def __init__(self, script: Script = lambda argv, env: ()) -> None:
        self.script = script
        self.calls: list[Sequence[str]] = []
        self.holders: dict[str, str] = {}
        self.closed_early = 0

    async def run(
        self,
        argv: Sequence[str],
        *,
        server_key: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        job_id: str = "",
    ) -> AsyncGenerator[str, None]:
        self.calls.append(argv)
        self.holders[server_key] = job_id
        finished = False
        try:
            for line in self.script(argv, env or {}):
                yield line
            finished = True
        finally:
            del self.holders[server_key]
            self.closed_early += not finished

    @asynccontextmanager
    async def hold(self, server_key: str, *, job_id: str = "") -> AsyncIterator[None]:
        self.holders[server_key] = job_id
        try:
            yield
        finally:
            del self.holders[server_key]

    def is_held(self, server_key: str) -> bool:
        return server_key in self.holders

    def holder(self, server_key: str) -> str | None:
        return self.holders.get(server_key)
