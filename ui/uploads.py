"""``PUT /upload/image/NAME``: an image file from a browser, straight to the disk. Streamlit's own upload keeps a file
in memory, and an image has many gigabytes."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.access import LOCAL_OPERATOR, Actor
from core.errors import AppError, NotAllowed, RefusedError
from core.ports import Upload
from render.texts import Texts, best_language
from ui import session

UPLOAD_PATH = "/upload/image/"
_PIECE_BYTES = 4 * 1024 * 1024


async def upload_image(request: Request) -> Response:
    """201 with the file's path on this machine; else the sentence that says why not, in the browser's language."""
    try:
        upload = await run_in_threadpool(_begin, request)
        return JSONResponse({"path": await _receive(request, upload)}, 201)
    except AppError as error:
        language = best_language(request.headers.get("accept-language"))
        status = 403 if isinstance(error, NotAllowed) else 409 if isinstance(error, RefusedError) else 500
        return JSONResponse({"error": error.code, "text": Texts(language).error(error)}, status)
    except ClientDisconnect:
        return Response(status_code=400)


def _begin(request: Request) -> Upload:
    length = request.headers.get("content-length", "")
    size_bytes = int(length) if length.isdecimal() else 0
    return session.app().images.begin_upload(_actor(request), request.path_params["name"], size_bytes)


def _actor(request: Request) -> Actor:
    """As the gate has introduced them. Raises NotAllowed."""
    mark = request.headers.get("x-seatrial-session")
    if mark == session.LOOPBACK:
        return LOCAL_OPERATOR
    person = session.app().access.read(mark) if mark else None
    if person is None:
        raise NotAllowed(name="", role="operator")
    return person


async def _receive(request: Request, upload: Upload) -> str:
    """Whatever breaks it off, nothing of it stays."""
    whole, piece = False, bytearray()
    try:
        async for chunk in request.stream():
            piece += chunk
            if len(piece) >= _PIECE_BYTES:
                await run_in_threadpool(upload.write, bytes(piece))
                piece.clear()
        await run_in_threadpool(upload.write, bytes(piece))
        path = await run_in_threadpool(upload.finish)
        whole = True
        return path
    finally:
        if not whole:
            upload.abandon()


ROUTE = Route(f"{UPLOAD_PATH}{{name}}", upload_image, methods=["PUT"])
