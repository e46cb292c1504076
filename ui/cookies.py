"""The signed cookie that names a session. The secret lasts as long as the data folder, so that a restart signs nobody
out; the cookie outlives its session, so that an ended one still tells "ended" from "never was" (ui/gate.py)."""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

NAME = "seatrial_session"
MAX_AGE = timedelta(days=30)
_FILE = "cookie.key"


def cookie_secret(home: Path) -> str:
    """The signing secret in the data folder, made on first use; mode 0600."""
    path = home / _FILE
    home.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret := secrets.token_urlsafe(48))
    return secret


class Signer:
    """Session id to cookie and back."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="seatrial.session")

    def cookie(self, session_id: str) -> str:
        """The cookie's value."""
        return str(self._serializer.dumps(session_id))

    def session_id(self, cookie: str | None) -> str | None:
        """The session a cookie names, whether it has ended or not; None where we did not sign it."""
        if not cookie:
            return None
        try:
            return str(self._serializer.loads(cookie))
        except BadSignature:
            return None
