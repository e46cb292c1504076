"""The recorded exchanges with real servers of two generations: the fake answers them as they were answered, and the
client asks what was asked."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fakes.open_webui import FakeOpenWebUi, FakeUpstream, recorded

UPSTREAM = "http://127.0.0.1:18092/v1"
_OURS = {"OPENAI_API_BASE_URLS", "OPENAI_API_KEYS", "OPENAI_API_CONFIGS", "onboarding", "version", "role", "email"}


@pytest.mark.parametrize("version", ["0.12.4", "0.6.18"])
def test_the_fake_answers_as_the_real_server_did(version: str) -> None:
    server = FakeOpenWebUi(version, {UPSTREAM: FakeUpstream()})
    asked = 0
    for row in recorded(version):
        if "path" not in row:
            _enter(server, row["scenario"])
            continue
        answer = _ask(server, row)
        where = f"{row['method']} {row['path']} {row['request']}"
        assert answer.status_code == row["status"], (where, answer.text)
        assert answer.headers["content-type"].split(";")[0] == row["type"], where
        if row["type"] == "application/json":
            _compare(json.loads(row["answer"]), answer.json(), where)
        asked += 1
    assert asked > 60


def _enter(server: FakeOpenWebUi, scenario: str) -> None:
    """Scenarios that were recorded with another server of the same version."""
    server.attempts.clear()
    if scenario == "who is signed in":
        server.accounts["admin@lab.local"] = ("Admin", "right-password", "admin")
        server.accounts["li@lab.local"] = ("Li", "x", "user")
    if scenario == "too many sign-ins":
        server.attempts["nobody@lab.local"] = 15


def _ask(server: FakeOpenWebUi, row: dict[str, Any]) -> httpx.Response:
    token = row.get("token", "<JWT>")
    if token == "user":
        token = "token-of-u@lab.local"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(transport=httpx.MockTransport(server.answer), base_url="http://ui") as client:
        return client.request(row["method"], row["path"], json=row["request"], headers=headers)


def _compare(told: Any, given: Any, where: str) -> None:
    """Errors word for word, settings value for value; of the rest what a client may lean on."""
    if not isinstance(told, dict):
        assert given == told, where
        return
    if isinstance(told.get("detail"), str):
        assert given["detail"][:36] == told["detail"][:36], where
    elif "detail" in told:
        told_of, given_of = ({one["loc"][-1] for one in answer["detail"]} for answer in (told, given))
        assert told_of <= given_of, where  # at least as strict
    elif "error" in told:
        assert given["error"] == told["error"] or given["error"]["message"] == told["error"]["message"], where
    else:
        assert {name for name in told if name in _OURS or name.isupper()} <= set(given), where
        for name in told:
            if name.isupper() and name not in _OURS and "DIRECT" not in name:
                assert given[name] == told[name], (where, name)
