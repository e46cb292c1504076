"""Real children of ours fetch from a hub on this machine, with each hub's own library: connections that break, a
process that is killed, a damaged file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.domain.weights import PARTIAL_SUFFIX, WeightsSource
from core.downloader.task import TOKEN_VARIABLE, Action, DownloadTask
from tests.hub import COMMIT, REPO, LocalHub, local_hub, weights_files
from tests.live.servers import ROOT
from tests.waiting import wait_for

SHARD = "model-00001-of-00002.safetensors"
BIG = weights_files(shard_bytes=3_000_000)
BOTH = pytest.mark.parametrize("source", [WeightsSource.HUGGINGFACE, WeightsSource.MODELSCOPE])


class Child:
    """Runs tasks of one download."""

    def __init__(self, folder: Path, hub: LocalHub, source: WeightsSource) -> None:
        self.folder, self._task_file = folder / "model", folder / "task.json"
        self.task = DownloadTask(Action.LIST, source, REPO, "", hub.url, str(self.folder), files=hub.remote())

    def start(self, action: Action, **env: str) -> subprocess.Popen[str]:
        self._task_file.write_text(replace(self.task, action=action).to_json())
        command = [sys.executable, "-m", "core.downloader", str(self._task_file)]
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **env}
        )

    def run(self, action: Action, **env: str) -> list[dict[str, Any]]:
        out, err = self.start(action, **env).communicate(timeout=60)
        events = [json.loads(line) for line in out.splitlines()]
        assert events, err[-2000:]
        return events

    def size(self, name: str) -> int:
        path = self.folder / name
        return path.stat().st_size if path.exists() else 0

    def holds(self, files: dict[str, bytes]) -> bool:
        return all((self.folder / name).read_bytes() == content for name, content in files.items())


@pytest.fixture
def child(tmp_path: Path) -> Callable[[LocalHub, WeightsSource], Child]:
    return lambda hub, source: Child(tmp_path, hub, source)


@BOTH
def test_a_broken_connection_costs_no_byte_that_had_come(
    source: WeightsSource, child: Callable[[LocalHub, WeightsSource], Child]
) -> None:
    with local_hub(BIG) as hub:
        one = child(hub, source)
        listed = one.run(Action.LIST)[0]
        assert {file["path"]: file["size_bytes"] for file in listed["files"]} == {
            name: len(content) for name, content in BIG.items() if name != ".gitattributes"
        }
        assert listed["commit"] in {COMMIT, None}
        hub.cut[SHARD] = [1_000_000]
        events = one.run(Action.FETCH)
        assert events[-1] == {"event": "done"}
        assert (events[-2]["done"], events[-2]["files_done"]) == (events[-2]["total"], len(BIG))
        first, second = (start for name, start in hub.served if name == SHARD)
        assert first == 0
        assert second > 500_000
        assert one.holds(BIG)
        assert one.run(Action.VERIFY)[-1] == {"event": "done"}


@BOTH
def test_a_killed_child_is_gone_on_with(
    source: WeightsSource, child: Callable[[LocalHub, WeightsSource], Child]
) -> None:
    with local_hub(BIG, pause_s=0.004) as hub:
        one = child(hub, source)
        first = one.start(Action.FETCH)
        wait_for(lambda: one.size(SHARD + PARTIAL_SUFFIX) > 600_000)
        first.send_signal(signal.SIGKILL)
        first.communicate()
        had, hub.pause_s = one.size(SHARD + PARTIAL_SUFFIX), 0.0
        hub.served.clear()
        assert one.run(Action.FETCH)[-1] == {"event": "done"}
        assert (SHARD, had) in hub.served
        assert one.holds(BIG)


@BOTH
def test_what_the_hub_says_no_to(source: WeightsSource, child: Callable[[LocalHub, WeightsSource], Child]) -> None:
    with local_hub(token="secret-token") as hub:
        one = child(hub, source)
        assert one.run(Action.LIST)[-1]["code"] == "hub_denied"
        if source is WeightsSource.HUGGINGFACE:
            assert one.run(Action.LIST, **{TOKEN_VARIABLE: "secret-token"})[-1] == {"event": "done"}
    one.task = replace(one.task, repo="ours/none")
    with local_hub() as hub:
        one.task = replace(one.task, endpoint=hub.url)
        assert one.run(Action.LIST)[-1]["code"] == "hub_not_found"


def test_bytes_that_are_not_the_hubs_are_found_and_fetched_anew(
    child: Callable[[LocalHub, WeightsSource], Child],
) -> None:
    files = weights_files()
    with local_hub(files) as hub:
        hub.damaged[SHARD] = b"x" * len(files[SHARD])
        one = child(hub, WeightsSource.HUGGINGFACE)
        one.run(Action.FETCH)
        failed = one.run(Action.VERIFY)[-1]
        assert (failed["code"], failed["params"]["file"]) == ("download_damaged", SHARD)
        hub.damaged.clear()
        one.run(Action.FETCH)
        assert one.run(Action.VERIFY)[-1] == {"event": "done"}
        assert one.holds(files)
