"""The composed core, one per process, and the person who looks: who they are, and in which language."""

from __future__ import annotations

import threading
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR, Actor, Role
from render.texts import LANGUAGES, Texts, best_language
from ui.signed_out import signed_out

LOOPBACK = "loopback"
"""What the gate says instead of a session where nobody signs in. It alone can: a client's own header is dropped."""

_LANGUAGE = "frame_language"
_lock = threading.Lock()
_app: App | None = None


def app() -> App:
    """Settings, store and services of this process; composed once, by the server's lifespan."""
    global _app
    with _lock:
        if _app is None:
            _app = compose()
        return _app


def install(composed: App | None) -> None:
    """Puts another composed core in its place, or none; for tests."""
    global _app
    with _lock:
        _app = composed


def viewer() -> Actor | None:
    """Who looks; None signed out. Asked anew on every run, so that a revoked session ends at the next click."""
    mark = st.user.get("session")
    if mark == LOOPBACK:
        return LOCAL_OPERATOR
    return app().access.read(mark) if isinstance(mark, str) and mark else None


def actor() -> Actor:
    """Who acts. Where the session has ended meanwhile, says so and stops the run."""
    found = viewer()
    if found is None:
        signed_out(texts())
        st.stop()
    return found


def may(role: Role) -> bool:
    """Whether the person may do what ``role`` may; services decide again."""
    found = viewer()
    return found is not None and found.role.covers(role)


def is_local() -> bool:
    """Whether this is the one person of a loopback installation."""
    return bool(st.user.get("session") == LOOPBACK)


def sign_out() -> None:
    """Ends the session for every tab; the cookie then names nothing."""
    mark = st.user.get("session")
    if isinstance(mark, str) and mark != LOOPBACK:
        app().access.sign_out(mark)


def texts() -> Texts:
    """The sentences of the person's language, times in their browser's zone."""
    return _texts(language(), st.context.timezone)


def language() -> str:
    """What was chosen here, else what the account chose before, else what the browser prefers."""
    chosen = st.session_state.get(_LANGUAGE)
    if chosen not in LANGUAGES:
        chosen = _remembered() or best_language(st.context.locale)
        st.session_state[_LANGUAGE] = chosen
    return str(chosen)


def choose_language(code: str) -> None:
    """For this browser session, and remembered for the account."""
    if code in LANGUAGES:
        st.session_state[_LANGUAGE] = code
        found = viewer()
        if found is not None:
            app().store.preferences.set(_preference(found), code)


def _remembered() -> str | None:
    found = viewer()
    saved = app().store.preferences.get(_preference(found)) if found else None
    return saved if saved in LANGUAGES else None


def _preference(person: Actor) -> str:
    return f"language.{person.name}"


@lru_cache(maxsize=64)
def _texts(code: str, timezone: str | None) -> Texts:
    try:
        return Texts(code, ZoneInfo(timezone) if timezone else None)
    except (ZoneInfoNotFoundError, ValueError):
        return Texts(code)
