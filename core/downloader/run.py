"""The three actions of a downloading child."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from core.domain.weights import RemoteFile, is_safe_path, remaining_bytes
from core.downloader.hubs import Hub, disk_errors, partial_path
from core.downloader.progress import Reporter
from core.downloader.task import DownloadTask
from core.downloader.verify import Verified, is_sound
from core.errors import HubFailed

Emit = Callable[..., None]
_TRIES = 8
"""In a row without a single new byte; every byte begins the count anew."""
_WAIT_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
_ROOM_LEFT_BYTES = 256 * 1024 * 1024
_SKIPPED = (".gitattributes", ".gitignore")


def list_files(task: DownloadTask, hub: Hub, emit: Emit) -> None:
    """Asks the hub what there is."""
    found, commit = hub.files()
    wanted = tuple(file for file in found if file.path not in _SKIPPED and _wanted(file, task.patterns))
    if not wanted:
        raise HubFailed("hub_empty", repo=task.repo, endpoint=task.endpoint)
    for file in wanted:
        if not is_safe_path(file.path):
            raise HubFailed("hub_path_unsafe", repo=task.repo, endpoint=task.endpoint, path=file.path)
    emit("listed", files=[asdict(file) for file in wanted], commit=commit)


def _wanted(file: RemoteFile, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(file.path, pattern) for pattern in patterns)


def present_bytes(files: Sequence[RemoteFile], folder: Path) -> Mapping[str, int]:
    """How much of each file is there: whole, or partial under its other name."""
    return {file.path: _size(folder / file.path) or _size(partial_path(folder / file.path)) for file in files}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def fetch_files(task: DownloadTask, hub: Hub, emit: Emit, free_bytes: Callable[[Path], int]) -> None:
    """What is not there yet, several files at once, the largest first. Raises HubFailed download_no_room before a byte
    is written."""
    folder = Path(task.folder)
    with disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
        needed = remaining_bytes(task.files, present_bytes(task.files, folder))
        free = free_bytes(folder)
    if needed and needed + _ROOM_LEFT_BYTES > free:
        needed_gib, free_gib = round(needed / 1024**3, 1), round(free / 1024**3, 1)
        raise HubFailed("download_no_room", repo=task.repo, path=task.folder, needed_gib=needed_gib, free_gib=free_gib)
    todo = [file for file in task.files if _size(folder / file.path) != file.size_bytes or not _is_file(folder, file)]
    todo.sort(key=lambda file: file.size_bytes, reverse=True)
    with Reporter(emit, task.files, lambda: present_bytes(task.files, folder)):
        _all_at_once(todo, task.workers, lambda file, stop: _fetch(file, folder, hub, task, stop))


def _is_file(folder: Path, file: RemoteFile) -> bool:
    return (folder / file.path).is_file()


def _all_at_once(files: Sequence[RemoteFile], workers: int, work: Callable[[RemoteFile, threading.Event], Any]) -> None:
    """The first error ends the others where they are; their bytes stay."""
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=max(workers, 1)) as pool:
        futures = [pool.submit(work, file, stop) for file in files]
        done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
        failed = next((future for future in done if future.exception() is not None), None)
        if failed is not None:
            stop.set()
            for future in waiting:
                future.cancel()
            # The others sit in a read of the library; the parent ends this process as soon as it has said why.
            pool.shutdown(wait=False, cancel_futures=True)
            failed.result()


def _fetch(file: RemoteFile, folder: Path, hub: Hub, task: DownloadTask, stop: threading.Event) -> None:
    target = folder / file.path
    with disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_file():  # of another size than the hub's: an older version, or cut off
            target.replace(partial_path(target)) if _size(target) < file.size_bytes else target.unlink()
    tries, had = 0, _size(partial_path(target))
    while not stop.is_set():
        try:
            with disk_errors():
                hub.fetch(file, folder)
            return
        except hub.errors as error:
            have = _size(partial_path(target))
            tries, had = (0, have) if have > had else (tries + 1, had)
            if not hub.is_transient(error) or tries >= _TRIES:
                detail = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                raise HubFailed(
                    "download_file_failed", repo=task.repo, endpoint=task.endpoint, file=file.path, detail=detail
                ) from error
            stop.wait(_WAIT_S[min(tries, len(_WAIT_S) - 1)])


def verify_files(task: DownloadTask, emit: Emit) -> None:
    """Every file against its hash. A damaged one is removed, so that the next try fetches it again. Raises HubFailed
    download_damaged."""
    folder, verified = Path(task.folder), Verified(task.verified)
    counted = _Counter({file.path: file.size_bytes for file in task.files if verified.has(file, folder)})
    damaged: list[str] = []

    def verify(file: RemoteFile, stop: threading.Event) -> None:
        if verified.has(file, folder):
            return
        if is_sound(file, folder, lambda count: counted.add(file.path, count)):
            verified.add(file, folder)
        else:
            (folder / file.path).unlink(missing_ok=True)
            damaged.append(file.path)

    with disk_errors(), Reporter(emit, task.files, counted.now):
        _all_at_once(task.files, 2, verify)
    if damaged:
        raise HubFailed("download_damaged", repo=task.repo, file=sorted(damaged)[0], count=len(damaged))


class _Counter:
    """Bytes by file, from several threads."""

    def __init__(self, begun: Mapping[str, int]) -> None:
        self._lock = threading.Lock()
        self._counts = dict(begun)

    def add(self, path: str, count: int) -> None:
        with self._lock:
            self._counts[path] = self._counts.get(path, 0) + count

    def now(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts)
