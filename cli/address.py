"""The address the app is to listen on: free, ours, or taken."""

from __future__ import annotations

import errno
import json
import socket
import time
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

from core.errors import RefusedError

WEB_SCRIPT = Path(__file__).resolve().parents[1] / "streamlit_app.py"
_TRIED = 100
_LEAVING_S = 10.0
_POLL_S = 0.1


def web_url(host: str, port: int) -> str:
    """What a person opens: an address for every interface is opened on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def check_address(host: str, port: int) -> None:
    """Waits for a web process of ours that is just ending: its parent was killed. Raises RefusedError: already_running
    (url), web_port_in_use (port, host, free), web_port_denied (port, free) and web_host_unknown (host)."""
    deadline = time.monotonic() + _LEAVING_S
    while (refusal := _try(host, port)) is not None:
        if refusal.code != "web_port_in_use" or time.monotonic() > deadline:
            raise refusal
        if not _is_leaving(port) and _try(host, port) is not None:  # again: it may have left while it was looked for
            raise refusal
        time.sleep(_POLL_S)


def _try(host: str, port: int) -> RefusedError | None:
    try:
        _bind(host, port)
    except OSError as error:
        return _refusal(host, port, error)
    return None


def _is_leaving(port: int) -> bool:
    """Whether nobody listens there any more, or only a web process of this installation (by its command line), which
    does not answer."""
    from core.adapters.host_probe import LocalHostProbe

    owner = LocalHostProbe().port_owner(port)
    if owner is None:
        return True
    if not owner:  # another account's, or one that has just ended
        return False
    with suppress(OSError):
        command = Path("/proc", owner.rpartition("(")[2].rstrip(")"), "cmdline").read_bytes()
        return str(WEB_SCRIPT).encode() in command.split(b"\0")
    return False


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
