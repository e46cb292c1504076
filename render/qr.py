"""An address as a QR code."""

from __future__ import annotations

import io

import segno

_SCALE = 8
_QUIET_ZONE = 2


def qr_png(text: str) -> bytes:
    """Black on white, whatever the theme: cameras read that best. Error correction M, 15 %."""
    stream = io.BytesIO()
    segno.make(text, error="m", micro=False).save(stream, kind="png", scale=_SCALE, border=_QUIET_ZONE)
    return stream.getvalue()
