"""The key file, the environment's key, and what lies in the database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from core.adapters.secrets import KEY_FILE, EncryptedSecrets
from core.errors import StoreError


class Tokens(dict[str, str]):
    """Encrypted values in memory."""

    def set(self, ref: str, token: str) -> None:
        self[ref] = token

    def delete(self, ref: str) -> None:
        self.pop(ref, None)


def test_nothing_readable_is_stored_and_the_key_file_is_private(tmp_path: Path) -> None:
    tokens = Tokens()
    EncryptedSecrets(tokens, tmp_path / "home").put("a", "sk-secret")
    assert "sk-secret" not in tokens["a"]
    file = tmp_path / "home" / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == [KEY_FILE]
    assert EncryptedSecrets(tokens, tmp_path / "home").get("a") == "sk-secret"


def test_reading_where_nothing_is_stored_makes_no_key_file(tmp_path: Path) -> None:
    assert EncryptedSecrets(Tokens(), tmp_path).get("a") is None
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_that_others_could_read_is_closed(tmp_path: Path) -> None:
    file = tmp_path / KEY_FILE
    file.write_bytes(Fernet.generate_key())
    file.chmod(0o644)
    EncryptedSecrets(Tokens(), tmp_path).put("a", "x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("secret_key", ["any words at all", Fernet.generate_key().decode()], ids=["words", "key"])
def test_a_key_from_the_environment_needs_no_file(tmp_path: Path, secret_key: str) -> None:
    tokens = Tokens()
    EncryptedSecrets(tokens, tmp_path, secret_key).put("a", "x")
    assert EncryptedSecrets(tokens, tmp_path, secret_key).get("a") == "x"
    assert list(tmp_path.iterdir()) == []


def test_another_key_cannot_read_and_says_so(tmp_path: Path) -> None:
    tokens = Tokens()
    EncryptedSecrets(tokens, tmp_path, "one").put("endpoint/ep-1", "x")
    with pytest.raises(StoreError) as caught:
        EncryptedSecrets(tokens, tmp_path, "two").get("endpoint/ep-1")
    assert (caught.value.code, caught.value.params) == ("secret_unreadable", {"ref": "endpoint/ep-1"})


def test_a_damaged_key_file_is_an_error_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("not a key")
    with pytest.raises(StoreError) as caught:
        EncryptedSecrets(Tokens(), tmp_path).put("a", "x")
    assert caught.value.code == "key_file_damaged"
