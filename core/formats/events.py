"""What our own child processes tell on stdout: one JSON object a line, with the word ``event``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from core.errors import OutputNotUnderstood


def parse_event(line: str, tool: str) -> Mapping[str, Any]:
    """One line of the child ``tool``. Raises OutputNotUnderstood (tool, detail, line)."""
    try:
        event = json.loads(line)
    except ValueError as error:
        raise OutputNotUnderstood(tool=tool, detail=str(error), line=line[:200]) from error
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        raise OutputNotUnderstood(tool=tool, detail="not an event", line=line[:200])
    return event
