"""A stand-in for the load generator: keeps a journal, notices by itself whether it is alone on its server, and on
demand behaves badly. ``python -m tests.live.standin_child TASK.json``.

The served name says how: ``stubborn`` has a child in a session of its own that ignores SIGTERM and the death of
everybody; ``held`` does not end its second point before there is a file ``release`` under STANDIN_JOURNAL. The server's
folder there holds one file per living process; the kernel's word on who is alive, not the lock under test, decides
whether two overlap."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.adapters.process_marks import birth_mark, is_alive
from core.formats.loadgen import measurement_to_json
from core.loadgen.task import LoadTask
from tests.fakes import samples

BAD_CHILD = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)
"""


def main() -> None:
    task = LoadTask.from_json(Path(sys.argv[1]).read_text())
    journal = Journal(Path(os.environ["STANDIN_JOURNAL"]), urlsplit(task.base_url).port or 0)
    step_s = float(os.environ.get("STANDIN_STEP_S", "0.3"))
    journal.enter(os.getpid())
    point = {"run": Path(task.out_dir).parent.name, "point": task.point.index, "repeat": task.repeat}
    journal.write("begin", **point)
    if "stubborn" in task.served_name:
        inherited = [int(path.name) for path in Path("/proc/self/fd").iterdir() if int(path.name) > 2]
        kept = [fd for fd in inherited if _is_open(fd)]
        own = subprocess.Popen([sys.executable, "-c", BAD_CHILD], start_new_session=True, pass_fds=kept)
        journal.enter(own.pid)
    emit("started", total=10, duration_s=None)
    for done in range(1, 11):
        time.sleep(step_s / 10)
        emit("progress", done=done, total=10, failed=0, elapsed_s=step_s * done / 10, eta_s=0.0, in_flight=1)
    while "held" in task.served_name and task.point.index == 1 and not journal.released():
        time.sleep(0.02)
    leave_files(task)
    journal.write("end", **point)
    emit("done")


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def emit(event: str, **values: Any) -> None:
    print(json.dumps({"event": event, **values}), flush=True)


def leave_files(task: LoadTask) -> None:
    """Both name their maker, so that a test can tell whether they belong together."""
    out_dir = Path(task.out_dir)
    with gzip.open(out_dir / "requests.jsonl.gz", "wt") as file:
        file.write(json.dumps({"index": 0, "process": os.getpid()}) + "\n")
    found = samples.measurement(task.point.index, task.repeat)
    found = replace(found, tool_version=str(os.getpid()), concurrency=task.point.concurrency)
    (out_dir / "measurement.json").write_text(measurement_to_json(found))


class Journal:
    """One line per event in ``journal.jsonl``; one file per process in the server's folder."""

    def __init__(self, folder: Path, server: int) -> None:
        self._file = folder / "journal.jsonl"
        self._release = folder / "release"
        self._server = server
        self._present = folder / str(server)
        self._present.mkdir(parents=True, exist_ok=True)

    def enter(self, pid: int) -> None:
        """Writes down everybody else who is alive on this server and no relative."""
        others = [path.name for path in self._present.iterdir() if is_alive(path.name)]
        strangers = [name for name in others if (self._present / name).read_text() != str(os.getpid())]
        if strangers:
            self.write("overlap", others=strangers)
        (self._present / birth_mark(pid)).write_text(str(os.getpid()))

    def released(self) -> bool:
        """Whether the test lets go of who is held."""
        return self._release.exists()

    def write(self, event: str, **values: Any) -> None:
        line = json.dumps({"event": event, "server": self._server, "pid": os.getpid(), "at": time.time(), **values})
        with self._file.open("a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
