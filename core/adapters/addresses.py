"""Names to addresses, in bounded time."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading

from core.errors import Unreachable

LOOPBACK = "127.0.0.1"


def resolve(host: str, port: int, timeout_s: float = 4.0) -> str:
    """The IP address of a host; every address of this machine reads 127.0.0.1. Of several addresses the lowest, IPv4
    first, so that the answer does not change with a name server's rotation. Raises Unreachable (endpoint_dns)."""
    addresses = {_plain(address) for address in _lookup(host, port, timeout_s)}
    if any(is_own(address) for address in addresses):
        return LOOPBACK
    return min(addresses, key=lambda text: (ipaddress.ip_address(text).version, int(ipaddress.ip_address(text))))


def is_own(address: str) -> bool:
    """Whether the address is one of this machine's: only then can a socket be bound to it."""
    parsed = ipaddress.ip_address(address)
    if parsed.is_loopback or parsed.is_unspecified:
        return True
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _plain(address: str) -> str:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return str(mapped or parsed)


def _lookup(host: str, port: int, timeout_s: float) -> list[str]:
    """A name server that never answers would hold ``getaddrinfo`` for half a minute: a thread is left to it."""
    answers: queue.SimpleQueue[list[str] | OSError | UnicodeError] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(host, port, answers), name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty as error:
        raise Unreachable("endpoint_dns", host=host, detail=f"no answer within {timeout_s:g} s") from error
    if isinstance(answer, Exception):
        raise Unreachable("endpoint_dns", host=host, detail=str(answer)) from answer
    return answer


def _ask(host: str, port: int, answers: queue.SimpleQueue[list[str] | OSError | UnicodeError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error)
    else:
        answers.put([str(entry[4][0]) for entry in found])
