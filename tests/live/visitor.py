"""A browser session without a browser: Streamlit's websocket, spoken directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect


@dataclass
class Visit:
    """What one run of the script sent: texts by element type, the names in the navigation, and how it ended."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    navigation: list[str] | None = None
    page_not_found: bool = False

    def said(self, text: str) -> bool:
        """Whether any element carries the text."""
        return any(text in item for items in self.texts.values() for item in items)


def visit(port: int, page: str = "", *, host: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> Visit:
    """Opens a page as the first thing of a new session, and collects what is drawn until the script has run. Raises
    websockets.InvalidStatus where the door is closed."""
    url = f"ws://{host}:{port}/_stcore/stream"
    with connect(url, additional_headers=dict(headers or {}), max_size=None, open_timeout=20) as socket:
        message = BackMsg()
        message.rerun_script.page_name = page
        socket.send(message.SerializeToString())
        seen = Visit()
        while True:
            answer = ForwardMsg()
            data = socket.recv(timeout=30)
            answer.ParseFromString(data if isinstance(data, bytes) else data.encode())
            if answer.WhichOneof("type") == "script_finished":
                return seen
            _read(answer, seen)


def _read(message: ForwardMsg, seen: Visit) -> None:
    kind = message.WhichOneof("type")
    if kind == "navigation":
        seen.navigation = [page.page_name for page in message.navigation.app_pages if not page.is_hidden]
    elif kind == "page_not_found":
        seen.page_not_found = True
    elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
        element = message.delta.new_element
        name = element.WhichOneof("type")
        if name is not None:
            body = getattr(getattr(element, name), "body", "")
            seen.texts.setdefault(name, []).append(str(body))
