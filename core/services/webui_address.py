"""Where colleagues open an Open WebUI. Never loopback: that is another machine to whoever reads it."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.domain.endpoint import is_loopback
from core.domain.webui import WebUi
from core.ports import HostAddresses


def address_for_colleagues(webui: WebUi, addresses: HostAddresses) -> str | None:
    """What a person has said, else its own address, else this machine's; None where all are loopback."""
    stated = webui.public_url or webui.url
    if not is_loopback(urlsplit(stated).hostname or ""):
        return stated
    parts, outward = urlsplit(webui.url), addresses.outward()
    if outward is None or is_loopback(outward):
        return None
    host = f"[{outward}]" if ":" in outward else outward
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path}"
