"""What the launcher hands to Streamlit: routes, gate, start and stop."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

import streamlit as st
from starlette.middleware import Middleware

from core.errors import AppError, RefusedError
from render.texts import Texts
from ui import gate, session
from ui.act import on_script_error
from ui.cookies import cookie_secret
from ui.routes import ROUTES

_WARM_AFTER_S = 3.0
_WARM = (
    *("plotly.graph_objs._figure", "plotly.graph_objs._scatter", "plotly.graph_objs._layout"),
    *("numpy", "PIL.PngImagePlugin", "docker"),
    *("ui.components.board", "ui.components.run_chart", "ui.components.compare_charts"),
)

__all__ = ["MIDDLEWARE", "ROUTES", "lifespan", "on_script_error"]


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Composes the core, decides whether people must sign in, and imports what the first page needs. Ends the process
    with one sentence where the address is open to others and nobody could sign in."""
    _one_traceback_each()
    try:
        composed = session.app()
        address = str(st.get_option("server.address") or "0.0.0.0")
        if replace(composed.settings, host=address).is_loopback:
            gate.open_to_this_machine()
        elif composed.access.has_operator():
            gate.ask_to_sign_in(cookie_secret(composed.settings.home))
        else:
            raise RefusedError("listen_needs_operator", host=address)
    except AppError as error:
        sys.stderr.write(f"{Texts('en').error(error)}\n")
        sys.stderr.flush()
        os._exit(2)  # an exception here would bury the sentence under the server's traceback; nothing is open yet
    _warm_later()
    yield {}


def _warm_later() -> None:
    """In a thread, and after the first page, which needs none of it."""
    timer = threading.Timer(_WARM_AFTER_S, _prepare)
    timer.daemon = True
    timer.start()


def _prepare() -> None:
    with suppress(AppError):  # a page will say it; this only loads the job engine's client
        session.app().jobs.active()
    warm()


def warm() -> None:
    """Imports what pages will need, and takes all of it out of the garbage collector's sight: Streamlit has it look
    through every object after every run of a page, which was five sixths of a run's processor time."""
    for name in _WARM:
        import_module(name)
    gc.collect()
    gc.freeze()


class _Twice(logging.Filter):
    """Streamlit logs every page error before our own handler does, with its text unredacted."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.getMessage() != "Uncaught app execution"


def _one_traceback_each() -> None:
    logging.getLogger("streamlit.error_util").addFilter(_Twice())


MIDDLEWARE = [Middleware(gate.Gate)]
