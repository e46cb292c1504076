"""Weights on a host: folders that hold a model, and downloads that fill them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.finding import Finding
from core.domain.job import JobState, JobView

PARTIAL_SUFFIX = ".incomplete"
"""What a file is called until its last byte is there; both hubs' libraries use the same."""
REPO_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?/[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?")
"""``owner/name``, as both hubs have it."""


class WeightsSource(StrEnum):
    """Where weights come from; ``folder``: they were there, and a person told of them."""

    HUGGINGFACE = "huggingface"
    MODELSCOPE = "modelscope"
    FOLDER = "folder"


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository. ``sha256`` where the hub tells it, else ``git_sha1`` (of a blob, as Git makes it)."""

    path: str
    size_bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True)
class DownloadRequest:
    """``repo`` is ``owner/name``; ``folder`` the model's own, on the host. ``revision`` empty: the newest.
    ``endpoint`` empty: the configured one. ``patterns``: only files whose path matches one of these globs."""

    source: WeightsSource
    repo: str
    folder: str
    revision: str = ""
    endpoint: str = ""
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class DownloadPlan:
    """``expected_bytes``: the catalog's figure, None where it has none; the exact one is asked for first of all, and
    held against the free room again. ``there_bytes``: what lies in the folder already."""

    request: DownloadRequest
    findings: tuple[Finding, ...]
    command: tuple[str, ...]
    expected_bytes: int | None
    there_bytes: int
    free_bytes: int | None


@dataclass(frozen=True)
class WeightsFolder:
    """A folder that Seatrial fills or was told of. ``files`` and ``commit`` are known once the hub was asked;
    ``verified_at``: when every file was last held against the hub's sizes and hashes."""

    id: str
    path: str
    source: WeightsSource
    created_at: datetime
    created_by: str
    repo: str = ""
    revision: str = ""
    endpoint: str = ""
    patterns: tuple[str, ...] = ()
    commit: str | None = None
    files: tuple[RemoteFile, ...] = ()
    job_id: str | None = None
    verified_at: datetime | None = None

    @property
    def total_bytes(self) -> int | None:
        """All files together; None before the hub was asked."""
        return sum(file.size_bytes for file in self.files) if self.files else None


class WeightsState(StrEnum):
    """Missing: the folder is not there any more. Unseen: it cannot be looked into from here."""

    WAITING = "waiting"
    DOWNLOADING = "downloading"
    PAUSING = "pausing"
    PAUSED = "paused"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PRESENT = "present"
    MISSING = "missing"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class WeightsView:
    """A folder as it is now. ``folder`` None: it lies under a folder of models, and nobody has told of it.
    ``present_bytes``: weights and other files together, partial ones too; None where it cannot be looked into."""

    path: str
    name: str
    state: WeightsState
    folder: WeightsFolder | None = None
    job: JobView | None = None
    present_bytes: int | None = None
    shards: int = 0
    free_bytes: int | None = None
    architecture: str | None = None
    quantization: str | None = None
    profile: str | None = None
    """The catalog's first profile for this model, where it is known and this host has devices for it."""


@dataclass(frozen=True)
class FileView:
    """One file of a download: how much of it is there."""

    path: str
    size_bytes: int
    present_bytes: int

    @property
    def is_whole(self) -> bool:
        """Whether its last byte is there."""
        return self.present_bytes >= self.size_bytes


_BY_JOB: Mapping[JobState, WeightsState] = {
    JobState.QUEUED: WeightsState.WAITING,
    JobState.RUNNING: WeightsState.DOWNLOADING,
    JobState.CANCELLING: WeightsState.PAUSING,
    JobState.CANCELLED: WeightsState.PAUSED,
    JobState.FAILED: WeightsState.FAILED,
    JobState.INTERRUPTED: WeightsState.INTERRUPTED,
}


def weights_state(job: JobView | None, *, seen: bool, there: bool) -> WeightsState:
    """A cancelled download is a paused one: what has come stays, and it can go on."""
    if job is not None and job.state is not JobState.DONE:
        return _BY_JOB[job.state]
    if not seen:
        return WeightsState.UNSEEN
    return WeightsState.PRESENT if there else WeightsState.MISSING


def remaining_bytes(files: Sequence[RemoteFile], present: Mapping[str, int]) -> int:
    """What is yet to come. A file that is longer than it should be comes anew."""
    return sum(
        file.size_bytes if (have := present.get(file.path, 0)) > file.size_bytes else file.size_bytes - have
        for file in files
    )


def is_safe_path(path: str) -> bool:
    """Whether a file of a repository stays below the folder that it is written to."""
    parts = path.split("/")
    return bool(path) and not path.startswith("/") and "\\" not in path and not {"..", ".", ""} & set(parts)
