"""Draws pages over the web process's websocket, as a browser would ask for them, without a browser."""

from __future__ import annotations

from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect


@dataclass
class Drawn:
    """What came back: bytes, the page, and the fragments that run again by themselves, with their seconds."""

    size: int = 0
    page_hash: str = ""
    rhythms: dict[str, float] = field(default_factory=dict)


def opened(port: int) -> ClientConnection:
    """A new session; to be closed by the caller."""
    return connect(f"ws://127.0.0.1:{port}/_stcore/stream", max_size=None, open_timeout=60)


def draw(socket: ClientConnection, page: str, query: str = "") -> Drawn:
    """Runs the page's script once."""
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.query_string = query
    return _finish(socket, message)


def follow(socket: ClientConnection, page_hash: str, fragment: str) -> Drawn:
    """Runs one fragment of the page once more, as its timer does."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page_hash
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = True
    return _finish(socket, message)


def _finish(socket: ClientConnection, message: BackMsg) -> Drawn:
    socket.send(message.SerializeToString())
    drawn = Drawn()
    while True:
        data = socket.recv(timeout=60)
        answer = ForwardMsg()
        answer.ParseFromString(data if isinstance(data, bytes) else data.encode())
        drawn.size += len(data)
        kind = answer.WhichOneof("type")
        if kind == "new_session":
            drawn.page_hash = answer.new_session.page_script_hash
        if kind == "auto_rerun":
            drawn.rhythms[answer.auto_rerun.fragment_id] = answer.auto_rerun.interval
        if kind == "script_finished":
            return drawn
