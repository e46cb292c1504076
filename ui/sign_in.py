"""Signing in and out: plain routes, for a Streamlit page cannot set an HttpOnly cookie."""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core.errors import AppError
from render.texts import LANGUAGE_NAMES, Texts, best_language
from ui import gate, session
from ui.cookies import MAX_AGE, NAME

_FOLDER = Path(__file__).parent
_BODY_LIMIT = 8_192
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


async def show(request: Request) -> Response:
    """The form; somebody who is signed in already, or needs not be, goes on."""
    target = inner_target(request.query_params.get("next"))
    if request.headers.get("x-seatrial-session"):  # set by the gate
        return RedirectResponse(target, 303)
    return _page(_texts(request), target)


async def sign_in(request: Request) -> Response:
    """Checks name and password; a failure shows the form again with what was typed, the password excepted."""
    form = await _form(request)
    if form is None:
        return PlainTextResponse("", 413)
    target, t = inner_target(form.get("next")), _texts(request)
    name, client_ip = form.get("name", ""), request.client.host if request.client else ""
    if gate.MODE.signer is None:
        return RedirectResponse(target, 303)
    try:
        opened = await run_in_threadpool(session.app().access.sign_in, name, form.get("password", ""), client_ip)
    except AppError as error:
        return _page(t, target, name, t.error(error), 429 if error.code == "sign_in_limited" else 401)
    response = RedirectResponse(target, 303)
    response.set_cookie(
        NAME,
        gate.MODE.signer.cookie(opened.id),
        max_age=int(MAX_AGE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return response


async def sign_out(request: Request) -> Response:
    """Ends the session on the server, then drops the cookie."""
    signer = gate.MODE.signer
    session_id = signer.session_id(request.cookies.get(NAME)) if signer else None
    if session_id:
        await run_in_threadpool(session.app().access.sign_out, session_id)
    response = RedirectResponse("/login", 303)
    response.delete_cookie(NAME, httponly=True, samesite="lax", secure=is_secure(request))
    return response


def inner_target(wish: str | None) -> str:
    """Where to go on: a path of this app, never another site (``//evil``, ``/\\evil`` and control characters)."""
    if not wish or not wish.startswith("/") or wish.startswith(("//", "/\\")) or not wish.isprintable():
        return "/"
    return "/" if wish.split("?")[0] in {"/login", "/logout"} else wish


def is_secure(request: Request) -> bool:
    """Whether the browser came by TLS, to us or to the proxy in front."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").split(",")[0] == "https"


async def _form(request: Request) -> dict[str, str] | None:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            return None
    return {key: values[0] for key, values in parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True).items()}


def _texts(request: Request) -> Texts:
    return Texts(best_language(request.query_params.get("lang") or request.headers.get("accept-language")))


def _page(t: Texts, target: str, name: str = "", error: str | None = None, status: int = 200) -> Response:
    words = {
        "language": t.language,
        "title": t("sign_in.title"),
        "lead": t("sign_in.lead"),
        "next": target,
        "name": name,
        "name_label": t("sign_in.name"),
        "password_label": t("sign_in.password"),
        "submit": t("sign_in.submit"),
        "foot": t("sign_in.no_account"),
        "languages_label": t("frame.language"),
    }
    marked = {
        "error": f'<p class="error" role="alert">{escape(error)}</p>' if error else "",
        "languages": "".join(_language_link(code, t.language, target) for code in LANGUAGE_NAMES),
        "focus_name": "" if name else "autofocus",
        "focus_password": "autofocus" if name else "",
    }
    html = _template().substitute({key: escape(text) for key, text in words.items()} | marked)
    return HTMLResponse(html, status, {"content-security-policy": _POLICY, "cache-control": "no-store"})


def _language_link(code: str, current: str, target: str) -> str:
    here = ' aria-current="true"' if code == current else ""
    address = escape(f"/login?lang={code}&next={quote(target)}")
    return f'<a href="{address}" lang="{code}"{here}>{LANGUAGE_NAMES[code]}</a>'


@cache
def _template() -> Template:
    return Template((_FOLDER / "sign_in.html").read_text(encoding="utf-8"))


async def font(_: Request) -> Response:
    """The form's typeface: static files are behind the gate."""
    return FileResponse(_FOLDER / "static" / "inter.woff2", headers={"cache-control": "max-age=86400"})


async def icon(_: Request) -> Response:
    """The form's icon."""
    return FileResponse(_FOLDER / "static" / "icon.png", headers={"cache-control": "max-age=86400"})


ROUTES = (
    Route("/login", show, methods=["GET"]),
    Route("/login", sign_in, methods=["POST"]),
    Route("/login/font", font, methods=["GET"]),
    Route("/login/icon", icon, methods=["GET"]),
    Route("/logout", sign_out, methods=["POST"]),
)
