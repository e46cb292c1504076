"""Files of prompts on disk, under the digest of their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.adapters.prompt_files import FolderPromptFiles
from core.errors import BadInput, NotFoundError


def test_the_same_content_is_kept_once_and_found_again(tmp_path: Path) -> None:
    files = FolderPromptFiles(tmp_path / "prompts")
    digest = files.put(['{"prompt": ', '"你好"}\n'])
    assert digest == hashlib.sha256('{"prompt": "你好"}\n'.encode()).hexdigest()
    assert files.put(['{"prompt": "你好"}\n']) == digest
    assert files.path(digest).read_text(encoding="utf-8") == '{"prompt": "你好"}\n'
    assert [path.name for path in (tmp_path / "prompts").iterdir()] == [f"{digest}.jsonl"]


def test_of_lines_that_end_badly_nothing_is_kept(tmp_path: Path) -> None:
    def lines() -> Iterator[str]:
        yield "{}\n"
        raise BadInput("prompts_not_json")

    with pytest.raises(BadInput):
        FolderPromptFiles(tmp_path).put(lines())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("digest", ["0" * 64, "../secret", ""])
def test_what_is_not_there(tmp_path: Path, digest: str) -> None:
    (tmp_path / "secret.jsonl").write_text("x")
    with pytest.raises(NotFoundError):
        FolderPromptFiles(tmp_path / "prompts").path(digest)
