"""``python -m core.downloader TASK.json``: exit 0 when it is done; 1 with a ``failed`` event; 2 for a task that cannot
be. What has come stays, whatever ends it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from core.domain.weights import WeightsSource
from core.downloader import TOOL
from core.downloader.hubs import Hub
from core.downloader.progress import emit
from core.downloader.run import fetch_files, list_files, verify_files
from core.downloader.task import TOKEN_VARIABLE, Action, DownloadTask
from core.errors import AppError, ToolFailed

BAD_TASK = 2


def main(arguments: list[str]) -> int:
    """Does what the file that is named asks."""
    try:
        task = DownloadTask.from_json(Path(arguments[0]).read_bytes())
    except (IndexError, OSError, ValueError, KeyError, TypeError) as error:
        _fail(ToolFailed(tool=TOOL, exit_code=BAD_TASK, detail=str(error)))
        return BAD_TASK
    try:
        _do(task)
    except AppError as error:
        _fail(error)
        return 1
    emit("done")
    return 0


def _do(task: DownloadTask) -> None:
    if task.action is Action.VERIFY:
        verify_files(task, emit)
    elif task.action is Action.LIST:
        list_files(task, _hub(task), emit)
    else:
        fetch_files(task, _hub(task), emit, lambda folder: shutil.disk_usage(folder).free)


def _hub(task: DownloadTask) -> Hub:
    """Imports the one library that is needed."""
    token = os.environ.pop(TOKEN_VARIABLE, None) or None
    if task.source is WeightsSource.MODELSCOPE:
        from core.downloader.modelscope import ModelScopeHub

        return ModelScopeHub(task.repo, task.revision, task.endpoint, token)
    from core.downloader.huggingface import HuggingFaceHub

    return HuggingFaceHub(task.repo, task.revision, task.endpoint, token)


def _fail(error: AppError) -> None:
    emit("failed", code=error.code, params=error.params)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # a thread may sit in a read that nobody waits for any more
