"""Keys of endpoints, encrypted in the database; what opens them is a key file, or the environment."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from core.adapters.database.failures import translated
from core.errors import StoreError

KEY_FILE = "secret.key"
_SALT = b"seatrial endpoint keys"


class Tokens(Protocol):
    """Where the encrypted values lie."""

    def get(self, ref: str) -> str | None: ...
    def set(self, ref: str, token: str) -> None: ...
    def delete(self, ref: str) -> None: ...


class EncryptedSecrets:
    """core.ports.Secrets with Fernet (AES-128-CBC, HMAC-SHA-256). The key is looked for when it is first needed."""

    def __init__(self, tokens: Tokens, home: Path, secret_key: str | None = None) -> None:
        self._tokens = tokens
        self._home = home
        self._secret_key = secret_key

    def put(self, ref: str, value: str) -> None:
        """Replaces what was there. Raises StoreError (key_file_damaged: file)."""
        self._tokens.set(ref, self._fernet.encrypt(value.encode()).decode())

    def get(self, ref: str) -> str | None:
        """Raises StoreError (secret_unreadable: ref) where another key has encrypted it."""
        token = self._tokens.get(ref)
        if token is None:
            return None
        try:
            return self._fernet.decrypt(token).decode()
        except InvalidToken as error:
            raise StoreError("secret_unreadable", ref=ref) from error

    def delete(self, ref: str) -> None:
        """Nothing happens where there is none."""
        self._tokens.delete(ref)

    @cached_property
    def _fernet(self) -> Fernet:
        if self._secret_key is not None:
            return Fernet(_derived(self._secret_key))
        file = self._home / KEY_FILE
        with translated():
            key = _key_of(file)
        try:
            return Fernet(key)
        except ValueError as error:
            raise StoreError("key_file_damaged", file=str(file)) from error


def _derived(passphrase: str) -> bytes:
    """A Fernet key as it is; of any other text, scrypt (RFC 7914) at 16 MiB."""
    with suppress(ValueError):
        Fernet(passphrase)
        return passphrase.encode()
    return base64.urlsafe_b64encode(hashlib.scrypt(passphrase.encode(), salt=_SALT, n=2**14, r=8, p=1, dklen=32))


def _key_of(file: Path) -> bytes:
    """The file's key; made, with mode 0600, where there is none. Of two processes that make one, the first wins."""
    if not file.exists():
        _create(file)
    file.chmod(0o600)
    return file.read_bytes().strip()


def _create(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=file.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(Fernet.generate_key() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(draft, file)
    finally:
        Path(draft).unlink()
