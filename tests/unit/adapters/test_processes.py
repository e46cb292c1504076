"""Children: one at a time on a server, nothing left after a cancel, no orphan that outlives its worker for long."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.adapters.locks import FileLock, is_locked, lock_path, read_record
from core.adapters.process_marks import birth_mark, is_alive, kill_marked, marked
from core.adapters.processes import LocalToolRunner, lines_of
from core.errors import ToolFailed, ToolMissing
from tests.live.servers import alive, until

SERVER = "address:127.0.0.1:8000"
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
own_session = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, pass_fds=[%s])
print(os.getpid(), own_session.pid, flush=True)
time.sleep(60)
"""


def runner(tmp_path: Path) -> LocalToolRunner:
    return LocalToolRunner(tmp_path / "locks")


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


async def read(tools: LocalToolRunner, tmp_path: Path, code: str, server: str = SERVER, **options: object) -> list[str]:
    run = tools.run(python(code), server_key=server, log=tmp_path / "job.log", **options)  # type: ignore[arg-type]
    async with aclosing(run) as lines:
        return [line async for line in lines]


async def test_lines_come_as_they_are_written_and_stderr_goes_to_the_log(tmp_path: Path) -> None:
    code = "import sys; print('one'); print('zwei — 二'); sys.stderr.write('a word\\n')"
    assert await read(runner(tmp_path), tmp_path, code) == ["one", "zwei — 二"]
    assert (tmp_path / "job.log").read_text() == "a word\n"


async def test_a_key_is_handed_over_by_environment_and_our_own_secret_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEATRIAL_SECRET_KEY", "s")
    code = "import os; print(os.environ['KEY'], os.environ.get('SEATRIAL_SECRET_KEY'))"
    assert await read(runner(tmp_path), tmp_path, code, env={"KEY": "k"}) == ["k None"]


async def test_a_bad_end_names_tool_code_and_last_words(tmp_path: Path) -> None:
    (tmp_path / "job.log").write_text("from an earlier child\n")
    with pytest.raises(ToolFailed) as failed:
        await read(runner(tmp_path), tmp_path, "import sys; sys.exit('no such model')")
    assert failed.value.params == {"tool": Path(sys.executable).name, "exit_code": 1, "detail": "no such model"}


async def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as missing:
        async for _ in runner(tmp_path).run(["/no/such/tool"], server_key=SERVER, log=tmp_path / "job.log"):
            pass
    assert missing.value.params["tool"] == "tool"


async def test_two_on_one_server_take_turns_and_two_servers_do_not_wait(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    code = "import time; print(time.monotonic()); time.sleep(1.5); print(time.monotonic())"
    a, b, other = await asyncio.gather(
        read(tools, tmp_path, code), read(tools, tmp_path, code), read(tools, tmp_path, code, "address:127.0.0.1:9")
    )
    first, second = sorted([list(map(float, a)), list(map(float, b))])
    assert second[0] >= first[1]
    assert float(other[0]) < second[0]


async def test_the_holder_is_named_while_the_child_lives(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    assert tools.holder(SERVER) is None
    run = tools.run(
        python("import time; print(1, flush=True); time.sleep(0.2)"),
        server_key=SERVER,
        log=tmp_path / "log",
        job_id="job-7",
    )
    async with aclosing(run) as lines:
        await anext(lines)
        assert tools.holder(SERVER) == "job-7"
        assert tools.is_held(SERVER)
        assert not tools.is_held("address:127.0.0.1:9")
        await anext(lines, None)
    assert tools.holder(SERVER) is None


async def test_cancel_ends_a_child_that_ignores_sigterm_and_its_child_in_another_session(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        run = tools.run(python(STUBBORN % ""), server_key=SERVER, log=tmp_path / "job.log")
        async with aclosing(run) as lines:
            async for line in lines:
                first.set_result(line)

    task = asyncio.create_task(work())
    pids = [int(pid) for pid in (await first).split()]
    began = time.monotonic()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert 0.4 < time.monotonic() - began < 2
    assert not [pid for pid in pids if alive(pid)]
    assert not tools.is_held(SERVER)


async def test_a_second_cancel_still_leaves_nothing_alive(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    first: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def work() -> None:
        run = tools.run(python(STUBBORN % ""), server_key=SERVER, log=tmp_path / "job.log")
        async with aclosing(run) as lines:
            async for line in lines:
                first.set_result(line)

    task = asyncio.create_task(work())
    pids = [int(pid) for pid in (await first).split()]
    task.cancel()
    await asyncio.sleep(0.1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert not [pid for pid in pids if alive(pid)]


async def test_a_grandchild_that_keeps_stdout_open_does_not_hold_up_the_end(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    code = (
        "import subprocess, sys; print('done'); subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    )
    began = time.monotonic()
    assert await read(tools, tmp_path, code) == ["done"]
    assert time.monotonic() - began < 2
    assert not tools.is_held(SERVER)


def worker_that_runs(tmp_path: Path, code: str) -> subprocess.Popen[str]:
    """A process of its own with a runner in it, as the worker is."""
    program = f"""
import asyncio, sys
from pathlib import Path
from core.adapters.processes import LocalToolRunner
async def main():
    tools = LocalToolRunner(Path({str(tmp_path / "locks")!r}))
    argv = [sys.executable, "-c", {code!r}]
    async for line in tools.run(argv, server_key={SERVER!r}, log=Path({str(tmp_path / "log")!r}), job_id="job-1"):
        print(line, flush=True)
asyncio.run(main())
"""
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_a_child_dies_with_its_worker(tmp_path: Path) -> None:
    worker = worker_that_runs(tmp_path, "import os, time; print(os.getpid(), flush=True); time.sleep(60)")
    assert worker.stdout is not None
    child = int(worker.stdout.readline())
    worker.kill()
    worker.wait()
    until(lambda: not alive(child), 2, "the child to be dead")
    until(lambda: not is_locked(lock_path(tmp_path / "locks", SERVER)), 2, "the server to be free")


async def test_what_outlives_a_dead_worker_keeps_the_server_until_it_is_ended_by_the_next(tmp_path: Path) -> None:
    """The grandchild has its own session and no death signal, and holds the inherited lock."""
    locks = "*[int(fd) for fd in os.listdir('/proc/self/fd') if 'locks' in os.path.realpath('/proc/self/fd/' + fd)]"
    worker = worker_that_runs(tmp_path, STUBBORN % locks)
    assert worker.stdout is not None
    _, grandchild = (int(pid) for pid in worker.stdout.readline().split())
    worker.kill()
    worker.wait()
    tools = runner(tmp_path)
    assert alive(grandchild)
    assert tools.holder(SERVER) == "job-1"
    code = f"import os; print(os.path.exists('/proc/{grandchild}/fd/0'))"
    assert await read(tools, tmp_path, code) == ["False"], "it was dead before the next child began"


async def test_a_living_workers_child_is_waited_for_not_killed(tmp_path: Path) -> None:
    worker = worker_that_runs(tmp_path, "import time; print('up', flush=True); time.sleep(0.8); print('whole')")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "up\n"
    await read(runner(tmp_path), tmp_path, "print(1)")
    assert worker.communicate(timeout=5)[0] == "whole\n"


async def test_a_lock_held_by_hand_keeps_children_out(tmp_path: Path) -> None:
    tools = runner(tmp_path)
    async with tools.hold(SERVER, job_id="job-2"):
        assert tools.holder(SERVER) == "job-2"
        waiting = asyncio.create_task(read(tools, tmp_path, "print(1)"))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
    assert await waiting == ["1"]


def test_a_lock_is_exclusive_and_its_record_readable(tmp_path: Path) -> None:
    path = lock_path(tmp_path, "a/b:c")
    one, two = FileLock(path), FileLock(path)
    assert one.take()
    assert not two.take()
    one.write({"job": "job-1", "n": 1})
    assert read_record(path) == {"job": "job-1", "n": 1}
    one.write({"n": 2})
    assert read_record(path) == {"n": 2}
    one.let_go()
    assert not is_locked(path)
    with pytest.raises(RuntimeError):
        one.write({})


def test_a_mark_finds_every_bearer_and_a_birth_mark_is_not_fooled_by_a_used_again_id() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"SEATRIAL_TOOL": "m1"})
    until(lambda: marked("m1") == (child.pid,), 2, "it to be found")
    birth = birth_mark(child.pid)
    assert is_alive(birth)
    assert not is_alive(f"{os.getpid()}:{birth.partition(':')[2]}")
    assert kill_marked("m1") == 1
    until(lambda: not is_alive(birth), 2, "a zombie to count as dead")
    assert child.wait(2) == -signal.SIGKILL
    assert not is_alive(birth)
    assert not is_alive(birth_mark(child.pid))


async def test_a_cancel_is_not_forgotten_though_a_line_came_with_it() -> None:
    stdout = asyncio.StreamReader()
    process = SimpleNamespace(stdout=stdout, returncode=None)

    async def read() -> list[str]:
        return [line async for line in lines_of(process)]  # type: ignore[arg-type]

    reading = asyncio.create_task(read())
    for turn in range(3):
        await asyncio.sleep(0)
        if turn == 1:
            stdout.feed_data(b"at the very moment\n")
    reading.cancel()
    await asyncio.wait({reading}, timeout=2)
    assert reading.cancelled()
