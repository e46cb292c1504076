"""The gate in front of a small app that says who it was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from core.domain.access import LOCAL_OPERATOR, Role
from core.services.access import AccessService
from tests.fakes.account_store import FakeAccountStore
from tests.fakes.clock import FakeClock
from ui import gate, session
from ui.cookies import NAME, Signer
from ui.routes import ROUTES

SECRET = "correct horse"
HTML = {"accept": "text/html"}


async def who(request: Request) -> JSONResponse:
    return JSONResponse([request.headers.get("x-seatrial-user"), request.headers.get("x-seatrial-session")])


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json(websocket.headers.get("x-seatrial-user"))
    await websocket.close()


APP = Starlette(
    routes=[
        *ROUTES,
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{rest:path}", who, methods=["GET", "PUT", "POST"]),
    ],
    middleware=[Middleware(gate.Gate)],
)

STREAM = "ws://seatrial.lan:8501/_stcore/stream"


@pytest.fixture
def access() -> Iterator[AccessService]:
    service = AccessService(FakeAccountStore(), FakeClock())
    service.add_user(LOCAL_OPERATOR, "li", Role.OPERATOR, SECRET)
    jobs = SimpleNamespace(worker_alive=lambda: True)
    session.install(cast(Any, SimpleNamespace(access=service, jobs=jobs, store=SimpleNamespace(ping=lambda: None))))
    yield service
    session.install(None)
    gate.MODE.decided, gate.MODE.signer = False, None


@pytest.fixture
def local(access: AccessService) -> TestClient:
    gate.open_to_this_machine()
    return TestClient(APP, base_url="http://127.0.0.1:8501", follow_redirects=False)


@pytest.fixture
def remote(access: AccessService) -> TestClient:
    gate.ask_to_sign_in("secret")
    return TestClient(APP, base_url="http://seatrial.lan:8501", follow_redirects=False)


def sign_in(client: TestClient, password: str = SECRET, **fields: str) -> Any:
    return client.post("/login", data={"name": "li", "password": password, **fields})


def test_nobody_enters_before_the_mode_is_decided(access: AccessService) -> None:
    assert TestClient(APP, base_url="http://localhost").get("/").status_code == 503


def test_on_loopback_there_is_one_person_without_sign_in(local: TestClient) -> None:
    assert local.get("/compare").json() == ["local", "loopback"]
    with local.websocket_connect("ws://127.0.0.1:8501/_stcore/stream", headers={"host": "127.0.0.1:8501"}) as socket:
        assert socket.receive_json() == "local"


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "127.0.0.1"])
def test_on_loopback_this_machines_names_are_let_in(local: TestClient, host: str) -> None:
    assert local.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example:8501", "127.0.0.1.evil.example", "localhost.evil.example", "[", ""])
def test_on_loopback_a_foreign_host_is_dns_rebinding(local: TestClient, host: str) -> None:
    answer = local.get("/", headers={"host": host})
    assert (answer.status_code, answer.json()) == (403, {"error": "foreign_host"})


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:9999", "http://localhost:8501", "null"])
def test_another_sites_page_can_neither_write_nor_open_the_websocket(local: TestClient, origin: str) -> None:
    headers = {"origin": origin, "host": "127.0.0.1:8501"}
    assert local.put("/_stcore/upload_file/a/b", headers=headers).status_code == 403
    with pytest.raises(WebSocketDisconnect), local.websocket_connect("/_stcore/stream", headers=headers):
        pass


def test_identity_sent_by_a_client_is_dropped(local: TestClient, remote: TestClient) -> None:
    gate.open_to_this_machine()
    spoofed = {"x-seatrial-user": "root", "X-Seatrial-Session": "loopback"}
    assert local.get("/", headers=spoofed).json() == ["local", "loopback"]
    gate.ask_to_sign_in("secret")
    assert remote.get("/healthz", headers=spoofed).json()["alive"] is True
    assert remote.get("/static/x.js", headers=spoofed).json() == [None, None]
    assert remote.get("/", headers=spoofed).status_code == 401


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/login", 200),
        ("/login/icon", 200),
        ("/static/js/index.js", 200),
        ("/_stcore/health", 200),
        ("/_stcore/host-config", 200),
        ("/", 401),
        ("/compare", 401),
        ("/app/static/inter.woff2", 401),
        ("/media/abc.png", 401),
        ("/_stcore/metrics", 401),
        ("/api/anything", 401),
        ("/LOGIN", 401),
        ("//_stcore/health", 401),
        ("/login/../media/abc.png", 401),
    ],
)
def test_signed_out_only_the_door_is_open(remote: TestClient, path: str, status: int) -> None:
    answer = remote.get(f"http://seatrial.lan:8501{path}")
    assert answer.status_code == status


def test_signed_out_uploads_and_websocket_are_refused(remote: TestClient) -> None:
    assert remote.put("/_stcore/upload_file/a/b").status_code == 401
    with pytest.raises(WebSocketDisconnect), remote.websocket_connect(STREAM):
        pass


def test_a_browser_is_shown_the_way_and_comes_back(remote: TestClient) -> None:
    answer = remote.get("/run?id=7&point=2", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/run%3Fid%3D7%26point%3D2")
    assert sign_in(remote, next="/run?id=7&point=2").headers["location"] == "/run?id=7&point=2"


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/\t/evil", "/login", ""]
)
def test_the_way_back_never_leads_elsewhere(remote: TestClient, target: str) -> None:
    assert sign_in(remote, next=target).headers["location"] == "/"


def test_signing_in_opens_everything_under_the_accounts_name(remote: TestClient) -> None:
    cookie = sign_in(remote).headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age=2592000"))
    assert "secure" not in cookie
    name, mark = remote.get("/").json()
    assert name == "li"
    assert Signer("secret").session_id(remote.cookies[NAME]) == mark, "a row's id: not enough to sign in with"
    with remote.websocket_connect(STREAM) as socket:
        assert socket.receive_json() == "li"


def test_behind_tls_the_cookie_is_secure(remote: TestClient) -> None:
    answer = remote.post("/login", data={"name": "li", "password": SECRET}, headers={"x-forwarded-proto": "https"})
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_forged_cookie_is_nobody(remote: TestClient) -> None:
    remote.cookies.set(NAME, Signer("another secret").cookie("anything"))
    assert remote.get("/").status_code == 401
    with pytest.raises(WebSocketDisconnect), remote.websocket_connect(STREAM):
        pass


def test_an_ended_session_may_open_the_websocket_as_nobody(remote: TestClient, access: AccessService) -> None:
    sign_in(remote)
    access.sign_out(remote.get("/").json()[1])
    assert remote.get("/").status_code == 401
    with remote.websocket_connect(STREAM) as socket:
        assert socket.receive_json() is None


def test_signing_out_ends_the_session_itself(remote: TestClient, access: AccessService) -> None:
    sign_in(remote)
    mark, cookie = remote.get("/").json()[1], remote.cookies[NAME]
    remote.get("/logout")
    assert access.read(mark) is not None, "a link or an image cannot sign anybody out"
    assert remote.post("/logout").headers["location"] == "/login"
    assert access.read(mark) is None
    remote.cookies.set(NAME, cookie)
    assert remote.get("/").status_code == 401


def test_wrong_passwords_are_told_and_then_limited(remote: TestClient) -> None:
    statuses = [sign_in(remote, "wrong").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert "900" in sign_in(remote, "wrong").text


def test_what_was_typed_comes_back_escaped_and_the_password_does_not(remote: TestClient) -> None:
    text = remote.post("/login", data={"name": '"><script>x', "password": "hunter22222"}).text
    assert "&quot;&gt;&lt;script&gt;x" in text
    assert "<script>" not in text
    assert "hunter22222" not in text


@pytest.mark.parametrize(("wish", "word"), [("zh-CN,zh;q=0.9", "登录"), ("en", "Sign in"), ("de", "Sign in")])
def test_the_form_speaks_the_browsers_language(remote: TestClient, wish: str, word: str) -> None:
    answer = remote.get("/login", headers={"accept-language": wish})
    assert f">{word}</button>" in answer.text
    assert "http://" not in answer.text and "https://" not in answer.text, "nothing is loaded from elsewhere"
    assert 'lang="en"' in remote.get("/login?lang=en", headers={"accept-language": wish}).text


def test_a_huge_form_is_not_read(remote: TestClient) -> None:
    assert remote.post("/login", data={"name": "x" * 10_000, "password": SECRET}).status_code == 413


def test_a_mistyped_api_address_is_not_a_page(local: TestClient) -> None:
    assert [call("/api/typo").status_code for call in cast(list[Callable[[str], Any]], [local.get, local.post])] == [
        404,
        404,
    ]


def test_ready_says_what_is_not(local: TestClient) -> None:
    assert local.get("/readyz").json() == {"ready": True, "database": True, "worker": True}
    session.app().jobs.worker_alive = lambda: False  # type: ignore[method-assign]
    answer = local.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "database": True, "worker": False})
