"""The scripts of a marked command. They need sh and /proc, not Docker, so they run here as they do in a container."""

from __future__ import annotations

import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import rmtree

import pytest

from core.adapters.docker_exec import VARIABLE, kill_argv, parse_read, read_argv, start_argv
from core.errors import OutputNotUnderstood
from tests.waiting import wait_for


@pytest.fixture
def mark() -> Iterator[str]:
    mark = uuid.uuid4().hex
    yield mark
    subprocess.run(kill_argv(mark), check=False, timeout=10)
    rmtree(Path("/tmp/seatrial-exec") / mark, ignore_errors=True)


def start(mark: str, script: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(start_argv(mark, ("sh", "-c", script)), env={**os.environ, VARIABLE: mark})


def read(mark: str, offset: int = 0) -> tuple[bytes, int | None]:
    return parse_read(subprocess.run(read_argv(mark, offset), capture_output=True, check=True).stdout)


def alive(mark: str) -> list[Path]:
    def bears(path: Path) -> bool:
        try:
            return f"{VARIABLE}={mark}".encode() in path.read_bytes().split(b"\0")
        except OSError:
            return False

    return [path for path in Path("/proc").glob("[0-9]*/environ") if bears(path)]


def test_output_and_exit_code_are_read_to_the_end(mark: str) -> None:
    start(mark, "echo out; echo err >&2; printf last; exit 7").wait(10)
    assert read(mark) == (b"out\nerr\nlast", 7)
    assert read(mark, 8) == (b"last", 7)


def test_a_running_command_has_no_code(mark: str) -> None:
    with start(mark, "echo begun; exec sleep 60"):
        wait_for(lambda: read(mark)[0] == b"begun\n")
        assert read(mark, 6) == (b"", None)
        subprocess.run(kill_argv(mark), check=True, timeout=10)


def test_a_large_output_comes_in_pieces_and_the_code_with_the_last(mark: str) -> None:
    start(mark, "head -c 2500000 /dev/zero | tr '\\0' x").wait(10)
    offset, codes = 0, []
    while not codes or codes[-1] is None:
        data, code = read(mark, offset)
        offset += len(data)
        codes.append(code)
    assert (offset, codes) == (2_500_000, [None, None, 0])


def test_the_second_start_does_nothing(mark: str) -> None:
    start(mark, "echo once").wait(10)
    start(mark, "echo twice").wait(10)
    assert read(mark) == (b"once\n", 0)


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 60",
        "trap '' TERM; sleep 60 & setsid sleep 60 & while :; do sleep 1; done",
        "while :; do setsid sleep 0.2 & sleep 0.01; done",
    ],
)
def test_a_kill_leaves_nobody(mark: str, script: str) -> None:
    with start(mark, f"echo begun; {script}"):
        wait_for(lambda: read(mark)[0] == b"begun\n")
        begun = time.monotonic()
        subprocess.run(kill_argv(mark), check=True, timeout=10)
        took_s = time.monotonic() - begun
    assert alive(mark) == []
    assert read(mark) == (b"begun\n", 137)
    assert took_s < 5, "the grace is 0.5 s; the rest is room for a busy machine"


def test_a_kill_spares_other_marks(mark: str) -> None:
    other = f"{mark}0"
    with start(other, "exec sleep 60") as process:
        wait_for(lambda: alive(other))
        subprocess.run(kill_argv(mark), check=True, timeout=10)
        assert process.poll() is None
        subprocess.run(kill_argv(other), check=True, timeout=10)
    rmtree(Path("/tmp/seatrial-exec") / other)


def test_a_command_that_vanished_without_a_code_counts_as_killed(mark: str) -> None:
    with start(mark, "echo begun; exec sleep 60"):
        wait_for(lambda: read(mark)[0] == b"begun\n")
        for path in alive(mark):
            os.kill(int(path.parts[2]), 9)
    wait_for(lambda: not alive(mark))
    assert read(mark) == (b"begun\n", 137)


@pytest.mark.parametrize("answer", [b"", b"0", b"0 5\nabc", b"OCI runtime exec failed"])
def test_an_answer_cut_short_is_not_taken_for_the_end(answer: bytes) -> None:
    with pytest.raises(OutputNotUnderstood):
        parse_read(answer)


def test_a_mark_is_one_argument(mark: str) -> None:
    argv: Sequence[str] = ("printf", "%s|", "a b", "$HOME", "'", "")
    subprocess.run(start_argv(mark, argv), env={**os.environ, VARIABLE: mark}, check=True)
    assert read(mark) == (b"a b|$HOME|'||", 0)
