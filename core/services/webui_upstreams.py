"""The services to chat with: whether they answer here, and under which address Open WebUI reaches them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.domain.endpoint import Endpoint, UrlError, canonical_url, host_and_port
from core.domain.finding import Finding, Severity, blocking
from core.domain.succession import moved_url, successor
from core.domain.webui import Access, Connected, Upstream, UpstreamRequest, WebUiInfo
from core.errors import AppError, EndpointError, WebUiError
from core.ports import ChatClient, DeploymentStore, EndpointClient, HostAddresses, WebUiAdmin
from core.services.endpoints import EndpointService, Offer

_LOOPBACK = "127.0.0.1"
_FROM_A_BRIDGE = ("host.docker.internal", "172.17.0.1")
"""Names and addresses under which a container on Docker's default bridge knows its host."""


@dataclass(frozen=True)
class Serving:
    """A service that was connected, the endpoint that serves it now (itself, or its successor), and the address under
    which Open WebUI reached it, or should reach it by now."""

    connected: Connected
    endpoint: Endpoint
    url: str
    key: str = field(repr=False)

    @property
    def upstream(self) -> Upstream:
        """What connecting it again would write."""
        one, name = self.connected, self.endpoint.served_name
        was = one.served_name if one.served_name != name else None
        return Upstream(self.endpoint.id, self.url, self.key, name, one.card, one.parses_tools, one.url, was)

    @property
    def request(self) -> UpstreamRequest:
        """What connecting it again asks for: a new address is found out, one that stayed is kept."""
        stays = self.url == self.connected.url
        return UpstreamRequest(self.endpoint.id, self.url if stays else None, self.connected.card)


class UpstreamFinder:
    """Codes of its findings: the endpoint check's own, webui_service_silent (name), webui_route_key, webui_route_path,
    webui_route_unreachable, webui_route_loopback, webui_route_no_model."""

    def __init__(
        self,
        endpoints: EndpointService,
        deployments: DeploymentStore,
        client: EndpointClient,
        chat: ChatClient,
        admin: WebUiAdmin,
        addresses: HostAddresses,
    ) -> None:
        self._endpoints = endpoints
        self._deployments = deployments
        self._client = client
        self._chat = chat
        self._admin = admin
        self._addresses = addresses
        self._tools: dict[tuple[str, datetime | None], bool | None] = {}

    def find(
        self,
        info: WebUiInfo,
        access: Access,
        requests: Sequence[UpstreamRequest],
        before: Sequence[Connected],
        offers: Sequence[Offer] = (),
    ) -> tuple[tuple[Upstream, ...], tuple[Finding, ...]]:
        """Those that answer from both sides, and why the others do not. ``offers``: services that are not stored."""
        found: list[Upstream] = []
        findings: list[Finding] = []
        offered = {offer.endpoint.id: offer for offer in offers}
        served = [one for one in self.serving(before) if one.connected.endpoint_id != one.endpoint.id]
        for request in requests:
            service = self._service(request, offered)
            outcome = self._one(info, access, request, service, self._before(service[0], requests, before, served))
            if isinstance(outcome, Upstream):
                found.append(outcome)
            else:
                findings.extend(outcome)
        return tuple(found), tuple(findings)

    def _service(self, request: UpstreamRequest, offered: Mapping[str, Offer]) -> tuple[Endpoint, str]:
        """The endpoint and its key, stored or offered."""
        offer = offered.get(request.endpoint_id)
        endpoint = offer.endpoint if offer else self._endpoints.get(request.endpoint_id)
        key = offer.key if offer else None
        return endpoint, key or self._endpoints.key_of(endpoint) or ""

    def serving(self, connected: Sequence[Connected]) -> tuple[Serving, ...]:
        """What serves now what was connected, with its name and key of now; those that are gone are left out."""
        if not connected:
            return ()
        endpoints = {one.id: one for one in self._endpoints.list(include_archived=True)}
        archived = any(one.endpoint_id in endpoints and endpoints[one.endpoint_id].archived_at for one in connected)
        containers = {one.id: one.name for one in self._deployments.list()} if archived else {}
        taken = {one.endpoint_id for one in connected}
        free = [one for one in endpoints.values() if one.id not in taken]
        found: list[Serving] = []
        for one in connected:
            old = endpoints.get(one.endpoint_id)
            new = successor(old, free, containers) if old else None
            if old is None or (new is None and old.archived_at is not None):
                continue
            endpoint = new or old
            moved = endpoint.base_url != old.base_url
            url = moved_url(one.url, old.base_url, endpoint.base_url) if moved else one.url
            found.append(Serving(one, endpoint, url, self._endpoints.key_of(endpoint) or ""))
            free = [left for left in free if left is not new]
        return tuple(found)

    def _before(
        self,
        endpoint: Endpoint,
        requests: Sequence[UpstreamRequest],
        connected: Sequence[Connected],
        served: Sequence[Serving],
    ) -> Connected | None:
        """What we connected for this service: the same endpoint, or one that it has taken the place of."""
        asked = {one.endpoint_id for one in requests}
        for one in connected:
            if one.endpoint_id == endpoint.id:
                return one
        heirs = (one.connected for one in served if one.endpoint.id == endpoint.id)
        return next((one for one in heirs if one.endpoint_id not in asked), None)

    def for_container(
        self, requests: Sequence[UpstreamRequest], *, on_host: bool
    ) -> tuple[tuple[Upstream, ...], tuple[Finding, ...]]:
        """For a container that is still to be made: by address alone. On the host's network loopback
        is this machine; on a bridge it needs an address that is not."""
        found: list[Upstream] = []
        findings: list[Finding] = []
        for request in requests:
            endpoint = self._endpoints.get(request.endpoint_id)
            url = self._from_container(endpoint.base_url, on_host)
            if url is None:
                params = {"upstream": endpoint.base_url, "name": endpoint.name, "address": None}
                findings.append(Finding("webui_route_loopback", Severity.BLOCK, "network", params))
                continue
            key = self._endpoints.key_of(endpoint) or ""
            tools = self._known_tools(endpoint, key)
            found.append(Upstream(endpoint.id, url, key, endpoint.served_name, request.card, tools))
        return tuple(found), tuple(findings)

    def _known_tools(self, endpoint: Endpoint, key: str) -> bool | None:
        """Asked once for each check of the endpoint: a plan is drawn again with every keystroke."""
        seen = (endpoint.id, endpoint.check.checked_at if endpoint.check else None)
        if seen not in self._tools:
            self._tools[seen] = self._parses_tools(endpoint, key)
        return self._tools[seen]

    def _from_container(self, base_url: str, on_host: bool) -> str | None:
        host, port = host_and_port(base_url)
        if on_host or (not host.startswith("127.") and host not in {"localhost", "::1"}):
            return base_url
        outward = self._addresses.outward()
        path = base_url.partition("://")[2].partition("/")[2]
        return f"{base_url.partition('://')[0]}://{outward}:{port}/{path}" if outward else None

    # ------------------------------------------------------------ one service

    def _one(
        self,
        info: WebUiInfo,
        access: Access,
        request: UpstreamRequest,
        service: tuple[Endpoint, str],
        before: Connected | None,
    ) -> Upstream | list[Finding]:
        endpoint, key = service
        check = self._client.check(endpoint.base_url, key or None, endpoint.served_name)
        if blocks := blocking(check.findings):
            return [_beside(finding, endpoint) for finding in blocks]
        try:
            url = self._route(info, access, endpoint, key, request.url)
        except (WebUiError, UrlError) as error:
            return [Finding(error.code, Severity.BLOCK, "endpoints", {"name": endpoint.name, **error.params})]
        return Upstream(
            endpoint_id=endpoint.id,
            url=url,
            key=key,
            served_name=endpoint.served_name,
            card=request.card or (before.card if before else None),
            parses_tools=self._parses_tools(endpoint, key),
            replaces=before.url if before else None,
            was=before.served_name if before and before.served_name != endpoint.served_name else None,
        )

    def _parses_tools(self, endpoint: Endpoint, key: str) -> bool | None:
        try:
            return self._chat.parses_tools(endpoint.base_url, key or None, endpoint.served_name)
        except EndpointError:
            return None

    def _route(self, info: WebUiInfo, access: Access, endpoint: Endpoint, key: str, stated: str | None) -> str:
        """The first address under which Open WebUI itself sees the model. Raises WebUiError."""
        first: WebUiError | None = None
        for url in [canonical_url(stated)] if stated else self._candidates(info, endpoint.base_url):
            try:
                models = self._admin.verify(info.url, access, url, key)
            except WebUiError as error:
                if error.code in {"webui_token_refused", "webui_not_admin"}:
                    raise
                first = first or error
                continue
            if endpoint.served_name in models:
                return url
            first = first or WebUiError(
                "webui_route_no_model", upstream=url, model=endpoint.served_name, names=", ".join(models[:10])
            )
        raise self._explained(first, endpoint)

    def _candidates(self, info: WebUiInfo, base_url: str) -> list[str]:
        """The endpoint's own address first; loopback means another machine to whoever is not on this one."""
        host, port = host_and_port(base_url)
        if not self._is_here(base_url):
            return [base_url]
        outward = self._addresses.outward()
        others = [outward, *_FROM_A_BRIDGE] if self._is_here(info.url) else [outward]
        hosts = [host, *others] if self._is_here(info.url) or host == outward else others
        path = base_url.partition("://")[2].partition("/")[2]
        scheme = base_url.partition("://")[0]
        return list(dict.fromkeys(f"{scheme}://{one}:{port}/{path}" for one in hosts if one))

    def _is_here(self, url: str) -> bool:
        try:
            return self._client.resolve(url)[0] == _LOOPBACK
        except EndpointError:
            return False

    def _explained(self, error: WebUiError | None, endpoint: Endpoint) -> AppError:
        """Nobody there, under an address that is only ours: the container's loopback is its own."""
        if error is None:
            return WebUiError("webui_route_loopback", upstream=endpoint.base_url, address=self._addresses.outward())
        if error.code == "webui_route_unreachable" and self._is_here(endpoint.base_url):
            return WebUiError("webui_route_loopback", upstream=endpoint.base_url, address=self._addresses.outward())
        return error


def _beside(finding: Finding, endpoint: Endpoint) -> Finding:
    return Finding(finding.code, finding.severity, "endpoints", {**finding.params, "name": endpoint.name})
