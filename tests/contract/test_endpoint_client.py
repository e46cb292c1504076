"""The contract, against the fake and against the simulated vLLM over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.adapters.endpoint_http import HttpEndpointClient
from core.domain.endpoint import Task
from core.domain.finding import blocking
from core.errors import Rejected
from tests.contract.endpoint_client import EndpointClientContract, Served
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.simulated import simulated


class TestFake(EndpointClientContract):
    """In memory."""

    @pytest.fixture
    def served(self) -> Served:
        return Served("http://127.0.0.1:8000/v1", "tiny", "right", 4096, 4000)

    @pytest.fixture
    def client(self, served: Served) -> FakeEndpointClient:
        return FakeEndpointClient(FakeClock(), {served.base_url: FakeServer(key=served.key)})


class TestSimulated(EndpointClientContract):
    """Over a socket."""

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Served]:
        with simulated(
            "--model", "tiny", "--api-key", "right", "--vocab", "151936", "--max-model-len", "8192"
        ) as server:
            yield Served(server.base_url, server.served_name, "right", 8192, 151936)

    @pytest.fixture
    def client(self) -> HttpEndpointClient:
        return HttpEndpointClient(FakeClock())


class TestSimulatedWithoutKey(TestSimulated):
    """A server that takes any key."""

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls) -> Iterator[Served]:
        with simulated("--model", "tiny") as server:
            yield Served(server.base_url, server.served_name, None, 4096, 4000)

    def test_a_key_that_is_not_needed_is_noted(self, client: HttpEndpointClient, served: Served) -> None:
        codes = [finding.code for finding in client.check(served.base_url, "any").findings]
        assert codes == ["endpoint_key_not_needed", "endpoint_simulated"]


@pytest.mark.parametrize("task", [Task.EMBED, Task.SCORE])
def test_a_server_that_writes_no_text_is_known_for_what_it_does(task: Task) -> None:
    client = HttpEndpointClient(FakeClock())
    with simulated("--model", "bge", "--api-key", "right", "--task", task) as server:
        check = client.check(server.base_url, "right")
        assert (check.task, check.serves, check.usable) == (task, True, False)
        assert blocking(check.findings) == ()
        assert f"endpoint_{task}" in {finding.code for finding in check.findings}
        for first in Task:
            assert client.answer_once(server.base_url, "right", "bge", first=first) in {task, first}
        with pytest.raises(Rejected) as raised:
            client.answer_once(server.base_url, "wrong", "bge")
        assert raised.value.code == "endpoint_key_refused"
