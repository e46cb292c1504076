"""The chat client against a simulated vLLM on a real socket."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from core.adapters.chat_http import HttpChatClient
from core.domain.chat import ChatParameters, Message, Piece
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


HEADERS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class SilentServer:
    """Takes one request, says ``first`` and nothing more; ``hung_up`` when the client is gone."""

    def __init__(self, first: bytes) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.asked, self.hung_up, self._first = threading.Event(), threading.Event(), first
        self.base_url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/v1"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        line, _ = self.listener.accept()
        with line:
            assert line.recv(65_536)
            line.sendall(self._first)
            self.asked.set()
            while line.recv(65_536):
                pass
        self.hung_up.set()


@pytest.mark.parametrize("first", [b"", HEADERS])
def test_hanging_up_reaches_a_silent_server_at_once(first: bytes) -> None:
    """Before it has said anything, and while its first token is awaited."""
    server = SilentServer(first)
    stream = HttpChatClient().stream(server.base_url, None, chat_request("tiny", HELLO, ChatParameters()))
    pieces: list[Piece] = []
    reader = threading.Thread(target=lambda: pieces.extend(stream), daemon=True)
    with server.listener:
        reader.start()
        assert server.asked.wait(10.0)
        stream.hang_up()
        assert server.hung_up.wait(5.0), "the server still reckons"
    reader.join(5.0)
    assert not reader.is_alive(), "it reads on"
    assert pieces == []


TOKEN = b'data: {"choices": [{"delta": {"content": "Half"}}]}\n\n'
WHOLE = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (HEADERS + _chunk(TOKEN), "chat_broke_off"),
        (HEADERS + _chunk(TOKEN) + _chunk(b""), "chat_broke_off"),
        (HEADERS, "endpoint_dropped"),
        (HEADERS + _chunk(b""), "endpoint_dropped"),
        (HEADERS + _chunk(TOKEN) + _chunk(WHOLE) + _chunk(b""), None),
        (HEADERS + _chunk(TOKEN) + _chunk(b"data: [DONE]\n\n") + _chunk(b""), None),
    ],
)
def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(said: bytes, code: str | None) -> None:
    """Dropped in the middle, or ended by something between without the server's word that it is whole."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                assert line.recv(65_536)
                line.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        pieces: list[Piece] = []
        stream = HttpChatClient().stream(url, None, chat_request("tiny", HELLO, ChatParameters()))
        told = None
        try:
            pieces.extend(stream)
        except Unreachable as error:
            told = error.code
    assert told == code
    assert [piece.content for piece in pieces if piece.content] == (["Half"] if TOKEN in said else [])


def test_what_was_hung_up_before_is_not_asked() -> None:
    stream = HttpChatClient().stream(NOBODY, None, chat_request("tiny", HELLO, ChatParameters()))
    stream.hang_up()
    assert list(stream) == []


def test_a_server_without_a_tool_parser_is_known(server: SimulatedServer) -> None:
    assert HttpChatClient().parses_tools(server.base_url, "sk-1", "tiny") is False
