"""What a downloading child is asked to do, as a JSON file; and what it says, as JSON lines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.domain.weights import RemoteFile, WeightsSource

TOKEN_VARIABLE = "SEATRIAL_HUB_TOKEN"
"""The hub's token travels here: it stands in no file and no argument."""


class Action(StrEnum):
    """The three steps of a download."""

    LIST = "list"
    FETCH = "fetch"
    VERIFY = "verify"


@dataclass(frozen=True)
class DownloadTask:
    """``revision`` is a branch or tag at first; once the hub was asked, the commit. ``verified`` is a file that keeps
    what was verified, so that a child that starts anew does not read it all again."""

    action: Action
    source: WeightsSource
    repo: str
    revision: str
    endpoint: str
    folder: str
    patterns: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()
    verified: str = ""
    workers: int = 4

    def to_json(self) -> str:
        """The task file's text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> DownloadTask:
        """Raises ValueError, KeyError, TypeError where it is no task."""
        values: dict[str, Any] = json.loads(text)
        values["action"], values["source"] = Action(values["action"]), WeightsSource(values["source"])
        values["patterns"] = tuple(values["patterns"])
        values["files"] = tuple(RemoteFile(**file) for file in values["files"])
        return cls(**values)
