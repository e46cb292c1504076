"""A proxy before the engine's socket, through which a test can cut every connection at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ENGINE_SOCKET = "/var/run/docker.sock"


class CuttingProxy:
    """``address`` is a DOCKER_HOST. ``down``: new connections are refused, too."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "cut.sock"
        self.address = f"unix://{self._path}"
        self.down = False
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self._path))
        self._server.listen()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Ends every connection that is open now."""
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def close(self) -> None:
        """No connection any more, and nobody listens."""
        self.down = True
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self.cut()
        self._thread.join(5)
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self.down:
                    client.close()
                    continue
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(ENGINE_SOCKET)
                with self._lock:
                    self._open += [client, engine]
                for source, target in ((client, engine), (engine, client)):
                    threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def cutting_proxy(folder: Path) -> Iterator[CuttingProxy]:
    """Closed at the end."""
    proxy = CuttingProxy(folder)
    try:
        yield proxy
    finally:
        proxy.close()
