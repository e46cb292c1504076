"""What can be said of a download before it begins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from core.adapters.catalog_files import load_catalog
from core.domain.weights import (
    DownloadRequest,
    RemoteFile,
    WeightsFolder,
    WeightsSource,
    is_safe_path,
    remaining_bytes,
)
from core.domain.weights_rules import (
    GIB,
    known_model,
    model_of,
    owner_findings,
    repo_of,
    request_findings,
    room_findings,
    tidy,
)

HF, MS = WeightsSource.HUGGINGFACE, WeightsSource.MODELSCOPE


def request(**changes: Any) -> DownloadRequest:
    values: dict[str, Any] = {
        "source": HF,
        "repo": "Qwen/Qwen3-8B",
        "folder": "/data/w/Qwen3-8B",
        "endpoint": "http://h",
    }
    return DownloadRequest(**values | changes)


@pytest.mark.parametrize(
    ("text", "repo"),
    [
        (" Qwen/Qwen3-8B ", "Qwen/Qwen3-8B"),
        ("https://huggingface.co/deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1"),
        ("https://hf-mirror.com/deepseek-ai/DeepSeek-R1/tree/main", "deepseek-ai/DeepSeek-R1"),
        ("https://modelscope.cn/models/deepseek-ai/DeepSeek-R1-0528/summary", "deepseek-ai/DeepSeek-R1-0528"),
        ("DeepSeek-R1", "DeepSeek-R1"),
        ("a/b/c", "a/b/c"),
        ("", ""),
    ],
)
def test_a_models_name_out_of_what_a_person_has(text: str, repo: str) -> None:
    assert repo_of(text) == repo


def test_what_is_left_out_is_filled_in() -> None:
    found = tidy(
        request(folder=" ", endpoint="", revision=" v1 ", patterns=("*.json ", "")), "/data/weights/", "http://hub"
    )
    assert (found.folder, found.endpoint, found.revision) == ("/data/weights/Qwen3-8B", "http://hub", "v1")
    assert found.patterns == ("*.json",)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"repo": "", "folder": ""}, ["repo_empty"]),
        ({"repo": "Qwen3-8B"}, ["repo_bad"]),
        ({"repo": "a/b/c"}, ["repo_bad"]),
        ({"repo": "a/.."}, ["repo_bad"]),
        ({"repo": "-x/b"}, ["repo_bad"]),
        ({"endpoint": "hf-mirror.com"}, ["hub_endpoint_bad"]),
        ({"endpoint": "ftp://h"}, ["hub_endpoint_bad"]),
        ({"folder": "weights/x"}, ["folder_not_absolute"]),
        ({"folder": "/a/../b"}, ["folder_not_absolute"]),
        ({"folder": "/a:b/c"}, ["weights_colon"]),
        ({"folder": "/data"}, ["weights_at_root"]),
    ],
)
def test_each_value_by_itself(changes: dict[str, Any], expected: list[str]) -> None:
    assert [finding.code for finding in request_findings(request(**changes))] == expected


@pytest.mark.parametrize(
    ("expected", "there", "free", "short"),
    [
        (100 * GIB, 0, 100 * GIB, False),
        (100 * GIB, 0, 100 * GIB - 1, True),
        (100 * GIB, GIB, 99 * GIB, False),
        (None, 0, 1, False),
        (GIB, 0, None, False),
    ],
)
def test_room_for_what_is_yet_to_come(expected: int | None, there: int, free: int | None, short: bool) -> None:
    found = [finding.code for finding in room_findings(request(), expected, there, free)]
    assert found == (["download_room_short"] if short else [])


@pytest.mark.parametrize(
    ("source", "repo", "job", "expected"),
    [
        (HF, "Qwen/Qwen3-8B", "job-1", ["download_running"]),
        (HF, "Qwen/Qwen3-8B", "job-2", ["download_again"]),
        (HF, "other/model", None, ["folder_of_other"]),
        (WeightsSource.FOLDER, "", None, []),
    ],
)
def test_who_has_the_folder(source: WeightsSource, repo: str, job: str | None, expected: list[str]) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    known = WeightsFolder("w", "/data/w/Qwen3-8B", source, at, "ann", repo=repo, job_id=job)
    assert [finding.code for finding in owner_findings(request(), (known,), frozenset({"job-1"}))] == expected


def test_the_catalog_knows_a_repository_by_its_hub() -> None:
    catalog = load_catalog()
    found = model_of(request(repo="Deepseek-AI/deepseek-r1-0528", source=MS), catalog)
    assert found is not None
    assert found.weights_gb == 642
    assert model_of(request(repo="none/such"), catalog) is None


@pytest.mark.parametrize(
    ("name", "repo", "key"),
    [
        ("DeepSeek-R1-0528", "", "deepseek-r1-0528"),
        ("r1", "deepseek-ai/DeepSeek-R1-0528", "deepseek-r1-0528"),
        ("mine", "", None),
    ],
)
def test_a_folder_tells_its_model(name: str, repo: str, key: str | None) -> None:
    found = known_model(name, repo, load_catalog())
    assert (found.key if found else None) == key


def test_what_is_yet_to_come() -> None:
    files = (RemoteFile("a", 10), RemoteFile("b", 10), RemoteFile("c", 10))
    assert remaining_bytes(files, {"a": 10, "b": 4, "c": 11}) == 16


@pytest.mark.parametrize("path", ["a", "a/b.c", "..a"])
def test_a_file_in_its_folder(path: str) -> None:
    assert is_safe_path(path)


@pytest.mark.parametrize("path", ["../a", "/a", "a//b", "a/./b", "a/../../b", "a\\b", ""])
def test_a_file_that_would_leave_it(path: str) -> None:
    assert not is_safe_path(path)
