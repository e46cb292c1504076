"""The address the app is to listen on: free, ours, or taken."""

from __future__ import annotations

import errno
import json
import socket
import urllib.request
from http.client import HTTPException

from core.errors import RefusedError

_TRIED = 100


def web_url(host: str, port: int) -> str:
    """What a person opens: an address for every interface is opened on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def check_address(host: str, port: int) -> None:
    """Raises RefusedError: already_running (url), web_port_in_use (port, host, free), web_port_denied (port, free) and
    web_host_unknown (host)."""
    try:
        _bind(host, port)
    except OSError as error:
        raise _refusal(host, port, error) from error


def free_port(host: str, wanted: int) -> int | None:
    """The first free port from ``wanted`` on; None where a hundred are taken."""
    for port in range(wanted, min(wanted + _TRIED, 65_536)):
        try:
            _bind(host, port)
        except OSError:
            continue
        return port
    return None


def is_there(url: str) -> bool:
    """Whether it answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):
        return False


def is_our_own(url: str) -> bool:
    """Whether a Seatrial answers there."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=1.0) as answer:
            said = json.loads(answer.read(4_096))
    except (OSError, HTTPException, ValueError):
        return False
    return isinstance(said, dict) and said.get("product") == "seatrial"


def _bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _refusal(host: str, port: int, error: OSError) -> RefusedError:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return RefusedError("web_host_unknown", host=host)
    if error.errno == errno.EACCES:
        return RefusedError("web_port_denied", port=port, free=free_port(host, 8501))
    url = web_url(host, port)
    if is_our_own(url):
        return RefusedError("already_running", url=url)
    return RefusedError("web_port_in_use", port=port, host=host, free=free_port(host, port + 1))
