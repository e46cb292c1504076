"""Our own chat: an answer streams in, reasoning apart, with what it took; two endpoints side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import streamlit as st

from core.bootstrap import App
from core.domain.access import LOCAL_OPERATOR
from core.domain.chat import Piece
from core.errors import Rejected
from core.services.chat import ChatService
from core.services.endpoints import EndpointService
from tests.fakes.chat_client import FakeChatClient
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.pages.conftest import Open
from tests.pages.test_shell import sentences
from ui import session

ONE, TWO = "http://10.0.0.5:8000/v1", "http://10.0.0.6:8000/v1"


@pytest.fixture
def client(app: App) -> FakeChatClient:
    """Two endpoints whose answers are there at once."""
    network = FakeEndpointClient(app.clock, {ONE: FakeServer("alpha"), TWO: FakeServer("beta")})
    endpoints = EndpointService(app.store.endpoints, network, app.secrets, app.clock)
    for url in (ONE, TWO):
        endpoints.attach(LOCAL_OPERATOR, url)
    client = FakeChatClient(Piece(reasoning="Let me see."), Piece(content="Forty-two."), Piece("", "", "stop", 5, 9))
    chat = ChatService(endpoints, client, spawn=lambda read: read())
    session.install(replace(app, endpoints=endpoints, chat=chat))
    return client


def test_an_answer_with_its_reasoning_folded_and_its_figures(client: FakeChatClient, open_page: Open) -> None:
    at = open_page("chat").chat_input(key="chat_message").set_value("What is it?").run()
    assert not at.exception
    written = sentences(at).replace("\\", "")
    assert "Forty-two." in written
    assert "9 tokens" in written
    assert "TTFT" in written
    (fold,) = [one for one in at.expander if one.label == "Reasoning"]
    assert fold.markdown[0].value == "Let me see."
    at = at.chat_input(key="chat_message").set_value("And then?").run()
    said = [message["content"] for message in client.asked[-1][2]["messages"]]
    assert said == ["What is it?", "Forty-two.", "And then?"], "reasoning is not sent back"
    at = at.button(key="chat_new").click().run()
    assert "Forty-two." not in sentences(at)


def test_an_answer_outlives_reruns_and_a_stop_ends_it_in_its_silence(
    app: App, client: FakeChatClient, open_page: Open
) -> None:
    going_on = threading.Event()
    client.pieces = [Piece(content="Forty-"), going_on, Piece(content="never")]
    service = ChatService(session.app().endpoints, client)
    session.install(replace(session.app(), chat=service))
    at = open_page("chat")
    at.text_area(key="chat_system").set_value("Be brief.")
    at.number_input(key="chat_max_tokens").set_value(64)
    at.number_input(key="chat_temperature").set_value(0.6)
    at.number_input(key="chat_seed").set_value(7)
    at = at.chat_input(key="chat_message").set_value("What is it?").run()
    for _ in range(2):
        at = at.run()
        assert not at.exception
        assert "Forty-" in sentences(at)
        assert at.chat_input(key="chat_message").disabled
    ((_, _, body),) = client.asked
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["max_tokens"], body["temperature"], body["seed"], "top_p" in body) == (64, 0.6, 7, False)
    at = at.button(key="chat_stop").click().run()
    assert client.streams[0].hung_up.is_set()
    assert not going_on.is_set(), "the model is still silent"
    assert "Stopped" in sentences(at)
    assert "chat_stop" not in [button.key for button in at.button]


def test_an_answer_that_was_forgotten_ends_the_waiting(client: FakeChatClient, open_page: Open) -> None:
    client.pieces = [threading.Event()]
    service = ChatService(session.app().endpoints, client, spawn=lambda read: None)
    session.install(replace(session.app(), chat=service))
    at = open_page("chat").chat_input(key="chat_message").set_value("Hello").run()
    assert at.chat_input(key="chat_message").disabled
    session.install(replace(session.app(), chat=ChatService(session.app().endpoints, client)))
    at = at.run()
    assert not at.exception
    assert "kept no longer" in sentences(at)
    assert not at.run().chat_input(key="chat_message").disabled, "there is nothing to wait for"


def test_two_endpoints_get_the_same_message(client: FakeChatClient, open_page: Open) -> None:
    at = open_page("chat")
    at.multiselect(key="chat_endpoints").select(at.multiselect(key="chat_endpoints").options[1]).run()
    at = at.chat_input(key="chat_message").set_value("Hello").run()
    assert not at.exception
    assert {url for url, _, _ in client.asked} == {ONE, TWO}
    assert {"**alpha**", "**beta**"} <= {block.value for block in at.markdown}


def test_two_side_by_side_are_still_so_after_another_page(client: FakeChatClient, open_page: Open) -> None:
    at = open_page("chat")
    at.multiselect(key="chat_endpoints").select(at.multiselect(key="chat_endpoints").options[1]).run()
    at.chat_input(key="chat_message").set_value("Hello").run()
    at.switch_page("../pages/endpoints.py").run()
    at = at.switch_page("../pages/chat.py").run()
    assert not at.exception
    assert at.session_state["chat_endpoints"] == [one.id for one in session.app().endpoints.list()]
    assert {"**alpha**", "**beta**"} <= {block.value for block in at.markdown}


def test_a_conversation_is_saved_where_that_is_asked_for(
    client: FakeChatClient, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[str] = []
    monkeypatch.setattr(st, "download_button", lambda label, data, **rest: offered.append(data))
    at = open_page("chat")
    assert offered == []
    at.chat_input(key="chat_message").set_value("What is it?").run()
    assert offered[-1] == "**You**\n\nWhat is it?\n\n---\n\n**alpha**\n\nForty-two.\n"


def test_a_link_names_the_endpoint_whatever_was_picked_before(client: FakeChatClient, open_page: Open) -> None:
    at = open_page("chat")
    one, two = (endpoint.id for endpoint in session.app().endpoints.list())
    assert at.session_state["chat_endpoints"] == [one]
    at.query_params["endpoint"] = two
    assert at.run().session_state["chat_endpoints"] == [two]
    at.multiselect(key="chat_endpoints").set_value([]).run()
    assert at.session_state["chat_endpoints"] == [], "it leads there once"


def test_an_answer_that_is_not_drawn_ends_the_waiting_too(client: FakeChatClient, open_page: Open) -> None:
    going_on = threading.Event()
    client.pieces = [Piece(content="Forty-"), going_on, Piece(content="two."), Piece("", "", "stop", 5, 9)]
    readers: list[Callable[[], None]] = []
    service = ChatService(session.app().endpoints, client, spawn=readers.append)
    session.install(replace(session.app(), chat=service))
    at = open_page("chat")
    at.multiselect(key="chat_endpoints").select(at.multiselect(key="chat_endpoints").options[1]).run()
    at.chat_input(key="chat_message").set_value("Hello").run()
    at = at.multiselect(key="chat_endpoints").set_value(at.session_state["chat_endpoints"][:1]).run()
    assert len(at.session_state["chat_endpoints"]) == 1
    assert at.chat_input(key="chat_message").disabled
    going_on.set()
    for read in readers:
        read()
    at = at.run()
    assert not at.exception
    assert not at.chat_input(key="chat_message").disabled
    assert "chat_stop" not in [button.key for button in at.button]


def test_an_error_is_told_in_the_servers_words(client: FakeChatClient, open_page: Open) -> None:
    client.pieces = [Rejected(url=ONE, status=400, detail="context length exceeded")]
    at = open_page("chat").chat_input(key="chat_message").set_value("Hello").run()
    assert not at.exception
    assert "context length exceeded" in sentences(at).replace("\\", "")
