"""Worker processes: forked, told when to start, and gone when this process is."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from core.errors import ToolFailed
from core.loadgen import TOOL
from core.loadgen.messages import Message, MessageReader, write_message
from core.loadgen.split import Share

START_DELAY_S = 0.005
"""Between the word to start and the start, so that every process has heard it."""

Barrier = Callable[[Message], float]
Work = Callable[[Share, Callable[[Message], None], Barrier], None]


@dataclass
class _Child:
    pid: int
    reader: MessageReader
    go_fd: int


def run_shares(shares: Sequence[Share], work: Work, receive: Callable[[Message], None]) -> float:
    """Does the work of a point: a single share in this process, several in one each. Returns the monotonic time of the
    start. Raises ToolFailed when a process dies, and the OSError that one of them met."""
    return _run_here(shares[0], work, receive) if len(shares) == 1 else _run_forked(shares, work, receive)


def _run_here(share: Share, work: Work, receive: Callable[[Message], None]) -> float:
    start = 0.0

    def barrier(ready: Message) -> float:
        nonlocal start
        receive(ready)
        start = monotonic()
        return start

    work(share, receive, barrier)
    return start


def _run_forked(shares: Sequence[Share], work: Work, receive: Callable[[Message], None]) -> float:
    alive_read, alive_write = os.pipe()
    children = [_fork(share, work, alive_read, alive_write) for share in shares]
    os.close(alive_read)
    waiting = len(children)
    start = 0.0
    for message in _messages(children):
        receive(message)
        waiting -= message["kind"] == "ready"
        if waiting == 0 and not start:
            start = monotonic() + START_DELAY_S
            for child in children:
                write_message(child.go_fd, {"start": start})
    for child in children:
        os.waitpid(child.pid, 0)
    os.close(alive_write)
    return start


def _messages(children: Sequence[_Child]) -> Iterator[Message]:
    """Every message of every child until each has given its result."""
    open_readers = {child.reader.fd: child for child in children}
    finished: set[int] = set()
    while open_readers:
        readable, _, _ = select.select(list(open_readers), (), ())
        for fd in readable:
            child = open_readers[fd]
            for message in child.reader.read():
                if message["kind"] == "error":
                    raise OSError(message["errno"], message["detail"])
                if message["kind"] == "result":
                    finished.add(child.pid)
                yield message
            if child.reader.closed:
                del open_readers[fd]
                if child.pid not in finished:
                    raise ToolFailed(tool=TOOL, exit_code=_exit_code(child.pid), detail="a worker process died")


def _exit_code(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _fork(share: Share, work: Work, alive_read: int, alive_write: int) -> _Child:
    results_read, results_write = os.pipe()
    go_read, go_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(alive_write)
        os.close(results_read)
        os.close(go_write)
        _die_with_parent(alive_read)
        _child(share, work, results_write, go_read)
    os.close(results_write)
    os.close(go_read)
    return _Child(pid, MessageReader(results_read), go_write)


def _child(share: Share, work: Work, results_fd: int, go_fd: int) -> NoReturn:
    def report(message: Message) -> None:
        write_message(results_fd, message)

    def barrier(ready: Message) -> float:
        report(ready)
        go = MessageReader(go_fd)
        while not go.closed:
            for message in go.read():
                return float(message["start"])
        os._exit(1)

    code = 1
    try:
        work(share, report, barrier)
        code = 0
    except OSError as failure:
        report({"kind": "error", "errno": failure.errno, "detail": failure.strerror or str(failure)})
    finally:
        kind, error, trace = sys.exc_info()
        if kind is not None and error is not None:
            sys.__excepthook__(kind, error, trace)
        os._exit(code)


def _die_with_parent(alive_fd: int) -> None:
    """The kernel ends this process when the last writer of the pipe is gone: SIGIO, whose default is to terminate
    (fcntl(2), O_ASYNC)."""
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(alive_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(alive_fd, fcntl.F_SETFL, fcntl.fcntl(alive_fd, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select((alive_fd,), (), (), 0)[0]:
        os._exit(1)
