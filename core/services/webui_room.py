"""Everything about Open WebUI in one place, wired: what a page, a command and the worker hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.domain.catalog import Catalog
from core.domain.webui import WebUi
from core.ports import (
    ChatClient,
    Clock,
    ContainerEngine,
    EndpointClient,
    HostAddresses,
    HostProbe,
    JobQueue,
    Secrets,
    Store,
    WebUiAdmin,
)
from core.services.endpoints import EndpointService
from core.services.webui import WebUiService
from core.services.webui_address import address_for_colleagues
from core.services.webui_containers import WebUiContainers
from core.services.webui_doctor import WebUiDoctor
from core.services.webui_links import WebUiLinks
from core.services.webui_steps import WebUiSteps
from core.services.webui_upstreams import UpstreamFinder


@dataclass(frozen=True)
class Taken:
    """``calls``: finished, running and waiting. ``input_tokens``: of all of them, tool descriptions included; a server
    counts tokens and no bytes. None: not told."""

    calls: int
    input_tokens: int | None = None


@dataclass(frozen=True)
class WebUiRoom:
    """``connect``: look, plan, write, undo. ``doctor``: check again. ``containers``: ours. ``steps``: the worker's.
    ``links``: from a service to where people chat with it."""

    connect: WebUiService
    doctor: WebUiDoctor
    containers: WebUiContainers
    steps: WebUiSteps
    links: WebUiLinks
    endpoints: EndpointService
    client: EndpointClient
    addresses: HostAddresses

    def address_for_colleagues(self, webui: WebUi) -> str | None:
        """See webui_address: never loopback, None where there is no other."""
        return address_for_colleagues(webui, self.addresses)

    def taken(self, endpoint_id: str) -> Taken | None:
        """What the model server has been asked since it started, by its own counters; None where it has none."""
        found = self.client.metrics(self.endpoints.get(endpoint_id).base_url)
        done = (found or {}).get("request_success_total")
        if found is None or done is None:
            return None
        calls = done + found.get("num_requests_running", 0) + found.get("num_requests_waiting", 0)
        tokens = found.get("prompt_tokens_total")
        return Taken(round(calls), None if tokens is None else round(tokens))


def webui_room(
    *,
    store: Store,
    queue: JobQueue,
    engine: ContainerEngine,
    endpoints: EndpointService,
    client: EndpointClient,
    chat: ChatClient,
    admin: WebUiAdmin,
    addresses: HostAddresses,
    secrets: Secrets,
    clock: Clock,
    probe: HostProbe,
    catalog: Callable[[], Catalog],
    registries: Mapping[str, str],
) -> WebUiRoom:
    """The services of this room over their ports."""
    finder = UpstreamFinder(endpoints, store.deployments, client, chat, admin, addresses)
    connect = WebUiService(store.webuis, admin, finder, secrets, clock)
    doctor = WebUiDoctor(connect, store.webuis, admin, client, addresses, clock)
    containers = WebUiContainers(
        store=store,
        queue=queue,
        engine=engine,
        finder=finder,
        secrets=secrets,
        clock=clock,
        probe=probe,
        catalog=catalog,
        registries=registries,
    )
    steps = WebUiSteps(store, engine, admin, connect, doctor, secrets, clock)
    links = WebUiLinks(connect, secrets)
    return WebUiRoom(connect, doctor, containers, steps, links, endpoints, client, addresses)
