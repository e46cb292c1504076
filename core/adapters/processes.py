"""Child processes of ours: one process group each, the server's lock in their own hands, dead when their worker is."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import uuid
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from core.adapters.locks import FileLock, is_locked, lock_path, read_record
from core.adapters.process_marks import MARK, birth_mark, is_alive, kill_marked, marked
from core.errors import ToolFailed, ToolMissing

GRACE_S = 0.5
_LOCK_POLL_S = 0.05
_END_LIMIT_S = 5.0
_LINE_LIMIT_BYTES = 4 * 1024 * 1024
_DETAIL_BYTES = 2_000
_NOT_STARTED = 127
_WRAPPER = Path(__file__).with_name("child.py")
_SECRETS = frozenset({"SEATRIAL_SECRET_KEY"})


class LocalToolRunner:
    """The ToolRunner port on this machine. ``locks`` is the folder of the servers' lock files.

    The lock is taken here, inherited by the child and its children, and our own descriptor is closed: cancelling a job
    frees its place in the queue at once, and only the last process's death frees the server."""

    def __init__(self, locks: Path) -> None:
        self._locks = locks
        self._me = birth_mark(os.getpid())

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
        """Waits for the server's lock, starts the child, yields its stdout lines. Raises ToolMissing (tool) and
        ToolFailed (tool, exit_code, detail: the end of its stderr)."""
        mark = uuid.uuid4().hex
        lock = await self._take(server_key, job_id, mark)
        log.parent.mkdir(parents=True, exist_ok=True)
        try:
            with log.open("ab") as errors:
                began = errors.tell()
                process = await _start(argv, lock, errors.fileno(), _environment(env, mark), cwd)
        finally:
            lock.let_go()
        try:
            async for line in lines_of(process):
                yield line
            await _exited(process)
        finally:
            await to_the_end(_end(process, mark))
        _judge(argv, process, log, began)

    @asynccontextmanager
    async def hold(self, server_key: str, *, job_id: str = "") -> AsyncIterator[None]:
        """The server's lock in the worker's own hands, for work that no child of this machine does."""
        lock = await self._take(server_key, job_id, uuid.uuid4().hex)
        try:
            yield
        finally:
            lock.let_go()

    def is_held(self, server_key: str) -> bool:
        """Whether any process still holds the server's lock."""
        return is_locked(lock_path(self._locks, server_key))

    def holder(self, server_key: str) -> str | None:
        """The job whose processes hold the server's lock; None where nobody does."""
        path = lock_path(self._locks, server_key)
        return str(read_record(path).get("job", "")) if is_locked(path) else None

    async def _take(self, server_key: str, job_id: str, mark: str) -> FileLock:
        path = lock_path(self._locks, server_key)
        lock = FileLock(path)
        while not lock.take():
            self._end_orphans(path)
            await asyncio.sleep(_LOCK_POLL_S)
        lock.write({"server": server_key, "job": job_id, "mark": mark, "worker": self._me})
        return lock

    def _end_orphans(self, path: Path) -> None:
        """Ends what a dead worker left behind: nobody reads its figures any more."""
        record = read_record(path)
        mark, worker = record.get("mark"), record.get("worker")
        if isinstance(mark, str) and isinstance(worker, str) and not is_alive(worker):
            kill_marked(mark)


async def _start(argv: Sequence[str], lock: FileLock, errors: int, env: Mapping[str, str], cwd: Path | None) -> Process:
    if lock.fd is None:
        raise RuntimeError("a child is started under its server's lock")
    wrapper = [sys.executable, "-I", "-S", str(_WRAPPER), str(os.getpid())]
    return await asyncio.create_subprocess_exec(
        *wrapper,
        *argv,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=errors,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        pass_fds=(lock.fd,),
        limit=_LINE_LIMIT_BYTES,
    )


def _environment(env: Mapping[str, str] | None, mark: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in _SECRETS}
    return {**own, **(env or {}), MARK: mark}


async def lines_of(process: Process) -> AsyncIterator[str]:
    """What it writes to stdout, until that ends, or the child has ended and a grandchild keeps it open."""
    stdout = process.stdout
    while stdout is not None:
        try:
            async with asyncio.timeout(0.2):  # not wait_for(): with a line at hand, Python 3.11's forgets a cancel
                line = await stdout.readline()
        except TimeoutError:
            if process.returncode is not None:
                return
            continue
        if not line:
            return
        yield line.decode("utf-8", "replace").rstrip("\n")


async def _exited(process: Process) -> None:
    """Not ``process.wait()``: on some Python versions that also waits for everybody who inherited stdout."""
    while process.returncode is None:
        await asyncio.sleep(0.01)


async def _end(process: Process, mark: str) -> None:
    """Ends the group, and whoever left it; returns when the last one is dead. Cancelling it shortens the grace."""
    try:
        if process.returncode is None:
            _signal_group(process.pid, signal.SIGTERM)
            deadline = time.monotonic() + GRACE_S
            while time.monotonic() < deadline and (process.returncode is None or marked(mark)):
                await asyncio.sleep(0.02)
    finally:
        if process.returncode is None:
            _signal_group(process.pid, signal.SIGKILL)
        kill_marked(mark)
    deadline = time.monotonic() + _END_LIMIT_S
    while time.monotonic() < deadline and (kill_marked(mark) or process.returncode is None):
        await asyncio.sleep(0.01)


async def to_the_end(cleaning: Coroutine[None, None, None]) -> None:
    """Lets a clean-up finish although its caller is cancelled once more meanwhile; then lets that be known."""
    task, cancelled = asyncio.ensure_future(cleaning), False
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        raise asyncio.CancelledError
    await task


def _signal_group(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _judge(argv: Sequence[str], process: Process, log: Path, began: int) -> None:
    code = process.returncode
    if code == 0:
        return
    tool = _tool_name(argv)
    detail = _said(log, began)
    if code == _NOT_STARTED and detail.startswith(f"{argv[0]}: "):
        raise ToolMissing(tool=tool, detail=detail)
    raise ToolFailed(tool=tool, exit_code=code, detail=detail)


def _tool_name(argv: Sequence[str]) -> str:
    return argv[2] if argv[1:2] == ["-m"] and len(argv) > 2 else Path(argv[0]).name


def _said(log: Path, began: int) -> str:
    """The end of what the child wrote to stderr."""
    with log.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(began, end - _DETAIL_BYTES))
        return file.read().decode("utf-8", "replace").strip()
