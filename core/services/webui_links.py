"""From a service to the Open WebUIs in front of it: what of it has changed since, and how that is put right there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from core.domain.access import Actor
from core.domain.webui import Access, Change, WebUi
from core.errors import NotFoundError
from core.ports import Secrets
from core.services.webui import Applied, WebUiService
from core.services.webui_secrets import key_print
from core.services.webui_upstreams import Serving


@dataclass(frozen=True)
class WebUiLink:
    """``changes``: what the service has now and Open WebUI has not; told without asking either."""

    webui: WebUi
    changes: tuple[Change, ...]


class WebUiLinks:
    """A service that was deployed anew stands for the one that was connected."""

    def __init__(self, connect: WebUiService, secrets: Secrets) -> None:
        self._connect = connect
        self._secrets = secrets

    def of_endpoint(self, endpoint_id: str) -> tuple[WebUiLink, ...]:
        """Each Open WebUI that it stands behind, the oldest first."""
        found = ((webui, self._serving(webui, endpoint_id)) for webui in self._connect.list() if webui.connected)
        return tuple(WebUiLink(webui, tuple(self._changes(serving))) for webui, serving in found if serving)

    def reconnect(self, actor: Actor, webui_id: str, endpoint_id: str, access: Access) -> Applied:
        """Connects this one service again, by its address, name and key of now; the others are left alone. Raises
        NotAllowed, NotFoundError, PlanBlocked, StalePlan, WebUiError, EndpointError."""
        webui = self._connect.get(webui_id)
        serving = self._serving(webui, endpoint_id)
        if serving is None:
            raise NotFoundError(kind="service", id=endpoint_id)
        plan = self._connect.plan(self._connect.look(webui.url), access, [serving.request], webui.wishes)
        return self._connect.apply(actor, plan, access)

    def put_right(self, actor: Actor, webui_id: str, access: Access) -> Applied:
        """All of it: drift, services that were deployed anew, a change that was cut off. Raises as ``reconnect``."""
        return self._connect.apply(actor, self._connect.plan_again(webui_id, access), access)

    def _serving(self, webui: WebUi, endpoint_id: str) -> Serving | None:
        found = self._connect.serving(webui)
        return next((one for one in found if one.endpoint.id == endpoint_id), None)

    def _changes(self, serving: Serving) -> Iterator[Change]:
        one, name = serving.connected, serving.endpoint.served_name
        if serving.url != one.url:
            yield Change("connection_moved", {"url": serving.url, "before": one.url})
        if one.key_print is not None and one.key_print != key_print(self._secrets, serving.key):
            yield Change("connection_key", {"url": serving.url})
        if name != one.served_name:
            yield Change("connection_models", {"url": serving.url, "before": one.served_name, "models": name})
