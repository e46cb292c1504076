"""Hugging Face, or a mirror of it, by its own library's HTTP reader, which goes on where a connection broke.

``hf_hub_download`` of this version throws away what a killed process had fetched (its temporary name is unique to the
process), so its reader is given our own partial file and the place to go on from.
"""

from __future__ import annotations

import os
from pathlib import Path

# Read when the library is imported.
os.environ |= {
    "HF_HUB_DISABLE_XET": "1",  # mirrors speak plain HTTP, and only that goes on in the middle of a file
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}

import httpx
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from core.domain.weights import RemoteFile
from core.downloader.hubs import partial_path
from core.errors import HubFailed

constants.DOWNLOAD_CHUNK_SIZE = 256 * 1024
"""The library's 10 MiB are kept in memory until they are whole: lost at each break, and a progress in leaps."""
_DENIED = frozenset({401, 403})
_TRY_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class HuggingFaceHub:
    """Fulfils Hub."""

    errors: tuple[type[Exception], ...] = (httpx.HTTPError, HfHubHTTPError, OSError, ValueError)

    def __init__(self, repo: str, revision: str, endpoint: str, token: str | None) -> None:
        self._repo, self._revision = repo, revision or "main"
        self._endpoint, self._token = endpoint, token

    def files(self) -> tuple[tuple[RemoteFile, ...], str | None]:
        api = HfApi(endpoint=self._endpoint, token=self._token or False)
        try:
            info = api.model_info(self._repo, revision=self._revision, files_metadata=True)
        except (GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError, HfHubHTTPError) as error:
            raise self._refusal(error) from error
        found = tuple(
            RemoteFile(one.rfilename, int(one.size or 0), one.lfs.sha256 if one.lfs else None, one.blob_id)
            for one in info.siblings or ()
        )
        return found, info.sha

    def fetch(self, file: RemoteFile, folder: Path) -> None:
        target = folder / file.path
        partial = partial_path(target)
        if file.size_bytes > constants.MAX_HTTP_DOWNLOAD_SIZE:
            raise HubFailed("download_too_large", repo=self._repo, file=file.path)
        url = hf_hub_url(self._repo, file.path, revision=self._revision, endpoint=self._endpoint)
        with partial.open("ab") as grown:
            have = grown.tell()
        if have > file.size_bytes:
            partial.unlink()
            have = 0
        with partial.open("r+b" if have else "wb") as grown:
            grown.seek(have)
            http_get(
                url,
                grown,
                resume_size=have,
                headers=build_hf_headers(token=self._token or False),
                expected_size=file.size_bytes,
            )
        partial.replace(target)

    def is_transient(self, error: BaseException) -> bool:
        if isinstance(error, HfHubHTTPError):
            return error.response is not None and error.response.status_code in _TRY_AGAIN
        if isinstance(error, OSError) and error.errno is not None:
            return False
        return isinstance(error, httpx.TransportError | OSError)  # the reader says "OSError" of a wrong length

    def _refusal(self, error: HfHubHTTPError) -> HubFailed:
        params = {"repo": self._repo, "endpoint": self._endpoint, "detail": " ".join(str(error).split())[:300]}
        status = error.response.status_code if error.response is not None else None
        if isinstance(error, GatedRepoError) or status in _DENIED:
            return HubFailed("hub_denied", **params)
        if isinstance(error, RevisionNotFoundError):
            return HubFailed("hub_revision_missing", revision=self._revision, **params)
        if isinstance(error, RepositoryNotFoundError) or status == 404:
            return HubFailed("hub_not_found", **params)
        return HubFailed("hub_unreachable", **params)
