"""An image file from a browser, on its way to the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR, Role
from core.settings import read_settings
from ui import session, uploads

HERE = {"x-seatrial-session": session.LOOPBACK}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    composed = compose(read_settings({"SEATRIAL_HOME": str(tmp_path)}))
    session.install(composed)
    yield composed
    session.install(None)


@pytest.fixture
def client(app: App) -> TestClient:
    return TestClient(Starlette(routes=[uploads.ROUTE]))


def test_it_is_received_in_pieces_and_told_where_it_lies(app: App, client: TestClient) -> None:
    content = bytes(9_000_000)
    answer = client.put("/upload/image/vllm 1.tar", content=content, headers=HERE)
    assert answer.status_code == 201
    path = Path(answer.json()["path"])
    assert path == app.settings.home / "uploads" / "vllm 1.tar"
    assert path.read_bytes() == content
    assert [found.name for found in path.parent.iterdir()] == ["vllm 1.tar"]


@pytest.mark.parametrize(("language", "said"), [("en", "is no image file"), ("zh-CN", "不是镜像文件")])
def test_a_refusal_is_a_sentence(client: TestClient, language: str, said: str) -> None:
    answer = client.put("/upload/image/a.zip", content=b"x", headers={**HERE, "accept-language": language})
    assert answer.status_code == 409
    assert said in answer.json()["text"]


def test_only_an_operator_may_send(app: App, client: TestClient) -> None:
    app.access.add_user(LOCAL_OPERATOR, "eve", Role.VIEWER, "correct horse")
    mark = app.access.sign_in("eve", "correct horse", "test").id
    for headers in ({}, {"x-seatrial-session": "forged"}, {"x-seatrial-session": mark}):
        answer = client.put("/upload/image/a.tar", content=b"x", headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (403, "not_allowed")
    assert not (app.settings.home / "uploads").exists()
