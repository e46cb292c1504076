"""The EndpointClient contract against a real vLLM in a container."""

from __future__ import annotations

import pytest

from core.adapters.endpoint_http import HttpEndpointClient
from tests.contract.endpoint_client import EndpointClientContract, Served
from tests.fakes.clock import FakeClock


@pytest.mark.real
class TestRealVllm(EndpointClientContract):
    """``vllm_endpoint`` (conftest.py) is a Served."""

    @pytest.fixture
    def served(self, vllm_endpoint: Served) -> Served:
        return vllm_endpoint

    @pytest.fixture
    def client(self) -> HttpEndpointClient:
        return HttpEndpointClient(FakeClock())
