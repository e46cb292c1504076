"""The services of Open WebUI over a database of their own, the real client, and an Open WebUI in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from core.adapters.catalog_files import load_catalog
from core.adapters.database.store import DatabaseStore
from core.adapters.openwebui_http import HttpWebUiAdmin
from core.domain.access import LOCAL_OPERATOR
from core.domain.catalog import Catalog
from core.domain.endpoint import Endpoint
from core.domain.webui import Access, ConnectPlan, UpstreamRequest, WebUiInfo, Wishes
from core.services.endpoints import EndpointService
from core.services.webui import Applied
from core.services.webui_containers import WebUiContainers
from core.services.webui_room import WebUiRoom, webui_room
from tests.fakes.chat_client import FakeChatClient
from tests.fakes.clock import FakeClock
from tests.fakes.endpoint_client import FakeEndpointClient, FakeServer
from tests.fakes.engine import FakeEngine
from tests.fakes.host_probe import FakeHostProbe
from tests.fakes.job_queue import FakeJobQueue
from tests.fakes.open_webui import ADMIN, PASSWORD, FakeOpenWebUi, FakeUpstream
from tests.fakes.secrets import FakeSecrets

UI = "http://127.0.0.1:18080"
R1 = "http://127.0.0.1:8000/v1"
QWEN = "http://127.0.0.1:8001/v1"
OUTWARD = "10.0.0.5"


class FakeAddresses:
    """A machine with one address."""

    def __init__(self) -> None:
        self.address: str | None = OUTWARD

    def outward(self) -> str | None:
        return self.address


class World:
    """One Open WebUI at UI with an administrator, one model server at R1; more are put in."""

    def __init__(self, database: DatabaseStore, version: str = "0.12.4", **server: Any) -> None:
        self.clock = FakeClock()
        self.secrets = FakeSecrets()
        self.client = FakeEndpointClient(self.clock)
        ids = itertools.count(1)
        self.endpoints = EndpointService(
            database.endpoints, self.client, self.secrets, self.clock, lambda: f"ep-{next(ids)}"
        )
        self.server = FakeOpenWebUi(version, **{"fresh": False, **server})
        self.chat = FakeChatClient()
        self.store = database
        self.engine = FakeEngine({"open-webui:test": "sha256:" + "2" * 64})
        self.queue = FakeJobQueue()
        self.addresses = FakeAddresses()
        self.room = self._room(Catalog, {})
        self.r1 = self.serve(R1, "DeepSeek-R1-0528", "token-abc123")

    def containers(self, registries: dict[str, str]) -> WebUiContainers:
        """Over the catalog that is shipped, and a team's own registries."""
        return self._room(load_catalog, registries).containers

    def _room(self, catalog: Callable[[], Catalog], registries: dict[str, str]) -> WebUiRoom:
        return webui_room(
            store=self.store,
            queue=self.queue,
            engine=self.engine,
            endpoints=self.endpoints,
            client=self.client,
            chat=self.chat,
            admin=HttpWebUiAdmin(self.server.client),
            addresses=self.addresses,
            secrets=self.secrets,
            clock=self.clock,
            probe=FakeHostProbe(),
            catalog=catalog,
            registries=registries,
        )

    def serve(self, url: str, name: str, key: str, inside: str | None = None) -> Endpoint:
        """A model server that answers here at ``url`` and from inside at ``inside``."""
        self.client.servers[url] = FakeServer(name, key)
        self.server.upstreams[inside or url] = FakeUpstream(name, key)
        return self.endpoints.attach(LOCAL_OPERATOR, url, key=key)

    def info(self) -> WebUiInfo:
        return self.room.connect.look(UI)

    def access(self) -> Access:
        return self.room.connect.sign_in(LOCAL_OPERATOR, self.info(), ADMIN, PASSWORD)

    def plan(self, *endpoints: Endpoint, wishes: Wishes | None = None, **request: Any) -> ConnectPlan:
        requests = [UpstreamRequest(one.id, **request) for one in endpoints or (self.r1,)]
        return self.room.connect.plan(self.info(), self.access(), requests, wishes or Wishes())

    def connect(self, *endpoints: Endpoint, **request: Any) -> Applied:
        return self.room.connect.apply(LOCAL_OPERATOR, self.plan(*endpoints, **request), self.access())
