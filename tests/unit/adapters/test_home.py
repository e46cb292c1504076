"""A data folder that cannot be one is told in a sentence, by every command and before anything is started."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from cli.main import main
from core.adapters.home import make_home
from core.errors import StoreError
from core.settings import read_settings


@pytest.fixture
def no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file stands where the folder should be."""
    place = tmp_path / "data"
    place.write_text("")
    monkeypatch.setenv("SEATRIAL_HOME", str(place))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return place


@pytest.mark.parametrize("command", [["runs"], ["user", "list"], ["check", "http://127.0.0.1:9"], ["up"], ["worker"]])
def test_every_command_says_so(
    command: list[str], no_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("core.worker._leave_threads_behind", lambda code: None)  # there may be other tests' threads
    monkeypatch.setattr("cli.up.check_address", lambda host, port: None)
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"The data folder {no_folder} cannot be used: ")
    assert "SEATRIAL_HOME" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", [["runs"], ["up"]])
def test_a_database_that_cannot_be_used_is_told_before_anything_is_started(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.up.check_address", lambda host, port: None)
    for name, value in (("HOME", str(tmp_path)), ("DATABASE_URL", "mysql+nodriver://li:secret@db/x")):
        monkeypatch.setenv(f"SEATRIAL_{name}", value)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.startswith("SEATRIAL_DATABASE_URL names no database that can be used here: ")
    assert "secret" not in said
    assert said.count("\n") == 1


def test_a_full_disk_is_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(folder: Path, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(Path, "mkdir", no_room)
    with pytest.raises(StoreError) as caught:
        make_home(read_settings({"SEATRIAL_HOME": str(tmp_path / "data")}))
    assert caught.value.code == "disk_full"
