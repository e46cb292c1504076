"""What an Open WebUI's secrets are called, and whether a key is still the one that was written into one."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness

from core.ports import Secrets

_SALT_REF = "webui/key_print_salt"


def token_ref(webui_id: str) -> str:
    """Where a kept token lies."""
    return f"webui/{webui_id}/token"


def password_ref(webui_id: str) -> str:
    """Where the password of an administrator that we made lies."""
    return f"webui/{webui_id}/password"


def undo_ref(webui_id: str) -> str:
    """Where the way back lies."""
    return f"webui/{webui_id}/undo"


def new_password() -> str:
    """16 characters out of 64: 96 bits."""
    return randomness.token_urlsafe(12)


def key_print(secrets: Secrets, key: str) -> str:
    """64 bits that change with the key, so that it is not kept a second time. The salt lies among the secrets: a list
    of common keys does not help whoever reads the database alone."""
    salt = secrets.get(_SALT_REF)
    if salt is None:
        salt = randomness.token_hex(32)
        secrets.put(_SALT_REF, salt)
    return hmac.new(salt.encode(), key.encode(), hashlib.sha256).hexdigest()[:16]
