"""The chat client against a simulated vLLM on a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.adapters.chat_http import HttpChatClient
from core.domain.chat import ChatParameters, Message
from core.errors import Rejected, Unreachable
from core.formats.openai_chat import chat_request
from tests.contract.endpoint_client import NOBODY
from tests.simulated import SimulatedServer, simulated

HELLO = [Message("user", "Hello")]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatedServer]:
    with simulated("--model", "tiny", "--api-key", "sk-1", "--reasoning", "--ttft-ms", "5", "--itl-ms", "1") as server:
        yield server


def test_an_answer_comes_in_pieces_with_the_servers_count(server: SimulatedServer) -> None:
    body = chat_request("tiny", HELLO, ChatParameters(max_tokens=40))
    pieces = list(HttpChatClient().stream(server.base_url, "sk-1", body))
    assert len([piece for piece in pieces if piece.content or piece.reasoning]) > 5
    assert "".join(piece.reasoning for piece in pieces)
    assert "".join(piece.content for piece in pieces)
    assert pieces[-1].output_tokens == 40


def test_refusals_have_their_names(server: SimulatedServer) -> None:
    client = HttpChatClient()
    for key, code in (("wrong", "endpoint_key_refused"), (None, "endpoint_key_missing")):
        with pytest.raises(Rejected) as raised:
            list(client.stream(server.base_url, key, chat_request("tiny", HELLO, ChatParameters())))
        assert raised.value.code == code
    with pytest.raises(Rejected, match="does not exist"):
        list(client.stream(server.base_url, "sk-1", chat_request("none", HELLO, ChatParameters())))
    with pytest.raises(Unreachable):
        list(client.stream(NOBODY, None, chat_request("tiny", HELLO, ChatParameters())))


def test_a_server_without_a_tool_parser_is_known(server: SimulatedServer) -> None:
    assert HttpChatClient().parses_tools(server.base_url, "sk-1", "tiny") is False
