"""``python -m core.loadgen TASK.json``: exit 0 when the point ended, failed requests included in its counts; 1 with a
``failed`` event when it could not begin or end; 2 for a task that cannot be."""

from __future__ import annotations

import errno
import signal
import sys
from pathlib import Path
from types import TracebackType

from core.errors import AppError, StoreError, ToolFailed
from core.loadgen import TOOL
from core.loadgen.progress import emit
from core.loadgen.run import MEASUREMENT_FILE, REQUESTS_FILE, run_point
from core.loadgen.task import LoadTask

BAD_TASK = 2


def main(arguments: list[str]) -> int:
    """Runs the task in the file that is named."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.excepthook = _unforeseen
    try:
        task = LoadTask.from_json(Path(arguments[0]).read_bytes())
    except (IndexError, OSError, ValueError) as error:
        _fail(ToolFailed(tool=TOOL, exit_code=BAD_TASK, detail=str(error) or "no task file was named"))
        return BAD_TASK
    try:
        measurement = run_point(task)
    except AppError as error:
        _fail(error)
        return 1
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        detail = str(error)
        _fail(StoreError("disk_full", detail=detail) if is_full else ToolFailed(tool=TOOL, exit_code=1, detail=detail))
        return 1
    emit(
        "done",
        measurement=MEASUREMENT_FILE,
        requests=REQUESTS_FILE,
        succeeded=measurement.requests.succeeded,
        failed=measurement.requests.failed,
        failures=dict(measurement.requests.failures),
        duration_s=round(measurement.duration_s, 3),
    )
    return 0


def _fail(error: AppError) -> None:
    emit("failed", code=error.code, params=error.params)


def _unforeseen(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.__excepthook__(kind, error, trace)
    _fail(ToolFailed(tool=TOOL, exit_code=1, detail=f"{kind.__name__}: {error}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
