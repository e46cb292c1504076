"""The WebUiAdmin port over HTTP. Every answer must be JSON: an unknown path answers 200 with the page itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from core.adapters.endpoint_transport import Answer, exchange, open_client
from core.domain.webui import Access, Area, Documents, WebUiInfo
from core.errors import EndpointError, WebUiError
from core.formats import openwebui
from core.formats.openai_api import parse_json, parse_models

_TIMEOUT_S = 30.0
_MISSING = frozenset({404, 405})
_USER_CONNECTIONS_BEFORE_0_6_18 = "/api/v1/configs/direct_connections"


class HttpWebUiAdmin:
    """Holds no state and no connection between calls. ``client``: how a client is made, for tests."""

    def __init__(self, client: Callable[[], httpx.Client] = open_client, timeout_s: float = _TIMEOUT_S) -> None:
        self._open = client
        self._timeout_s = timeout_s

    # ------------------------------------------------------------ without an account

    def is_healthy(self, url: str, timeout_s: float = 2.0) -> bool:
        """Whether /health says so, in JSON."""
        try:
            answer = self._send("GET", url, "/health", timeout_s=timeout_s)
        except EndpointError:
            return False
        told = parse_json(answer.body)
        return answer.status == 200 and isinstance(told, dict) and told.get("status") is True

    def look(self, url: str) -> WebUiInfo:
        """See the port."""
        answer = self._send("GET", url, "/api/config")
        told = parse_json(answer.body)
        info = openwebui.read_info(url, told) if answer.status == 200 and isinstance(told, dict) else None
        if info is None:
            raise WebUiError("webui_not_one", url=url, status=answer.status, content_type=answer.content_type or "-")
        return info

    def sign_in(self, url: str, email: str, password: str) -> Access:
        """See the port."""
        answer = self._send("POST", url, "/api/v1/auths/signin", body={"email": email, "password": password})
        if answer.status == 429:
            raise WebUiError("webui_rate_limited", url=url)
        if answer.status == 403:  # ENABLE_PASSWORD_AUTH=False (open_webui/routers/auths.py)
            raise WebUiError("webui_password_off", url=url)
        if answer.status in {400, 401}:
            raise WebUiError("webui_sign_in_refused", url=url, email=email)
        return self._access(url, answer, email)

    def sign_up(self, url: str, name: str, email: str, password: str) -> Access:
        """See the port."""
        body = {"name": name, "email": email, "password": password}
        answer = self._send("POST", url, "/api/v1/auths/signup", body=body)
        if answer.status == 403:
            raise WebUiError("webui_sign_up_closed", url=url)
        if answer.status == 400:
            raise WebUiError("webui_email_bad", url=url, email=email, detail=openwebui.error_detail(answer.body)[0])
        return self._access(url, answer, email)

    def who(self, url: str, token: str) -> Access:
        """See the port."""
        answer = self._send("GET", url, "/api/v1/auths/", token=token)
        told = self._json(url, answer, "webui_token_refused")
        return Access(token, str(told.get("email") or ""), str(told.get("role") or ""))

    def _access(self, url: str, answer: Answer, email: str) -> Access:
        told = self._json(url, answer, "webui_sign_in_refused", email=email)
        if not isinstance(told.get("token"), str):
            raise WebUiError("webui_second_factor", url=url, email=email)
        return Access(told["token"], str(told.get("email") or email), str(told.get("role") or ""))

    # ------------------------------------------------------------ documents

    def read(self, url: str, access: Access, models: tuple[str, ...]) -> Documents:
        """See the port."""
        areas = {area: self._document(url, access, area) for area in Area}
        return Documents(areas, {model: self._card(url, access, model) for model in models})

    def _document(self, url: str, access: Access, area: Area) -> Mapping[str, Any] | None:
        answer = self._send("GET", url, openwebui.read_path(area), token=access.token)
        if area is Area.USER_CONNECTIONS and _is_absent(answer):
            answer = self._send("GET", url, _USER_CONNECTIONS_BEFORE_0_6_18, token=access.token)
        return None if _is_absent(answer) else self._json(url, answer, "webui_read_failed", area=area.value)

    def _card(self, url: str, access: Access, model: str) -> Mapping[str, Any] | None:
        """No card answers 404; before 0.7 it was 401, as a missing permission does: the words tell them apart."""
        answer = self._send("GET", url, f"/api/v1/models/model?id={quote(model, safe='')}", token=access.token)
        detail = openwebui.error_detail(answer.body)[0].lower()
        if answer.status == 404 or (answer.status == 401 and "could not find" in detail):
            return None
        return self._json(url, answer, "webui_read_failed", area="cards")

    def write(self, url: str, access: Access, area: Area, document: Mapping[str, Any]) -> None:
        """See the port."""
        answer = self._send("POST", url, openwebui.write_path(area), token=access.token, body=document)
        if area is Area.USER_CONNECTIONS and _is_absent(answer):
            answer = self._send("POST", url, _USER_CONNECTIONS_BEFORE_0_6_18, token=access.token, body=document)
        self._json(url, answer, "webui_write_refused", area=area.value)

    def write_card(
        self, url: str, access: Access, model: str, document: Mapping[str, Any] | None, *, new: bool
    ) -> None:
        """See the port. A card that somebody else has just made is no error: the next reading compares it."""
        by_id = f"?id={quote(model, safe='')}"
        if document is None:
            answer = self._send("POST", url, "/api/v1/models/model/delete", token=access.token, body={"id": model})
            if answer.status in {*_MISSING, 422} or _is_page(answer):  # 0.5.0 to 0.6
                answer = self._send("DELETE", url, f"/api/v1/models/model/delete{by_id}", token=access.token)
        elif new:
            answer = self._send("POST", url, "/api/v1/models/create", token=access.token, body=document)
            if answer.status == 401 and "already registered" in openwebui.error_detail(answer.body)[0].lower():
                return
        else:
            path = f"/api/v1/models/model/update{by_id}"
            answer = self._send("POST", url, path, token=access.token, body=document)
        if not 200 <= answer.status < 300 or _is_page(answer):
            self._refuse(url, answer, "webui_write_refused", area="cards")

    # ------------------------------------------------------------ what works

    def listed(self, url: str, access: Access) -> Mapping[str, str]:
        """See the port. Asked to look anew: with ENABLE_BASE_MODELS_CACHE it would go on listing what it listed, and
        a chat with a model that was just connected would find none."""
        answer = self._send("GET", url, "/api/models?refresh=true", token=access.token)
        return openwebui.read_models(self._json(url, answer, "webui_read_failed", area="models"))

    def verify(self, url: str, access: Access, upstream_url: str, key: str) -> tuple[str, ...]:
        """See the port."""
        body = {"url": upstream_url.rstrip("/"), "key": key}
        answer = self._send("POST", url, "/openai/verify", token=access.token, body=body)
        models = parse_models(answer.body) if answer.status == 200 else None
        if models is not None:
            return tuple(model.id for model in models)
        detail, is_upstreams = openwebui.error_detail(answer.body)
        if answer.status in {401, 403} and not is_upstreams:
            self._refuse(url, answer, "webui_token_refused")
        raise WebUiError(_route_code(answer.status, detail), url=url, upstream=body["url"], detail=detail or None)

    def probe(self, url: str, access: Access, model: str, timeout_s: float = 120.0) -> str:
        """See the port."""
        body = openwebui.probe_body(model)
        answer = self._send("POST", url, "/api/chat/completions", token=access.token, body=body, timeout_s=timeout_s)
        text = openwebui.read_probe(parse_json(answer.body)) if answer.status == 200 else None
        if text is not None:
            return text
        detail, is_upstreams = openwebui.error_detail(answer.body)
        code = _probe_code(answer.status, detail, is_upstreams)
        raise WebUiError(code, url=url, model=model, status=answer.status, detail=detail or answer.content_type)

    def add_account(self, url: str, access: Access, name: str, email: str, password: str, role: str) -> None:
        """See the port."""
        body = {"name": name, "email": email, "password": password, "role": role}
        answer = self._send("POST", url, "/api/v1/auths/add", token=access.token, body=body)
        detail = openwebui.error_detail(answer.body)[0]
        if answer.status == 400:
            there = "already" in detail.lower() or "taken" in detail.lower()
            raise WebUiError("webui_account_there" if there else "webui_email_bad", email=email, detail=detail)
        self._json(url, answer, "webui_write_refused", area="accounts")

    # ------------------------------------------------------------ one exchange

    def _send(
        self,
        method: str,
        url: str,
        path: str,
        *,
        token: str | None = None,
        body: Any = None,
        timeout_s: float | None = None,
    ) -> Answer:
        with self._open() as client:
            limit_s = timeout_s or self._timeout_s
            return exchange(client, method, f"{url}{path}", timeout_s=limit_s, key=token, body=body)

    def _json(self, url: str, answer: Answer, code: str, **params: str) -> Mapping[str, Any]:
        told = parse_json(answer.body)
        if answer.status != 200 or not isinstance(told, dict):
            self._refuse(url, answer, code, **params)
        return dict(told)

    def _refuse(self, url: str, answer: Answer, code: str, **params: str) -> None:
        """Raises what the answer means. Open WebUI says 401 for a bad token and for a missing permission alike."""
        detail = openwebui.error_detail(answer.body)[0]
        if answer.status in {401, 403}:
            denied = "permission" in detail.lower() or "prohibited" in detail.lower()
            raise WebUiError("webui_not_admin" if denied else "webui_token_refused", url=url)
        shown = detail or answer.content_type or None
        raise WebUiError(code, url=url, status=answer.status, detail=shown, **params)


def _is_page(answer: Answer) -> bool:
    return answer.content_type == "text/html"


def _is_absent(answer: Answer) -> bool:
    return answer.status in _MISSING or _is_page(answer)


def _route_code(status: int, detail: str) -> str:
    """0.12 passes the upstream's status on; 0.6 answers 500 and puts it into words."""
    words = detail.lower()
    if status in {401, 403} or "unauthorized" in words or "forbidden" in words:
        return "webui_route_key"
    if status in _MISSING or "not found" in words or re.search(r"\b404\b", words):
        return "webui_route_path"
    return "webui_route_unreachable"


def _probe_code(status: int, detail: str, is_upstreams: bool) -> str:
    words = detail.lower()
    if "tool choice" in words or "tool-call-parser" in words:
        return "webui_probe_tools"
    if "unauthorized" in words or (is_upstreams and status in {401, 403}):
        return "webui_probe_key"
    if "model not found" in words or ("model" in words and "does not exist" in words):
        return "webui_probe_model"
    if "connection error" in words or "cannot connect" in words:
        return "webui_probe_down"
    return "webui_probe_failed"
