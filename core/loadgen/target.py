"""Where requests go: the address behind a base URL, resolved once, and the HTTP head that every request shares."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.errors import Unreachable
from core.loadgen import TOOL, TOOL_VERSION

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Target:
    """One server. ``address`` is what ``socket.connect`` takes; ``path`` is the base URL's, without a final slash."""

    base_url: str
    host: str
    port: int
    path: str
    tls: bool
    family: socket.AddressFamily
    address: tuple[str, int] | tuple[str, int, int, int]
    key: str | None = None

    def head(self, method: str, path: str) -> bytes:
        """Request line and headers up to ``Content-Length:``, whose value, two line ends and the body follow."""
        default_port = _DEFAULT_PORTS["https" if self.tls else "http"]
        host = f"[{self.host}]" if ":" in self.host else self.host
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {host}" if self.port == default_port else f"Host: {host}:{self.port}",
            f"User-Agent: {TOOL}/{TOOL_VERSION}",
            "Content-Type: application/json",
        ]
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        lines.append("Content-Length: ")
        return "\r\n".join(lines).encode("latin-1")

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request."""
        return b"%b%d\r\n\r\n%b" % (self.head(method, path), len(body), body)


def resolve(base_url: str, key: str | None, timeout_s: float = 5.0) -> Target:
    """Finds the first address behind the URL that accepts a connection. Raises Unreachable with the reason."""
    parts = urlsplit(base_url)
    host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
    detail = "no address"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable(url=base_url, detail=str(error)) from error
    for family, _, _, _, address in found:
        try:
            _try(family, address, timeout_s)
        except OSError as error:
            detail = str(error)
            continue
        path = parts.path.rstrip("/")
        return Target(base_url, host, port, path, parts.scheme == "https", family, address, key)  # type: ignore[arg-type]
    raise Unreachable(url=base_url, detail=detail)


def is_this_machine(target: Target) -> bool:
    """Whether the address is one of our own: nobody else can listen on it."""
    try:
        with socket.socket(target.family, socket.SOCK_DGRAM) as probe:
            probe.bind((target.address[0], 0))
    except OSError:
        return False
    return True


def _try(family: socket.AddressFamily, address: tuple[Any, ...], timeout_s: float) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(timeout_s)
        probe.connect(address)
