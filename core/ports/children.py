"""Our own child processes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol


class ToolRunner(Protocol):
    """Runs our child processes: own process group, death with the worker, the server's lock in their hands."""

    def run(
        self,
        argv: Sequence[str],
        *,
        server_key: str,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        job_id: str = "",
    ) -> AsyncGenerator[str, None]:
        """Waits for the server's lock, starts the child, yields its stdout lines. Raises ToolMissing, and
        ToolFailed(exit_code, detail) when it ends badly. Closing the iterator or cancelling kills the whole process
        group (grace 0.5 s). ``job_id`` is who ``holder`` then names."""
        ...

    def hold(self, server_key: str, *, job_id: str = "") -> AbstractAsyncContextManager[None]:
        """Waits for the server's lock and holds it in this process, for work that no child of this machine does."""
        ...

    def is_held(self, server_key: str) -> bool:
        """Whether any child still holds the server's lock."""
        ...

    def holder(self, server_key: str) -> str | None:
        """The job whose processes hold the server's lock; None where nobody does."""
        ...
