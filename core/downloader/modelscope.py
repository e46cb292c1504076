"""ModelScope, by its own library: it goes on in the middle of a file, and holds every file against its SHA-256."""

from __future__ import annotations

import os
from pathlib import Path

# Read when the library is imported. One stream a file, several files at once: only a stream goes on after a crash.
os.environ |= {
    "MODELSCOPE_DOWNLOAD_PARALLEL_WORKERS": "1",
    "MODELSCOPE_DOWNLOAD_FILE_LOCK": "false",  # the job holds the folder's lock
    "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "false",  # it would ask a cloud's metadata server first
    "MODELSCOPE_DOWNLOAD_TOTAL_TIMEOUT": "604800",  # an hour, its own, is little for 5 GB on a thin line
    "TQDM_DISABLE": "1",
}

import requests
from modelscope_hub import HubApi
from modelscope_hub.errors import (
    AuthenticationError,
    FileIntegrityError,
    HubError,
    NotExistError,
    PermissionDeniedError,
)

from core.domain.weights import RemoteFile
from core.errors import HubFailed


class ModelScopeHub:
    """Fulfils Hub."""

    errors: tuple[type[Exception], ...] = (HubError, requests.RequestException, OSError)

    def __init__(self, repo: str, revision: str, endpoint: str, token: str | None) -> None:
        self._repo, self._revision, self._endpoint = repo, revision or "master", endpoint
        self._api = HubApi(token=token, endpoint=endpoint)

    def files(self) -> tuple[tuple[RemoteFile, ...], str | None]:
        try:
            listed = self._api.list_repo_files(self._repo, "model", revision=self._revision)
        except (HubError, requests.RequestException) as error:
            raise self._refusal(error) from error
        found = (one for one in listed if not one.is_dir)
        return tuple(RemoteFile(one.path, one.size, one.sha256 or None) for one in found), None

    def fetch(self, file: RemoteFile, folder: Path) -> None:
        self._api.download_file(
            self._repo,
            "model",
            file.path,
            revision=self._revision,
            local_dir=folder,
            expected_sha256=file.sha256,
            file_size=file.size_bytes,
        )

    def is_transient(self, error: BaseException) -> bool:
        if isinstance(error, FileIntegrityError | NotExistError | AuthenticationError | PermissionDeniedError):
            return False
        if isinstance(error, HubError):
            return bool(error.retryable)
        return isinstance(error, requests.RequestException)

    def _refusal(self, error: Exception) -> HubFailed:
        params = {"repo": self._repo, "endpoint": self._endpoint, "detail": " ".join(str(error).split())[:300]}
        if isinstance(error, AuthenticationError | PermissionDeniedError):
            return HubFailed("hub_denied", **params)
        if isinstance(error, NotExistError):
            return HubFailed("hub_not_found", **params)
        return HubFailed("hub_unreachable", **params)
