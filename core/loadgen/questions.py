"""Small questions to a server before a measurement: what it refuses, and how it counts tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import cycle
from typing import Any

from core.domain.endpoint import server_root
from core.loadgen.target import Target
from core.loadgen.task import LoadTask

_ASK_TIMEOUT_S = 30.0
_ROLES = ("user", "assistant")


class Questions:
    """One connection for each, outside of any measurement. What cannot be answered is None, or False."""

    def __init__(self, task: LoadTask, target: Target) -> None:
        self._task = task
        self._target = target
        self._has_tokenize = True

    def refuses_token(self, token_id: int) -> bool:
        """Whether a prompt of this id is refused as out of the vocabulary."""
        body = {"model": self._task.served_name, "prompt": [token_id], "max_tokens": 1, "temperature": 0}
        status, answer = self._ask(f"{self._target.path}/completions", body)
        return status == 400 and "vocab" in json.dumps(answer).lower()

    def count(self, texts: Sequence[str]) -> int | None:
        """Tokens of a chat of these messages, a user's and an answer by turns, its template included; None where the
        server does not tell."""
        messages = [{"role": role, "content": text} for role, text in zip(cycle(_ROLES), texts, strict=False)]
        body: dict[str, Any] = {"model": self._task.served_name, "messages": messages}
        if self._has_tokenize:
            _, answer = self._ask(f"{server_root(self._target.path)}/tokenize", body | {"add_generation_prompt": True})
            if isinstance(answer.get("count"), int):
                return int(answer["count"])
            self._has_tokenize = False
        _, answer = self._ask(f"{self._target.path}/chat/completions", body | {"max_tokens": 1, "temperature": 0})
        usage = answer.get("usage")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        return tokens if isinstance(tokens, int) else None

    def _ask(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        kind = HTTPSConnection if self._target.tls else HTTPConnection
        connection = kind(self._target.host, self._target.port, timeout=min(_ASK_TIMEOUT_S, self._task.timeout_s))
        headers = {"Content-Type": "application/json"}
        if self._target.key:
            headers["Authorization"] = f"Bearer {self._target.key}"
        try:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()
        return response.status, answer if isinstance(answer, dict) else {}
