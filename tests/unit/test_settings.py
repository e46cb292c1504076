"""What holds where nobody has set anything, and what the variables change."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import RefusedError
from core.settings import read_settings


def test_without_a_word_it_is_this_machines_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = read_settings({})
    assert (found.host, found.port, found.is_loopback) == ("127.0.0.1", 8501, True)
    assert found.home == tmp_path / "data"
    assert found.database_url == f"sqlite:///{tmp_path}/data/seatrial.db"
    assert found.jobs_url == f"sqlite:///{tmp_path}/data/jobs.db"
    assert (found.retention_days, found.artifact_limit_mib, found.secret_key, found.simulated) == (0, 512, None, False)


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.5", False)],
)
def test_only_loopback_is_private(host: str, is_loopback: bool) -> None:
    assert read_settings({"SEATRIAL_HOST": host}).is_loopback is is_loopback


def test_an_empty_variable_is_none() -> None:
    found = read_settings({"SEATRIAL_PORT": "", "SEATRIAL_HOST": "", "SEATRIAL_SECRET_KEY": ""})
    assert (found.port, found.host, found.secret_key) == (8501, "127.0.0.1", None)


@pytest.mark.parametrize("name", ["SEATRIAL_PORT", "SEATRIAL_RETENTION_DAYS", "SEATRIAL_ARTIFACT_LIMIT_MIB"])
@pytest.mark.parametrize("text", ["eight", "-1", "1.5"])
def test_a_number_that_is_none_is_named(name: str, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_settings({name: text})
    assert name in str(caught.value.params["detail"])


@pytest.mark.parametrize("port", ["0", "65536", "70000"])
def test_a_number_that_can_be_no_port_is_named(port: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_settings({"SEATRIAL_PORT": port})
    assert caught.value.params["detail"] == f"SEATRIAL_PORT must be 1 to 65535, not {port}"
