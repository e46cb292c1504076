"""What the settings page says of the data folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.disk import LocalDisk
from core.services.storage import StorageService, without_password
from core.settings import read_settings


def test_it_counts_what_is_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"x" * 1000)
    (tmp_path / "b").write_bytes(b"x" * 24)
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    settings = read_settings({"SEATRIAL_HOME": str(tmp_path), "SEATRIAL_RETENTION_DAYS": "30"})
    view = StorageService(settings, LocalDisk()).view()
    assert 1024 <= view.used_bytes < 1200
    assert view.free_bytes > 0
    assert (view.home, view.retention_days) == (tmp_path, 30)


@pytest.mark.parametrize(("free_bytes", "is_full"), [(0, True), (200_000, True), (50_000_000, False)])
def test_a_disk_without_room_for_a_transaction_is_full(
    free_bytes: int, is_full: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalDisk, "free", lambda self, folder: free_bytes)
    assert StorageService(read_settings({"SEATRIAL_HOME": str(tmp_path)}), LocalDisk()).is_full() is is_full


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/data/seatrial.db", "sqlite:////srv/data/seatrial.db"),
        ("postgresql+psycopg://li:se%40cret@db:5432/seatrial", "postgresql+psycopg://li:***@db:5432/seatrial"),
        ("postgresql://li@db/seatrial", "postgresql://li@db/seatrial"),
    ],
)
def test_a_database_password_is_never_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
