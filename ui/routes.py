"""Plain HTTP routes beside the pages. They come before Streamlit's own; what none of them takes is a page."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.errors import AppError
from core.product import product_version
from ui import plotly_script, session, sign_in, uploads

_EVERY_METHOD = ["GET", "POST", "PUT", "PATCH", "DELETE"]


async def healthz(_: Request) -> Response:
    """Alive: the process answers. It names the product, so that a second start can tell whose port this is."""
    return JSONResponse({"alive": True, "product": "seatrial", "version": product_version()})


async def readyz(_: Request) -> Response:
    """Ready: the database answers and a worker's heartbeat is fresh; 503 where one of them is not."""
    state = await run_in_threadpool(_readiness)
    ready = all(state.values())
    return JSONResponse({"ready": ready, **state}, 200 if ready else 503)


def _readiness() -> dict[str, bool]:
    app = session.app()
    try:
        app.store.ping()
        return {"database": True, "worker": app.jobs.worker_alive()}
    except AppError:
        return {"database": False, "worker": False}


async def not_found(_: Request) -> Response:
    """Ends the API's own corner: without it a mistyped address would answer with a page."""
    return JSONResponse({"error": "not_found"}, 404)


ROUTES: tuple[BaseRoute, ...] = (
    Route("/healthz", healthz, methods=["GET"]),
    Route("/readyz", readyz, methods=["GET"]),
    *sign_in.ROUTES,
    plotly_script.ROUTE,
    uploads.ROUTE,
    Route("/api/{rest:path}", not_found, methods=_EVERY_METHOD),
    Route("/api", not_found, methods=_EVERY_METHOD),
)
