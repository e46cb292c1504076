"""Open WebUI, its records, and this machine's addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from core.domain.webui import Access, Area, Documents, WebUi, WebUiInfo


class WebUiAdmin(Protocol):
    """Talks to one Open WebUI at a time, at ``url`` without a slash at its end. Raises EndpointError where it cannot be
    reached and WebUiError where it says no."""

    def is_healthy(self, url: str, timeout_s: float = 2.0) -> bool: ...
    def look(self, url: str) -> WebUiInfo:
        """What anybody may read. Code: webui_not_one (url, content_type)."""
        ...

    def sign_in(self, url: str, email: str, password: str) -> Access:
        """Once: it is not tried again, since a limit counts. Codes: webui_sign_in_refused (email), webui_rate_limited,
        webui_second_factor, webui_password_off."""
        ...

    def sign_up(self, url: str, name: str, email: str, password: str) -> Access:
        """Code: webui_sign_up_closed."""
        ...

    def who(self, url: str, token: str) -> Access:
        """Whose token it is. Code: webui_token_refused."""
        ...

    def read(self, url: str, access: Access, models: tuple[str, ...]) -> Documents:
        """Every document that we may change. Codes: webui_token_refused, webui_not_admin (role)."""
        ...

    def write(self, url: str, access: Access, area: Area, document: Mapping[str, Any]) -> None:
        """Code: webui_write_refused (area, status, detail)."""
        ...

    def write_card(
        self, url: str, access: Access, model: str, document: Mapping[str, Any] | None, *, new: bool
    ) -> None:
        """Makes, changes or (None) removes a model's card."""
        ...

    def listed(self, url: str, access: Access) -> Mapping[str, str]:
        """Each model and its owner; asking refreshes what the server remembers, so ask before a probe."""
        ...

    def verify(self, url: str, access: Access, upstream_url: str, key: str) -> tuple[str, ...]:
        """The models that an upstream lists, as seen from inside. Codes: webui_route_key, webui_route_path,
        webui_route_unreachable (all: upstream, detail)."""
        ...

    def probe(self, url: str, access: Access, model: str, timeout_s: float = 120.0) -> str:
        """One short chat as a browser asks it. Codes: webui_probe_tools, webui_probe_key, webui_probe_model,
        webui_probe_down, webui_probe_failed (all: model, status, detail)."""
        ...

    def add_account(self, url: str, access: Access, name: str, email: str, password: str, role: str) -> None:
        """Codes: webui_account_there (email), webui_email_bad (email)."""
        ...


class WebUiStore(Protocol):
    def add(self, webui: WebUi) -> None:
        """Raises NameTaken where the address is known already."""
        ...

    def update(self, webui: WebUi) -> None: ...
    def get(self, webui_id: str) -> WebUi:
        """Raises NotFoundError."""
        ...

    def find(self, url: str) -> WebUi | None: ...
    def list(self, include_removed: bool = False) -> tuple[WebUi, ...]:
        """The oldest first."""
        ...


class HostAddresses(Protocol):
    """This machine, as others reach it."""

    def outward(self) -> str | None:
        """The address that others on the network know; None where there is none but loopback."""
        ...
