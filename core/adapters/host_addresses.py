"""This machine as others reach it."""

from __future__ import annotations

import socket

_ELSEWHERE = ("192.0.2.1", 9)
"""TEST-NET-1 (RFC 5737): connecting a datagram socket sends nothing, it only makes the kernel choose a way out."""


class LocalAddresses:
    """Fulfils ports.HostAddresses. ``stated``: what the person has set, which wins over what the kernel says."""

    def __init__(self, stated: str | None = None) -> None:
        self._stated = stated

    def outward(self) -> str | None:
        """The address of the way out; None where there is none."""
        if self._stated:
            return self._stated
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.connect(_ELSEWHERE)
                address = str(probe.getsockname()[0])
        except OSError:
            return None
        return None if address.startswith(("127.", "0.")) else address
