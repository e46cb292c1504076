"""The downloading child's actions, over a hub in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.weights import RemoteFile, WeightsSource
from core.downloader import run
from core.downloader.hubs import partial_path
from core.downloader.progress import Speed
from core.downloader.task import Action, DownloadTask
from core.downloader.verify import Verified
from core.errors import HubFailed

ROOMY = 1 << 50


class Broken(Exception):
    """A connection that ended."""


@dataclass
class MemoryHub:
    """``breaks``: a file -> after how many more bytes each try of it ends."""

    contents: dict[str, bytes]
    breaks: dict[str, list[int]] = field(default_factory=dict)
    errors: tuple[type[Exception], ...] = (Broken,)
    transient: bool = True
    began: list[tuple[str, int]] = field(default_factory=list)

    def files(self) -> tuple[tuple[RemoteFile, ...], str | None]:
        return tuple(remote(name, content) for name, content in self.contents.items()), "c1"

    def fetch(self, file: RemoteFile, folder: Path) -> None:
        partial = partial_path(folder / file.path)
        have = partial.stat().st_size if partial.exists() else 0
        self.began.append((file.path, have))
        content, breaks = self.contents[file.path], self.breaks.get(file.path)
        end = have + breaks.pop(0) if breaks else len(content)
        with partial.open("ab") as stream:
            stream.write(content[have:end])
        if end < len(content):
            raise Broken(f"after {end}")
        partial.replace(folder / file.path)

    def is_transient(self, error: BaseException) -> bool:
        return self.transient


def remote(name: str, content: bytes) -> RemoteFile:
    return RemoteFile(name, len(content), hashlib.sha256(content).hexdigest())


@dataclass
class Site:
    folder: Path
    hub: MemoryHub
    said: list[dict[str, Any]] = field(default_factory=list)

    def emit(self, event: str, **values: object) -> None:
        self.said.append({"event": event, **values})

    def task(self, **changes: Any) -> DownloadTask:
        files = self.hub.files()[0]
        task = DownloadTask(
            Action.FETCH, WeightsSource.HUGGINGFACE, "o/m", "", "http://hub", str(self.folder), files=files
        )
        return replace(task, **changes)

    def fetch(self, free: Callable[[Path], int] = lambda _: ROOMY, **changes: Any) -> None:
        run.fetch_files(self.task(**changes), self.hub, self.emit, free)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(run, "_WAIT_S", (0.0,))
    return Site(tmp_path / "model", MemoryHub({"a.bin": b"a" * 1000, "sub/b.bin": b"b" * 10}))


def test_the_hubs_files_are_told_but_for_gits_own(site: Site) -> None:
    site.hub.contents[".gitattributes"] = b"x"
    run.list_files(site.task(), site.hub, site.emit)
    assert [file["path"] for file in site.said[0]["files"]] == ["a.bin", "sub/b.bin"]
    assert site.said[0]["commit"] == "c1"


@pytest.mark.parametrize(
    ("patterns", "code"), [(("*.none",), "hub_empty"), (("*.safetensors", "../*"), "hub_path_unsafe")]
)
def test_what_is_not_listed(site: Site, patterns: tuple[str, ...], code: str) -> None:
    site.hub.contents["../evil"] = b"x"
    with pytest.raises(HubFailed) as caught:
        run.list_files(site.task(patterns=patterns), site.hub, site.emit)
    assert caught.value.code == code


def test_every_file_comes_and_progress_ends_at_the_whole(site: Site) -> None:
    site.fetch()
    assert (site.folder / "a.bin").read_bytes() == b"a" * 1000
    assert (site.folder / "sub/b.bin").read_bytes() == b"b" * 10
    last = site.said[-1]
    assert (last["done"], last["total"], last["files_done"], last["files_total"]) == (1010, 1010, 2, 2)


def test_a_broken_connection_goes_on_where_it_broke(site: Site) -> None:
    site.hub.breaks["a.bin"] = [300, 300]
    site.fetch()
    assert [have for name, have in site.hub.began if name == "a.bin"] == [0, 300, 600]
    assert (site.folder / "a.bin").read_bytes() == b"a" * 1000


def test_every_new_byte_begins_the_count_of_tries_anew(site: Site) -> None:
    site.hub.breaks["a.bin"] = [0] * 7 + [1] + [0] * 7
    site.fetch()
    assert (site.folder / "a.bin").stat().st_size == 1000


@pytest.mark.parametrize(("transient", "tries"), [(True, 9), (False, 1)])
def test_a_file_that_will_not_come_is_named_and_its_bytes_stay(site: Site, transient: bool, tries: int) -> None:
    site.hub.transient, site.hub.breaks["a.bin"] = transient, [500] + [0] * 20
    with pytest.raises(HubFailed) as caught:
        site.fetch()
    assert (caught.value.code, caught.value.params["file"]) == ("download_file_failed", "a.bin")
    assert len([name for name, _ in site.hub.began if name == "a.bin"]) == tries
    assert partial_path(site.folder / "a.bin").stat().st_size == 500


def test_what_is_there_is_not_fetched_again(site: Site) -> None:
    site.fetch()
    site.hub.began.clear()
    site.fetch()
    assert site.hub.began == []


def test_a_shorter_file_of_that_name_is_gone_on_with_and_a_longer_one_comes_anew(site: Site) -> None:
    (site.folder / "sub").mkdir(parents=True)
    (site.folder / "a.bin").write_bytes(b"a" * 400)
    (site.folder / "sub/b.bin").write_bytes(b"x" * 11)
    site.fetch()
    assert sorted(site.hub.began) == [("a.bin", 400), ("sub/b.bin", 0)]


@pytest.mark.parametrize(("room", "fits"), [(run._ROOM_LEFT_BYTES + 1010, True), (run._ROOM_LEFT_BYTES + 1009, False)])
def test_nothing_is_written_where_there_is_no_room(site: Site, room: int, fits: bool) -> None:
    if fits:
        site.fetch(lambda _: room)
        return
    with pytest.raises(HubFailed) as caught:
        site.fetch(lambda _: room)
    assert caught.value.code == "download_no_room"
    assert site.hub.began == []


def test_a_damaged_file_is_named_and_removed(site: Site) -> None:
    site.fetch()
    (site.folder / "a.bin").write_bytes(b"a" * 999 + b"x")
    with pytest.raises(HubFailed) as caught:
        run.verify_files(site.task(), site.emit)
    assert (caught.value.code, caught.value.params["file"], caught.value.params["count"]) == (
        "download_damaged",
        "a.bin",
        1,
    )
    assert not (site.folder / "a.bin").exists()
    assert (site.folder / "sub/b.bin").exists()


def test_what_was_verified_is_not_read_again_until_it_changes(site: Site, tmp_path: Path) -> None:
    site.fetch()
    task = site.task(verified=str(tmp_path / "verified"))
    run.verify_files(task, site.emit)
    known, file = Verified(task.verified), task.files[0]
    assert known.has(file, site.folder)
    (site.folder / "a.bin").write_bytes(b"a" * 1000)
    assert not known.has(file, site.folder)


@pytest.mark.parametrize(
    ("hashes", "sound"), [((None, None), True), ((None, "0" * 40), False), (("0" * 64, None), False)]
)
def test_without_a_hash_the_size_has_to_do(site: Site, hashes: tuple[str | None, str | None], sound: bool) -> None:
    site.fetch()
    file = replace(site.task().files[0], sha256=hashes[0], git_sha1=hashes[1])
    if sound:
        run.verify_files(site.task(files=(file,)), site.emit)
        assert site.said[-1]["done"] == 1000
        return
    with pytest.raises(HubFailed):
        run.verify_files(site.task(files=(file,)), site.emit)


def test_speed_is_that_of_the_last_seconds() -> None:
    speed = Speed()
    assert speed(0.0, 0) is None
    assert speed(1.0, 100) == 100
    for second in range(2, 30):
        latest = speed(float(second), 100 + (second - 1) * 10)
    assert latest == pytest.approx(10)


def test_a_task_is_read_back_as_it_was_written(site: Site) -> None:
    task = site.task(patterns=("*.bin",), verified="/v")
    assert DownloadTask.from_json(task.to_json()) == task
