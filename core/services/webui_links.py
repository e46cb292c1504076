"""From a service to the Open WebUIs in front of it: what of it has changed since, and how that is put right there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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

    def by_endpoint(self) -> Mapping[str, tuple[WebUiLink, ...]]:
        """Each endpoint's Open WebUIs, the oldest first; nothing for one that stands behind none."""
        found: dict[str, tuple[WebUiLink, ...]] = {}
        for webui in self._connect.list():
            for serving in self._connect.serving(webui):
                link = WebUiLink(webui, tuple(self._changes(serving)))
                found[serving.endpoint.id] = (*found.get(serving.endpoint.id, ()), link)
        return found

    def reconnect(self, actor: Actor, webui_id: str, endpoint_id: str, access: Access) -> Applied:
        """Connects this one service again, by its address, name and key of now; the others are left alone. Raises
        NotAllowed, NotFoundError, PlanBlocked, StalePlan, WebUiError, EndpointError."""
        webui = self._connect.get(webui_id)
        found = self._connect.serving(webui)
        serving = next((one for one in found if one.endpoint.id == endpoint_id), None)
        if serving is None:
            raise NotFoundError(kind="service", id=endpoint_id)
        plan = self._connect.plan(self._connect.look(webui.url), access, [serving.request], webui.wishes)
        return self._connect.apply(actor, plan, access)

    def put_right(self, actor: Actor, webui_id: str, access: Access) -> Applied:
        """All of it: drift, services that were deployed anew, a change that was cut off. Raises as ``reconnect``."""
        return self._connect.apply(actor, self._connect.plan_again(webui_id, access), access)

    def _changes(self, serving: Serving) -> Iterator[Change]:
        one, name = serving.connected, serving.endpoint.served_name
        if serving.url != one.url:
            yield Change("connection_moved", {"url": serving.url, "before": one.url})
        if one.key_print is not None and one.key_print != key_print(self._secrets, serving.key):
            yield Change("connection_key", {"url": serving.url})
        if name != one.served_name:
            yield Change("connection_models", {"url": serving.url, "before": one.served_name, "models": name})
