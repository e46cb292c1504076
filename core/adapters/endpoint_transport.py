"""One HTTP exchange with a model server, in bounded time and memory; httpx's errors become ours."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.errors import EndpointError, TimedOut, Unreachable

_BODY_LIMIT_BYTES = 8 * 1024 * 1024
_CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Answer:
    """A server's answer. ``whole`` is False where time or the size limit cut its body off."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_ms: float
    whole: bool = True

    @property
    def content_type(self) -> str:
        """Media type without its parameters; empty where none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip()

    @property
    def text(self) -> str:
        """The body as text, whatever its bytes."""
        return self.body.decode("utf-8", "replace")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def open_client() -> httpx.Client:
    """A client that goes straight to the server, as the load generator does: no proxies from the environment, no
    redirects, no retries. Certificates are checked against the system's (SSL_CERT_FILE and SSL_CERT_DIR count)."""
    return httpx.Client(trust_env=False, follow_redirects=False, verify=_tls())


def exchange(
    client: httpx.Client, method: str, url: str, *, timeout_s: float, key: str | None = None, body: Any = None
) -> Answer:
    """One request and its whole answer within ``timeout_s`` in all. Raises Unreachable or TimedOut."""
    began = time.monotonic()
    headers = {"authorization": f"Bearer {key}"} if key else {}
    timeout = httpx.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_TIMEOUT_S))
    try:
        with client.stream(method, url, headers=headers, json=body, timeout=timeout) as response:
            latency_ms = (time.monotonic() - began) * 1000
            content, whole = _read(response.iter_bytes(), began + timeout_s)
            return Answer(response.status_code, dict(response.headers), content, latency_ms, whole)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise translated(error, url, timeout_s) from error


def _read(chunks: Iterator[bytes], until: float) -> tuple[bytes, bool]:
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) > _BODY_LIMIT_BYTES or time.monotonic() > until:
            return bytes(content[:_BODY_LIMIT_BYTES]), False
    return bytes(content), True


def translated(error: httpx.HTTPError | httpx.InvalidURL, url: str, timeout_s: float) -> EndpointError:
    """Our error for httpx's. Codes: endpoint_timed_out (no connection), endpoint_never_answers (connected, silent),
    endpoint_dns, endpoint_refused, endpoint_tls, endpoint_dropped, endpoint_not_http, endpoint_unreachable."""
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return TimedOut("endpoint_timed_out", url=url, timeout_s=round(min(timeout_s, _CONNECT_TIMEOUT_S), 1))
    if isinstance(error, httpx.TimeoutException):
        return TimedOut("endpoint_never_answers", url=url, timeout_s=round(timeout_s, 1))
    if isinstance(error, httpx.RemoteProtocolError):
        silent = "disconnected" in str(error) or "peer closed" in str(error)
        return Unreachable("endpoint_dropped" if silent else "endpoint_not_http", url=url, detail=str(error))
    if isinstance(error, httpx.ReadError | httpx.WriteError):
        return Unreachable("endpoint_dropped", url=url, detail=str(error) or type(error).__name__)
    return Unreachable(_connect_code(error), url=url, host=_location(url), detail=_innermost(error))


def _location(url: str) -> str:
    return urlsplit(url).netloc


def _connect_code(error: Exception) -> str:
    detail = _innermost(error).lower()
    if isinstance(_root(error), ssl.SSLError) or "ssl" in detail or "certificate" in detail:
        return "endpoint_tls"
    if isinstance(_root(error), ConnectionRefusedError) or "connection refused" in detail:
        return "endpoint_refused"
    if "name or service not known" in detail or "name resolution" in detail:
        return "endpoint_dns"
    return "endpoint_unreachable"


def _root(error: BaseException) -> BaseException:
    """The first cause: httpx wraps httpcore, which wraps the socket's own."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


def _innermost(error: Exception) -> str:
    return str(_root(error)) or str(error) or type(error).__name__
