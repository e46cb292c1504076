"""Whether a key is still the one that was written elsewhere, without keeping the key itself a second time."""

from __future__ import annotations

import hashlib
import hmac
import secrets as randomness

from core.ports import Secrets

_SALT_REF = "webui/key_print_salt"


def key_print(secrets: Secrets, key: str) -> str:
    """64 bits that change with the key. The salt lies among the secrets, so that a list of common keys does not help
    whoever reads the database alone."""
    salt = secrets.get(_SALT_REF)
    if salt is None:
        salt = randomness.token_hex(32)
        secrets.put(_SALT_REF, salt)
    return hmac.new(salt.encode(), key.encode(), hashlib.sha256).hexdigest()[:16]
