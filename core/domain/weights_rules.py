"""What can be said of a download before it begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from core.domain.catalog import Catalog
from core.domain.finding import Finding, Severity
from core.domain.model import Model
from core.domain.weights import REPO_NAME, DownloadRequest, WeightsFolder, WeightsSource

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE
Params = dict[str, str | int | float | bool | None]
GIB = 1024**3
_LEAST_PARTS = 2


def repo_of(text: str) -> str:
    """``owner/name`` out of what a person has: that, or a link to the model's page on a hub or a mirror of one."""
    path = urlsplit(text.strip()).path if "://" in text else text.strip()
    parts = [part for part in path.split("/") if part]
    if "://" in text and parts[:1] == ["models"]:  # modelscope.cn/models/owner/name/...
        parts = parts[1:]
    return "/".join(parts[:2] if "://" in text else parts)


def tidy(request: DownloadRequest, root: str, endpoint: str) -> DownloadRequest:
    """Blanks gone, a link read, folder and endpoint filled in: ``root`` and the repository's own name."""
    repo = repo_of(request.repo)
    folder = request.folder.strip().rstrip("/")
    name = repo.rpartition("/")[2]
    return replace(
        request,
        repo=repo,
        folder=folder or (f"{root.rstrip('/')}/{name}" if name else ""),
        revision=request.revision.strip(),
        endpoint=request.endpoint.strip().rstrip("/") or endpoint,
        patterns=tuple(pattern.strip() for pattern in request.patterns if pattern.strip()),
    )


def request_findings(request: DownloadRequest) -> Iterator[Finding]:
    """Each value by itself. The request is a tidy one."""
    if not request.repo:
        yield Finding("repo_empty", BLOCK, "repo")
    elif not REPO_NAME.fullmatch(request.repo):
        yield Finding("repo_bad", BLOCK, "repo", {"repo": request.repo})
    parts = urlsplit(request.endpoint)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        yield Finding("hub_endpoint_bad", BLOCK, "endpoint", {"value": request.endpoint})
    yield from _folder(request.folder)


def _folder(folder: str) -> Iterator[Finding]:
    path = PurePosixPath(folder)
    if not folder:
        return
    if not path.is_absolute() or ".." in path.parts:
        yield Finding("folder_not_absolute", BLOCK, "folder", {"path": folder})
    elif ":" in folder:
        yield Finding("weights_colon", BLOCK, "folder", {"path": folder})
    elif len(path.parts) <= _LEAST_PARTS:
        yield Finding("weights_at_root", BLOCK, "folder", {"path": folder})


def room_findings(request: DownloadRequest, expected: int | None, there: int, free: int | None) -> Iterator[Finding]:
    """The catalog's size, less what is there, against the room. The hub's own figure is held against it again."""
    if free is None or expected is None or expected - there <= free:
        return
    needed_gib, free_gib = round((expected - there) / GIB), round(free / GIB)
    params: Params = {"needed_gib": needed_gib, "free_gib": free_gib, "path": request.folder}
    yield Finding("download_room_short", BLOCK, "folder", params)


def owner_findings(
    request: DownloadRequest, folders: Sequence[WeightsFolder], active: frozenset[str]
) -> Iterator[Finding]:
    """Who has the folder already; ``active``: jobs that are under way."""
    found = next((folder for folder in folders if folder.path == request.folder), None)
    if found is None:
        return
    if found.job_id in active:
        yield Finding("download_running", BLOCK, "folder", {"path": found.path, "repo": found.repo})
    elif found.source is not WeightsSource.FOLDER and found.repo != request.repo:
        yield Finding("folder_of_other", BLOCK, "folder", {"path": found.path, "repo": found.repo})
    elif found.source is not WeightsSource.FOLDER:
        yield Finding("download_again", NOTE, "folder", {"path": found.path})


def model_of(request: DownloadRequest, catalog: Catalog) -> Model | None:
    """The catalog's model of that repository."""
    key = request.repo.lower()
    for model in catalog.models.values():
        own = model.modelscope if request.source is WeightsSource.MODELSCOPE else model.huggingface
        if key and own and own.lower() == key:
            return model
    return None


def known_model(name: str, repo: str, catalog: Catalog) -> Model | None:
    """The catalog's model that a folder holds, by its repository, else by its own name."""
    wanted = {repo.rpartition("/")[2].lower(), name.lower()} - {""}
    return next((model for model in catalog.models.values() if model.key in wanted), None)
