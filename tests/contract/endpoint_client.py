"""What every EndpointClient does, whoever answers: the fake, the simulated vLLM, a real one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from core.domain.endpoint import KeyState, Task
from core.domain.finding import blocking
from core.errors import Rejected, Unreachable
from core.ports import EndpointClient

NOBODY = "http://127.0.0.1:9/v1"
"""The discard port: nothing listens there."""


@dataclass(frozen=True)
class Served:
    """A server that a contract runs against."""

    base_url: str
    served_name: str
    key: str | None
    max_model_len: int
    vocabulary_size: int


class EndpointClientContract:
    """Subclasses give the fixtures ``client`` and ``served``."""

    def test_a_check_tells_what_is_there(self, client: EndpointClient, served: Served) -> None:
        check = client.check(served.base_url, served.key)
        assert blocking(check.findings) == ()
        assert check.usable
        assert check.served_name == served.served_name
        assert check.max_model_len == served.max_model_len
        assert check.vocabulary_size == served.vocabulary_size
        assert check.server_version
        assert (check.streams, check.has_metrics, check.has_tokenize) == (True, True, True)
        assert check.reasons is False
        assert check.latency_ms is not None

    def test_an_asked_for_model_is_found(self, client: EndpointClient, served: Served) -> None:
        assert client.check(served.base_url, served.key, served.served_name).served_name == served.served_name

    def test_an_unknown_model_is_named_beside_those_that_are_served(
        self, client: EndpointClient, served: Served
    ) -> None:
        check = client.check(served.base_url, served.key, "no-such-model")
        (finding,) = blocking(check.findings)
        assert (finding.code, finding.field) == ("endpoint_model_unknown", "served_name")
        assert served.served_name in str(finding.params["names"])
        assert check.reachable
        assert not check.usable

    def test_the_key_is_asked_for_and_judged(self, client: EndpointClient, served: Served) -> None:
        if served.key is None:
            assert client.check(served.base_url, None).key_state is KeyState.OPEN
            return
        assert client.check(served.base_url, served.key).key_state is KeyState.ACCEPTED
        for key, state in ((None, KeyState.MISSING), ("wrong", KeyState.REFUSED)):
            check = client.check(served.base_url, key)
            assert check.key_state is state
            assert [finding.code for finding in blocking(check.findings)] == [f"endpoint_key_{state}"]
            with pytest.raises(Rejected) as raised:
                client.complete_once(served.base_url, key, served.served_name)
            assert raised.value.code == f"endpoint_key_{state}"

    def test_a_completion_answers(self, client: EndpointClient, served: Served) -> None:
        assert isinstance(client.complete_once(served.base_url, served.key, served.served_name), str)

    def test_what_a_model_does_is_found_out(self, client: EndpointClient, served: Served) -> None:
        for first in (Task.GENERATE, Task.EMBED):
            assert client.answer_once(served.base_url, served.key, served.served_name, first=first) is Task.GENERATE
        assert client.check(served.base_url, served.key).task is Task.GENERATE
        with pytest.raises(Rejected) as raised:
            client.answer_once(served.base_url, served.key, "no-such-model")
        assert raised.value.params["status"] == 404

    def test_a_completion_of_an_unknown_model_is_rejected(self, client: EndpointClient, served: Served) -> None:
        with pytest.raises(Rejected) as raised:
            client.complete_once(served.base_url, served.key, "no-such-model")
        assert raised.value.params["status"] == 404
        assert "no-such-model" in str(raised.value.params["detail"])

    def test_health_and_metrics(self, client: EndpointClient, served: Served) -> None:
        assert client.is_healthy(served.base_url)
        metrics = client.metrics(served.base_url)
        assert metrics is not None
        assert metrics["num_requests_running"] == 0.0

    def test_where_nobody_listens(self, client: EndpointClient) -> None:
        check = client.check(NOBODY, None)
        assert not check.reachable
        assert [(finding.code, finding.field) for finding in check.findings] == [("endpoint_refused", "url")]
        assert not client.is_healthy(NOBODY)
        assert client.metrics(NOBODY) is None
        with pytest.raises(Unreachable) as raised:
            client.complete_once(NOBODY, None, "tiny")
        assert raised.value.code == "endpoint_refused"

    def test_this_machine_has_one_address(self, client: EndpointClient) -> None:
        assert client.resolve("http://localhost:8000/v1") == client.resolve("http://127.0.0.1:8000/llm/v1")
        assert client.resolve("http://[::1]:8000/v1") == ("127.0.0.1", 8000)
