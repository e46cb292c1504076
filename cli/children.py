"""Processes that ``seatrial up`` starts, watches, starts again and ends."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ToolFailed

_LOG_LIMIT = 10 * 1024 * 1024
_SHORT_LIFE_S = 10.0
_SHORT_LIVES = 3
_PR_SET_PDEATHSIG = 1


class Found:
    """A process that somebody else started, watched and ended by a descriptor: its number cannot be taken over by
    another process meanwhile. The part of Popen that Child needs."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError where it is gone."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it runs, then 0: its exit code is told to its parent only."""
        return 0 if select.select([self._fd], [], [], 0)[0] else None

    def terminate(self) -> None:
        """SIGTERM."""
        signal.pidfd_send_signal(self._fd, signal.SIGTERM)

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if not select.select([self._fd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("", timeout or 0.0)
        return 0


@dataclass
class Child:
    """One process in its own session, so that the terminal's Ctrl-C reaches only the parent, once. Its output goes to
    ``log``: a closed terminal cannot break it. ``dies_with_us``: it also ends when the parent is killed outright.
    ``final``: exit codes after which it is not started again."""

    name: str
    argv: Sequence[str]
    log: Path
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    dies_with_us: bool = False
    final: frozenset[int] = frozenset()
    process: subprocess.Popen[bytes] | Found | None = None
    _began: float = 0.0
    _begins_at: int = 0
    _short_lives: int = 0

    def start(self) -> None:
        """Appends to its log; a long log is put aside first."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".old.log"))
        with self.log.open("ab") as output:
            self._begins_at = output.tell()
            self.process = subprocess.Popen(
                self.argv,
                cwd=self.cwd,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if self.dies_with_us and sys.platform == "linux" else None,
            )
        self._began = time.monotonic()

    def adopt(self, pid: int) -> bool:
        """Takes over a process that is already there instead of starting one; False where it is gone."""
        try:
            self.process = Found(pid)
        except ProcessLookupError:
            return False
        self._began = time.monotonic()
        return True

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll() if self.process else None

    @property
    def is_ours(self) -> bool:
        """Whether we started it: only then are we told how it ended."""
        return not isinstance(self.process, Found)

    def revive(self) -> bool:
        """Starts it again where it has ended; whether it did. Raises ToolFailed where it ends as soon as it starts, or
        with a final code; not where it is killed (kill -9), however often: that is no failing of its own."""
        code = self.exit_code
        if code is None:
            return False
        long_life = time.monotonic() - self._began >= _SHORT_LIFE_S
        self._short_lives = count = 0 if long_life else self._short_lives + (code != -signal.SIGKILL)
        if code in self.final or count >= _SHORT_LIVES:
            raise ToolFailed("child_gave_up", child=self.name, count=count, exit_code=code, **self._said())
        self.start()
        return True

    def last_words(self, lines: int = 12) -> str:
        """The end of its log, since it was last started."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(max(self._begins_at, self.log.stat().st_size - 8_192))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])

    def _said(self) -> dict[str, str]:
        return {"log": str(self.log), "detail": self.last_words()}

    def ask_to_end(self) -> None:
        """SIGTERM."""
        if self.process and self.process.poll() is None:
            self.process.terminate()

    def end_by(self, deadline: float) -> None:
        """Waits until ``deadline`` (monotonic seconds), then kills its whole group."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def end_all(children: Sequence[Child], grace_s: float = 8.0) -> None:
    """Asks each in order, then waits for all with one deadline."""
    for child in children:
        child.ask_to_end()
    deadline = time.monotonic() + grace_s
    for child in children:
        child.end_by(deadline)


def _end_with_parent() -> None:
    """Linux: the kernel sends SIGTERM when the parent dies. Runs between fork and exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
