"""An Open WebUI in memory, as strict as the real one: it begins with the documents that a real server of that version
gave, refuses forms that are not whole, and answers every unknown path with its page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

DATA = Path(__file__).resolve().parents[1] / "data"
VERSIONS = ("0.12.4", "0.6.18")
ADMIN, PASSWORD = "a@lab.local", "right-password"
_FORMS = {
    "/openai/config": ("/openai/config/update", ("OPENAI_API_BASE_URLS", "OPENAI_API_KEYS", "OPENAI_API_CONFIGS")),
    "/ollama/config": ("/ollama/config/update", ("OLLAMA_BASE_URLS", "OLLAMA_API_CONFIGS")),
    "/api/v1/tasks/config": ("/api/v1/tasks/config/update", None),
    "/api/v1/configs/models": ("/api/v1/configs/models", ("DEFAULT_MODELS", "MODEL_ORDER_LIST")),
    "/api/v1/configs/connections": (
        "/api/v1/configs/connections",
        ("ENABLE_DIRECT_CONNECTIONS", "ENABLE_BASE_MODELS_CACHE"),
    ),
}
_NOT_FOUND = "We could not find what you're looking for :/"
_DENIED = "You do not have permission to access this resource. Please contact your administrator for assistance."
_SIGN_IN_LIMIT = 15


@dataclass
class FakeUpstream:
    """A model server as Open WebUI sees it. ``serves`` False: it lists the model and cannot answer."""

    model: str = "DeepSeek-R1-0528"
    key: str = "token-abc123"
    parses_tools: bool = False
    serves: bool = True


@dataclass
class FakeOpenWebUi:
    """``calls`` keeps every request. ``dies_after``: so many writes are taken, then nobody answers any more."""

    version: str = "0.12.4"
    upstreams: dict[str, FakeUpstream] = field(default_factory=dict)
    second_factor: bool = False
    password_off: bool = False
    fresh: bool = True
    dies_after: int | None = None
    away: set[str] = field(default_factory=set)
    """Names under which nobody is there."""
    forgets: set[str] = field(default_factory=set)
    """Keys of documents that it takes without keeping them."""
    caches_models: bool = False
    """As with ENABLE_BASE_MODELS_CACHE: what it lists is looked up anew only where that is asked for."""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    accounts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = {(row["method"], row["path"]): row for row in reversed(list(recorded(self.version))) if "path" in row}
        self.documents = {path: json.loads(rows["GET", path]["answer"]) for path in _FORMS}
        self.public = json.loads(rows["GET", "/api/config"]["answer"])
        self.cached: dict[str, dict[str, Any]] = {}
        if not self.fresh:
            self.accounts[ADMIN] = ("Admin", PASSWORD, "admin")

    def client(self) -> httpx.Client:
        """For HttpWebUiAdmin."""
        return httpx.Client(transport=httpx.MockTransport(self.answer))

    @property
    def writes(self) -> list[str]:
        """The paths of what was written, but for accounts and questions."""
        asked = ("/auths/", "/openai/verify", "/api/chat/")
        return [path for method, path, _ in self.calls if method != "GET" and not any(one in path for one in asked)]

    # ------------------------------------------------------------ answering

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        if request.url.host in self.away:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        if self.dies_after is not None and request.method != "GET" and len(self.writes) >= self.dies_after:
            raise httpx.ConnectError("[Errno 111] Connection refused")
        path = unquote(request.url.raw_path.decode())
        body = json.loads(request.content) if request.content else None
        self.calls.append((request.method, path, body))
        role = self._role(request.headers.get("authorization", ""))
        public = self._public(request.method, path, body, role)
        if public is not None:
            return public
        if role is None:
            return _told(401, "Not authenticated")
        return self._inside(request.method, path, body, role)

    def _role(self, header: str) -> str | None:
        token = header.removeprefix("Bearer ")
        if token == "<JWT>":
            return "admin"
        return next((role for email, (_, _, role) in self.accounts.items() if token == f"token-of-{email}"), None)

    def _public(self, method: str, path: str, body: Any, role: str | None) -> httpx.Response | None:
        if path == "/health":
            return httpx.Response(200, json={"status": True})
        if path == "/api/config":
            onboarding = {} if self.accounts else {"onboarding": True}
            shown = {name: value for name, value in self.public.items() if name != "onboarding"}
            features = {**shown["features"], "enable_signup": not self.accounts}
            return httpx.Response(200, json={**onboarding, **shown, "features": features})
        if path == "/api/v1/auths/signup":
            if self.accounts:
                return _told(403, _DENIED)
            self.accounts[body["email"]] = (body["name"], body["password"], "admin")
            return self._signed_in(body["email"])
        if path == "/api/v1/auths/signin":
            return self._sign_in(body)
        if path == "/api/v1/auths/" and role is None:
            return _told(401, "401 Unauthorized")
        return None

    def _sign_in(self, body: Mapping[str, str]) -> httpx.Response:
        email = body["email"].lower()
        if self.password_off:
            return _told(403, "The requested action has been restricted as a security measure.")
        self.attempts[email] = self.attempts.get(email, 0) + 1
        if self.version != "0.6.18" and self.attempts[email] > _SIGN_IN_LIMIT:
            return _told(429, "API rate limit exceeded")
        if self.accounts.get(email, ("", None, ""))[1] != body["password"]:
            said = "The email or password provided is incorrect. Please check for typos and try logging in again."
            return _told(400, said)
        return httpx.Response(200, json={"mfa_required": True}) if self.second_factor else self._signed_in(email)

    def _signed_in(self, email: str) -> httpx.Response:
        name, _, role = self.accounts[email]
        answer = {"id": email, "name": name, "role": role, "email": email, "token": f"token-of-{email}"}
        return httpx.Response(200, json={**answer, "token_type": "Bearer", "expires_at": None})

    def _inside(self, method: str, path: str, body: Any, role: str) -> httpx.Response:
        if path == "/api/v1/auths/":
            email = next((email for email, (_, _, found) in self.accounts.items() if found == role), ADMIN)
            return httpx.Response(200, json={"id": email, "role": role, "email": email, "name": "x", "token": "<JWT>"})
        if path.partition("?")[0] == "/api/models":
            return httpx.Response(200, json={"data": list(self._listed(role, anew="refresh=true" in path))})
        if path == "/api/chat/completions":
            return self._chat(body, role)
        if role != "admin":
            return _told(401, _DENIED)
        for read, (write, required) in _FORMS.items():
            if (method, path) == ("GET", read):
                return httpx.Response(200, json=self.documents[read])
            if (method, path) == ("POST", write):
                return self._take(read, body, required or tuple(self.documents[read]))
        if path == "/openai/verify":
            return self._verify(body)
        if path == "/api/v1/auths/add":
            return self._add(body)
        if path.startswith("/api/v1/models/"):
            return self._card(method, path.removeprefix("/api/v1/models/"), body)
        page = '<!doctype html>\n<html lang="en">'
        return httpx.Response(200, text=page, headers={"content-type": "text/html; charset=utf-8"})

    # ------------------------------------------------------------ settings

    def _take(self, read: str, body: Mapping[str, Any], required: tuple[str, ...]) -> httpx.Response:
        missing = [name for name in required if name not in body]
        if missing:
            detail = [{"type": "missing", "loc": ["body", name], "msg": "Field required"} for name in missing]
            return httpx.Response(422, json={"detail": detail})
        known = {name: value for name, value in body.items() if name in self.documents[read]}
        self.documents[read] = {**self.documents[read], **{k: v for k, v in known.items() if k not in self.forgets}}
        return httpx.Response(200, json=self.documents[read])

    def _card(self, method: str, path: str, body: Any) -> httpx.Response:
        verb, _, query = path.partition("?id=")
        if (method, verb) == ("GET", "model"):
            missing = 404 if self.version != "0.6.18" else 401
            return httpx.Response(200, json=self.cards[query]) if query in self.cards else _told(missing, _NOT_FOUND)
        if verb == "create" and body["id"] in self.cards:
            return _told(401, "Uh-oh! This model id is already registered. Please choose another model id string.")
        if verb in {"create", "model/update"}:
            self.cards[body["id"]] = self._kept(body)
            return httpx.Response(200, json=self.cards[body["id"]])
        wanted = "POST" if self.version != "0.6.18" else "DELETE"
        if verb == "model/delete" and method == wanted:
            self.cards.pop(body["id"] if body else query, None)
            return httpx.Response(200, json=True)
        return _told(405, "Method Not Allowed")

    def _kept(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Each version keeps its own spelling of who may see a model."""
        dropped = "access_control" if self.version != "0.6.18" else "access_grants"
        return {**{name: value for name, value in body.items() if name != dropped}, "user_id": "admin"}

    def _add(self, body: Mapping[str, str]) -> httpx.Response:
        if body["email"] in self.accounts:
            return _told(400, "Uh-oh! This email is already registered. Sign in with your existing account or choose.")
        if "@" not in body["email"]:
            return _told(400, "The email format you entered is invalid.")
        self.accounts[body["email"]] = (body["name"], body["password"], body["role"])
        return self._signed_in(body["email"])

    # ------------------------------------------------------------ models

    def _connections(self) -> Iterator[tuple[str, str, list[str]]]:
        document = self.documents["/openai/config"]
        for index, url in enumerate(document["OPENAI_API_BASE_URLS"]):
            config = document["OPENAI_API_CONFIGS"].get(str(index), {})
            if config.get("enable", True):
                yield url, document["OPENAI_API_KEYS"][index], config.get("model_ids") or []

    def _listed(self, role: str, *, anew: bool = False) -> Iterator[dict[str, Any]]:
        if anew or not (self.caches_models and self.cached):
            self.cached = {model: {"id": model, "name": model, "owned_by": "openai"} for model in self._offered()}
        for model, entry in self.cached.items():
            if role == "admin" or _is_public(self.cards.get(model)):
                yield entry
        if self.version == "0.6.18" and role == "admin":
            yield {"id": "arena-model", "name": "Arena Model", "owned_by": "arena"}

    def _offered(self) -> Iterator[str]:
        for url, key, models in self._connections():
            upstream = self.upstreams.get(url)
            yield from models or ([upstream.model] if upstream and upstream.key == key else [])

    def _verify(self, body: Mapping[str, str]) -> httpx.Response:
        upstream = self.upstreams.get(body["url"])
        if upstream is None:
            if body["url"].removesuffix("/") != body["url"] or f"{body['url']}/v1" in self.upstreams:
                return httpx.Response(404, json={"detail": "Not Found"})
            return _told(500, "Open WebUI: Server Connection Error")
        if body["key"] != upstream.key:
            return self._key_refused()
        return httpx.Response(200, json={"object": "list", "data": [{"id": upstream.model, "object": "model"}]})

    def _key_refused(self) -> httpx.Response:
        if self.version == "0.6.18":
            return _told(500, "Unexpected error: External Error: Unauthorized")
        return httpx.Response(401, json={"error": "Unauthorized"})

    def _chat(self, body: Mapping[str, Any], role: str) -> httpx.Response:
        listed = {entry["id"] for entry in self._listed(role)}
        route = next(((url, key) for url, key, models in self._connections() if body["model"] in models), None)
        if body["model"] not in listed or route is None:
            return _told(400, "Model not found")
        upstream = self.upstreams.get(route[0])
        if upstream is None:
            return _told(500, "Open WebUI: Server Connection Error")
        if upstream.key != route[1]:
            return self._key_refused()
        if body["model"] != upstream.model:
            said = f"The model `{body['model']}` does not exist."
            return httpx.Response(404, json={"error": {"message": said, "type": "NotFoundError", "code": 404}})
        if body.get("session_id") and self._sends_tools(body["model"]) and not upstream.parses_tools:
            said = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            return httpx.Response(400, json={"error": {"message": said, "type": "BadRequestError", "code": 400}})
        if not upstream.serves:
            return httpx.Response(500, json={"error": {"message": "EngineCore encountered an issue", "code": 500}})
        message = {"role": "assistant", "content": "Hello from fake upstream."}
        return httpx.Response(200, json={"id": "c1", "choices": [{"index": 0, "message": message}]})

    def _sends_tools(self, model: str) -> bool:
        """The card's own word counts before the default, and without any they are sent."""
        metadata = self.documents["/api/v1/configs/models"].get("DEFAULT_MODEL_METADATA")
        if metadata is None:
            return False
        meta = self.cards.get(model, {}).get("meta") or {}
        able = {**(metadata.get("capabilities") or {}), **(meta.get("capabilities") or {})}
        return bool(able.get("builtin_tools", True))


def recorded(version: str) -> Iterator[dict[str, Any]]:
    """Every exchange that was recorded with a real server of that version, and the names of the scenarios between."""
    for line in (DATA / f"openwebui_{version}.jsonl").read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _is_public(card: Mapping[str, Any] | None) -> bool:
    if card is None:
        return False
    if "access_grants" in card:
        return any(grant["principal_id"] == "*" for grant in card["access_grants"])
    return card.get("access_control") is None


def _told(status: int, detail: str) -> httpx.Response:
    return httpx.Response(status, json={"detail": detail})
