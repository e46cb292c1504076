"""The gate: ASGI middleware in front of pages, websocket, static files, media, uploads and the API.

On loopback there is one person and no sign-in; there it keeps other web sites out (a foreign Host is DNS rebinding, a
foreign Origin another page in the same browser). On any other address it asks for a session. Identity goes inward as
two headers that Streamlit reads (.streamlit/config.toml, server.trustedUserHeaders); a client's own are dropped first.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.domain.access import LOCAL_OPERATOR
from ui import session
from ui.cookies import NAME, Signer

OPEN = frozenset(
    {"/login", "/login/font", "/login/icon", "/logout", "/healthz", "/readyz", "/favicon.ico", "/favicon.png"}
    | {"/_stcore/health", "/_stcore/host-config"}
)
_PREFIX = b"x-seatrial-"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = (
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)


@dataclass
class Mode:
    """Set once, by the server's lifespan. Until then nobody enters. ``signer`` None on loopback."""

    decided: bool = False
    signer: Signer | None = None


MODE = Mode()


def open_to_this_machine() -> None:
    """Loopback: no sign-in."""
    MODE.decided, MODE.signer = True, None


def ask_to_sign_in(secret: str) -> None:
    """Any other address."""
    MODE.decided, MODE.signer = True, Signer(secret)


@dataclass(frozen=True)
class Entrant:
    """What goes inward: the account's name and the session's mark; both None for nobody."""

    name: str | None = None
    mark: str | None = None


NOBODY = Entrant()
LOCAL = Entrant(LOCAL_OPERATOR.name, session.LOOPBACK)


class Gate:
    """The middleware itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        verdict = await judge(connection)
        if isinstance(verdict, Entrant):
            await self._app(_introduced(scope, verdict), receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the client reads HTTP 403
        else:
            await verdict(scope, receive, send)


async def judge(connection: HTTPConnection) -> Entrant | Response:
    """Who enters, or the answer at the door."""
    if not MODE.decided:
        return _refusal("not_ready", 503)
    if not _from_own_page(connection):
        return _refusal("foreign_origin", 403)
    if MODE.signer is None:
        return LOCAL if _is_local_name(connection.headers.get("host", "")) else _refusal("foreign_host", 403)
    return await _by_session(connection, MODE.signer)


async def _by_session(connection: HTTPConnection, signer: Signer) -> Entrant | Response:
    path = connection.scope["path"]
    session_id = signer.session_id(connection.cookies.get(NAME))
    person = await run_in_threadpool(session.app().access.read, session_id) if session_id else None
    if person is not None:
        return Entrant(person.name, session_id)
    if path in OPEN or path.startswith("/static/"):
        return NOBODY
    if connection.scope["type"] == "websocket" and session_id:
        return NOBODY  # ours, but ended: the page itself says so, where a refusal would read "server not responding"
    if connection.scope.get("method") == "GET" and "text/html" in connection.headers.get("accept", ""):
        query = connection.scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        return RedirectResponse(f"/login?next={quote(target)}", 303)
    return _refusal("not_signed_in", 401)


def _refusal(code: str, status: int) -> Response:
    return JSONResponse({"error": code}, status)


def _from_own_page(connection: HTTPConnection) -> bool:
    """What a page of another site sends is refused where it could act: everything but plain reads. A client that is no
    browser sends no Origin."""
    origin = connection.headers.get("origin")
    if origin is None or (connection.scope["type"] == "http" and connection.scope["method"] in _SAFE_METHODS):
        return True
    own = {connection.headers.get("host", "")}
    if MODE.signer is not None and (forwarded := connection.headers.get("x-forwarded-host")):
        own.add(forwarded)  # behind a proxy; a page of another site cannot set it
    return bool(site := urlsplit(origin).netloc) and site in own


def _is_local_name(host: str) -> bool:
    """Whether a Host header names this machine by an address that no name server can point elsewhere."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _introduced(scope: Scope, entrant: Entrant) -> Scope:
    headers = [(key, value) for key, value in scope["headers"] if not key.lower().startswith(_PREFIX)]
    if entrant.name and entrant.mark:
        headers += [(b"x-seatrial-user", entrant.name.encode()), (b"x-seatrial-session", entrant.mark.encode())]
    return {**scope, "headers": headers}


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await send(message)

    return sending
