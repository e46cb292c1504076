"""The ChatClient port over HTTP."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import httpx

from core.adapters.endpoint_transport import exchange, open_client, translated
from core.domain.chat import Piece
from core.errors import NotOpenAI, Rejected, Unreachable
from core.formats import openai_api, openai_chat

_CONNECT_TIMEOUT_S = 5.0
_SILENCE_S = 300.0
"""A large model may think long before its first token, and a busy one queues."""
_TOOLS_TIMEOUT_S = 30.0
_ERROR_LIMIT_BYTES = 65_536


class _Line:
    """The socket of one exchange. Whoever waits for its next byte is woken by ``cut``; closing it would not do that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.is_cut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's account of what it does: a new connection, and again once it is encrypted."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
            if self.is_cut:
                self.cut()

    def cut(self) -> None:
        """May be called by any thread, and again."""
        self.is_cut = True
        with self._lock, suppress(OSError):
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)


class HttpChatStream:
    """See the port."""

    def __init__(self, url: str, key: str | None, body: dict[str, Any]) -> None:
        self._url = url
        self._key = key
        self._body = body
        self._line = _Line()
        self._begun = False

    def hang_up(self) -> None:
        """See the port."""
        self._line.cut()

    def __iter__(self) -> Iterator[Piece]:
        """See the port."""
        if self._line.is_cut:
            return
        try:
            yield from self._pieces()
        except openai_chat.StreamError as error:
            raise Rejected(url=self._url, status=200, detail=str(error)) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if self._line.is_cut:
                return
            found = translated(error, self._url, _SILENCE_S)
            if self._begun and isinstance(found, Unreachable):
                found = Unreachable("chat_broke_off", url=self._url, detail=str(error))
            raise found from error

    def _pieces(self) -> Iterator[Piece]:
        headers = {"authorization": f"Bearer {self._key}"} if self._key else {}
        timeout = httpx.Timeout(_SILENCE_S, connect=_CONNECT_TIMEOUT_S)
        traced = {"trace": self._line.trace}
        with (
            open_client() as client,
            client.stream(
                "POST", self._url, headers=headers, json=self._body, timeout=timeout, extensions=traced
            ) as got,
        ):
            if got.status_code != 200:
                raise _refusal(self._url, got, bool(self._key))
            kind = got.headers.get("content-type", "")
            if not kind.startswith("text/event-stream"):
                raise NotOpenAI(url=self._url, status=got.status_code, content_type=kind or "-")
            whole = False
            for line in got.iter_lines():
                piece = openai_chat.read_piece(line)
                whole = whole or openai_chat.is_end(line) or bool(piece and piece.finish_reason)
                if piece is not None:
                    self._begun = self._begun or bool(piece.content or piece.reasoning)
                    yield piece
            if not whole and not self._line.is_cut:
                raise Unreachable(
                    "chat_broke_off" if self._begun else "endpoint_dropped", url=self._url, detail="no end"
                )


class HttpChatClient:
    """Holds no state and no connection between calls."""

    def stream(self, base_url: str, key: str | None, body: dict[str, Any]) -> HttpChatStream:
        """See the port."""
        return HttpChatStream(f"{base_url}/chat/completions", key, body)

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
