"""Answers that stream into a bounded registry."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from core.domain.access import LOCAL_OPERATOR, Actor, Role
from core.domain.chat import AnswerState, ChatParameters, Message, Piece, rate
from core.errors import BadInput, NotFoundError, RefusedError, Rejected
from core.services import chat as registry
from core.services.chat import ChatService
from core.services.endpoints import EndpointService
from tests.fakes.chat_client import FakeChatClient
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.endpoint_store import FakeEndpointStore
from tests.fakes.secrets import FakeSecrets

URL = "http://127.0.0.1:8000/v1"
HELLO = [Message("user", "Hello")]


class World:
    """Time passes by hand; readers run when they are told to."""

    def __init__(self, *pieces: Piece | Rejected) -> None:
        clock, self.secrets = FakeClock(), FakeSecrets()
        client = FakeEndpointClient(clock, {URL: FakeServer("tiny", "sk-1")})
        endpoints = EndpointService(FakeEndpointStore(), client, self.secrets, clock)
        self.endpoint = endpoints.attach(LOCAL_OPERATOR, URL, key="sk-1")
        self.client = FakeChatClient(*pieces)
        self.now_s = 100.0
        self.readers: list[Callable[[], None]] = []
        self.chat = ChatService(endpoints, self.client, lambda: self.now_s, self.readers.append)

    def ask(self, **parameters: object) -> str:
        chosen = ChatParameters(**parameters)  # type: ignore[arg-type]
        return self.chat.ask(LOCAL_OPERATOR, self.endpoint.id, HELLO, chosen).id

    def read(self) -> None:
        self.readers.pop(0)()


def test_reasoning_and_answer_come_apart_with_the_servers_own_counts() -> None:
    world = World(Piece(reasoning="Hm. "), Piece(content="Yes"), Piece(content="."), Piece("", "", "stop", 12, 41))
    answer_id = world.ask()
    assert world.chat.look(LOCAL_OPERATOR, answer_id).state is AnswerState.WAITING
    world.read()
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.state, answer.reasoning, answer.content) == (AnswerState.DONE, "Hm. ", "Yes.")
    assert (answer.input_tokens, answer.output_tokens, answer.finish_reason) == (12, 41, "stop")


@pytest.mark.parametrize(
    ("pieces", "reasoning", "content"),
    [
        (["<think>", "\nHm.\n", "</think>\n\nYes."], "Hm.", "Yes."),
        (["Hm. 3 < 4.", "\n</think>", "\n\nYes."], "Hm. 3 < 4.", "Yes."),
        (["\n<think>\nHm"], "Hm", ""),
        (["<thi"], "", ""),
        (["<think>\n\n</think>\n\nYes."], "", "Yes."),
        (["It ends with `</think>`, as the template says.\nSo."], "", None),
        (["No thought here."], "", None),
    ],
)
def test_thinking_that_a_server_leaves_in_the_answer_is_taken_out(
    pieces: list[str], reasoning: str, content: str | None
) -> None:
    """Without a reasoning parser; DeepSeek-R1-0528's template opens the tag itself."""
    world = World(*(Piece(content=piece) for piece in pieces))
    answer_id = world.ask()
    world.read()
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.reasoning, answer.content) == (reasoning, "".join(pieces) if content is None else content)


def test_a_servers_own_reasoning_is_left_as_it_came() -> None:
    world = World(Piece(reasoning="Hm."), Piece(content="<think>is a tag</think>"))
    answer_id = world.ask()
    world.read()
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.reasoning, answer.content) == ("Hm.", "<think>is a tag</think>")


def test_what_is_sent_is_what_was_chosen() -> None:
    world = World()
    world.ask(system="Be brief.", max_tokens=64, temperature=0.6)
    world.read()
    ((url, key, body),) = world.client.asked
    assert (url, key) == (URL, "sk-1")
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert (body["max_tokens"], body["temperature"], "top_p" in body, "seed" in body) == (64, 0.6, False, False)


@pytest.mark.parametrize(
    ("tokens", "first_s", "last_s", "expected"),
    [(41, 0.2, 1.0, 50.0), (1, 0.2, 1.0, None), (None, 0.2, 1.0, None), (41, 0.2, 0.21, None), (41, None, None, None)],
)
def test_a_rate_is_of_the_tokens_after_the_first(
    tokens: int | None, first_s: float | None, last_s: float | None, expected: float | None
) -> None:
    found = rate(tokens, first_s, last_s)
    assert found == (None if expected is None else pytest.approx(expected))


def test_an_error_keeps_what_has_come() -> None:
    world = World(Piece(content="Half"), Rejected(url=URL, status=500, detail="EngineCore"))
    answer_id = world.ask()
    world.read()
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.state, answer.content) == (AnswerState.FAILED, "Half")
    assert answer.reason is not None
    assert answer.reason.params["detail"] == "EngineCore"


def test_a_stop_hangs_up() -> None:
    world = World(Piece(content="a"), Piece(content="b"))
    answer_id = world.ask()
    world.chat.stop(LOCAL_OPERATOR, answer_id)
    world.read()
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.state, answer.content) == (AnswerState.STOPPED, "")
    assert world.client.hung_up == 1


def test_a_stop_reaches_a_server_that_is_silent() -> None:
    world, silence = World(), threading.Event()
    world.client.pieces = [silence, Piece(content="late")]
    answer_id = world.ask()
    reader = threading.Thread(target=world.read, daemon=True)
    reader.start()
    world.chat.stop(LOCAL_OPERATOR, answer_id)
    reader.join(5.0)
    assert not reader.is_alive(), "the reader still waits for a first token"
    answer = world.chat.look(LOCAL_OPERATOR, answer_id)
    assert (answer.state, answer.content, world.client.hung_up) == (AnswerState.STOPPED, "", 1)
    assert not silence.is_set()


def test_what_nobody_looks_at_any_more_is_hung_up() -> None:
    world = World(Piece(content="a"), Piece(content="b"))
    first = world.ask()
    world.now_s += registry.ABANDONED_S + 1
    world.ask()
    world.read()
    assert world.client.hung_up == 1
    assert world.chat.look(LOCAL_OPERATOR, first).state is AnswerState.STOPPED


def test_a_page_behind_other_tabs_still_looks() -> None:
    """A browser lets a hidden page's clock strike once a minute."""
    world = World(Piece(content="a"), Piece(content="b"))
    answer_id = world.ask()
    world.now_s += 61
    assert world.chat.look(LOCAL_OPERATOR, answer_id).state.is_active
    world.read()
    assert world.chat.look(LOCAL_OPERATOR, answer_id).content == "ab"


def test_the_registry_is_bounded() -> None:
    world = World(Piece(content="x"))
    first = world.ask()
    for _ in range(registry.MAX_ACTIVE - 1):
        world.ask()
    with pytest.raises(RefusedError) as raised:
        world.ask()
    assert raised.value.code == "chat_busy"
    while world.readers:
        world.read()
    for _ in range(registry.MAX_ANSWERS):
        world.ask()
        world.read()
    with pytest.raises(NotFoundError):
        world.chat.look(LOCAL_OPERATOR, first)


def test_nobody_reads_somebody_elses_answer() -> None:
    world = World(Piece(content="secret"))
    answer_id = world.ask()
    other = Actor("vera", Role.VIEWER)
    with pytest.raises(NotFoundError):
        world.chat.look(other, answer_id)
    assert world.chat.ask(other, world.endpoint.id, HELLO, ChatParameters()).id != answer_id


def test_nothing_is_nothing_to_send() -> None:
    world = World()
    with pytest.raises(BadInput):
        world.chat.ask(LOCAL_OPERATOR, world.endpoint.id, [Message("user", "  ")], ChatParameters())
    assert world.client.asked == []
