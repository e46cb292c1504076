"""The ChatClient port over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from core.adapters.endpoint_transport import exchange, open_client, translated
from core.domain.chat import Piece
from core.errors import NotOpenAI, Rejected
from core.formats import openai_api, openai_chat

_CONNECT_TIMEOUT_S = 5.0
_SILENCE_S = 300.0
"""A large model may think long before its first token, and a busy one queues."""
_TOOLS_TIMEOUT_S = 30.0
_ERROR_LIMIT_BYTES = 65_536


class HttpChatClient:
    """Holds no state and no connection between calls."""

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> Iterator[Piece]:
        """See the port."""
        url = f"{base_url}/chat/completions"
        headers = {"authorization": f"Bearer {key}"} if key else {}
        timeout = httpx.Timeout(_SILENCE_S, connect=_CONNECT_TIMEOUT_S)
        try:
            with (
                open_client() as client,
                client.stream("POST", url, headers=headers, json=body, timeout=timeout) as got,
            ):
                if got.status_code != 200:
                    raise _refusal(url, got, bool(key))
                if not got.headers.get("content-type", "").startswith("text/event-stream"):
                    raise NotOpenAI(url=url, status=got.status_code, content_type=got.headers.get("content-type", "-"))
                for line in got.iter_lines():
                    piece = openai_chat.read_piece(line)
                    if piece is not None:
                        yield piece
        except openai_chat.StreamError as error:
            raise Rejected(url=url, status=200, detail=str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise translated(error, url, _SILENCE_S) from error

    def parses_tools(self, base_url: str, key: str | None, served_name: str) -> bool | None:
        """See the port."""
        url, body = f"{base_url}/chat/completions", openai_chat.tools_probe(served_name)
        with open_client() as client:
            answer = exchange(client, "POST", url, timeout_s=_TOOLS_TIMEOUT_S, key=key, body=body)
        if answer.status == 200:
            return True
        return False if openai_chat.refuses_tools(answer.status, answer.body) else None


def _refusal(url: str, got: httpx.Response, has_key: bool) -> Rejected:
    content = bytearray()
    for chunk in got.iter_bytes():
        content += chunk
        if len(content) > _ERROR_LIMIT_BYTES:
            break
    if got.status_code in {401, 403}:
        return Rejected("endpoint_key_refused" if has_key else "endpoint_key_missing", url=url)
    return Rejected(url=url, status=got.status_code, detail=openai_api.error_detail(bytes(content)))
