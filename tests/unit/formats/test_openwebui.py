"""Documents of every version that was read: only what is ours is edited, and errors are told apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.chat import ChatParameters, Message
from core.domain.webui import Area, Card, Connection, Documents, Switch
from core.formats import openai_chat, openwebui
from core.formats.openai_chat import StreamError

OPENAI = {
    "ENABLE_OPENAI_API": True,
    "OPENAI_API_BASE_URLS": ["http://a/v1", "http://b/v1"],
    "OPENAI_API_KEYS": ["ka"],
    "OPENAI_API_CONFIGS": {"0": {"enable": False, "tags": ["x"]}, "1": {"model_ids": ["m"]}},
}


def documents(**areas: object) -> Documents:
    return Documents({Area(name): document for name, document in areas.items()}, {})  # type: ignore[misc]


def test_a_missing_key_is_empty_and_configs_follow_their_connection() -> None:
    first, second = openwebui.read_settings(documents(openai=OPENAI)).connections
    assert (first.key, first.enabled, second.key, second.models) == ("ka", False, "", ("m",))
    dropped = openwebui.write_settings(
        documents(openai=OPENAI), replace(openwebui.read_settings(documents(openai=OPENAI)), connections=(second,))
    )
    written = dropped.areas[Area.OPENAI] or {}
    assert (written["OPENAI_API_BASE_URLS"], written["OPENAI_API_CONFIGS"]) == (
        ["http://b/v1"],
        {"0": {"model_ids": ["m"]}},
    )


def test_before_0_5_1_configs_were_kept_by_address() -> None:
    old = {**OPENAI, "OPENAI_API_CONFIGS": {"http://a/v1": {"enable": True}}}
    now = openwebui.read_settings(documents(openai=old))
    added = replace(now, connections=(*now.connections, Connection("http://c/v1", "kc", {"enable": True})))
    written = openwebui.write_settings(documents(openai=old), added).areas[Area.OPENAI] or {}
    assert set(written["OPENAI_API_CONFIGS"]) == {"http://a/v1", "http://c/v1"}


def test_nothing_to_set_leaves_every_document_as_it_is() -> None:
    found = documents(openai=OPENAI, tasks={"ENABLE_TITLE_GENERATION": True, "TASK_MODEL": ""})
    assert openwebui.write_settings(found, openwebui.read_settings(found)) is found


def test_other_metadata_survives_a_switch_of_the_tools() -> None:
    defaults = {
        "DEFAULT_MODELS": None,
        "DEFAULT_MODEL_METADATA": {"description": "d", "capabilities": {"vision": False}},
        "MODEL_ORDER_LIST": ["m"],
    }
    found = documents(defaults=defaults)
    off = openwebui.write_settings(found, replace(openwebui.read_settings(found), builtin_tools=False))
    written = off.areas[Area.DEFAULTS] or {}
    assert written["DEFAULT_MODEL_METADATA"]["capabilities"] == {"vision": False, "builtin_tools": False}
    back = openwebui.write_settings(off, replace(openwebui.read_settings(off), builtin_tools=None))
    assert back.areas[Area.DEFAULTS] == defaults


def test_a_setting_that_a_version_lacks_is_not_known() -> None:
    now = openwebui.read_settings(documents(tasks={"ENABLE_TAGS_GENERATION": False}, defaults={"DEFAULT_MODELS": "m"}))
    assert (now.switches[Switch.TITLE], now.switches[Switch.TAGS]) == (None, False)
    assert (now.knows_builtin_tools, now.user_connections, now.ollama_on) == (False, None, None)


@pytest.mark.parametrize(
    ("card", "public"),
    [
        ({"access_grants": [{"principal_id": "*", "permission": "read"}]}, True),
        ({"access_grants": []}, False),
        ({"access_control": None}, True),
        ({"access_control": {"read": {}}}, False),
    ],
)
def test_who_may_see_a_model_is_spelled_in_two_ways(card: dict[str, object], public: bool) -> None:
    found = Documents({}, {"m": {"id": "m", "name": "M", "meta": {"description": None}, **card}})
    assert openwebui.read_settings(found).cards["m"] == Card("M", "", public)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"detail":"Model not found"}', ("Model not found", False)),
        (b'{"error":{"message":"no tool parser"}}', ("no tool parser", True)),
        (b'{"error":"Unauthorized"}', ("Unauthorized", True)),
        (b'{"detail":[{"msg":"Field required"}]}', ("Field required", False)),
        (b"<!doctype html>", ("", False)),
        (b"[]", ("", False)),
    ],
)
def test_whose_words_an_error_are(body: bytes, told: tuple[str, bool]) -> None:
    assert openwebui.error_detail(body) == told


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"choices": [{"message": {"content": "", "reasoning": "hm"}}]}, "hm"),
        ({"choices": [{"message": {"content": None}}]}, ""),
        ({"choices": []}, None),
        ({"status": True, "task_ids": ["x"]}, None),
        ("x", None),
    ],
)
def test_a_probe_counts_when_a_message_came(answer: object, text: str | None) -> None:
    assert openwebui.read_probe(answer) == text


def test_a_streams_events_one_by_one() -> None:
    read = openai_chat.read_piece
    piece = read('data: {"choices":[{"delta":{"reasoning_content":"a"},"finish_reason":null}]}')
    assert piece is not None
    assert (piece.reasoning, piece.content) == ("a", "")
    usage = read('data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":7}}')
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (3, 7)
    assert [read(line) for line in ("", ": ping", "data: [DONE]", "data: {", "event: x")] == [None] * 5
    with pytest.raises(StreamError, match="gone"):
        read('data: {"error":{"message":"gone"}}')


def test_nothing_is_sent_that_nobody_chose() -> None:
    body = openai_chat.chat_request("m", [Message("user", "x")], ChatParameters(max_tokens=None))
    assert set(body) == {"model", "messages", "stream", "stream_options"}
