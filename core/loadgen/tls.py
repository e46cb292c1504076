"""A connection over TLS."""

from __future__ import annotations

import ssl
from time import monotonic

from core.loadgen.connection import READ_BYTES, Connection, Owner
from core.loadgen.poller import IN, OUT, Poller
from core.loadgen.target import Target


class TlsConnection(Connection):
    """The same over TLS. The certificate is checked against the system's authorities, or SSL_CERT_FILE."""

    def __init__(self, target: Target, poller: Poller, owner: Owner, context: ssl.SSLContext) -> None:
        super().__init__(target, poller, owner)
        self._context = context

    def _secure(self) -> bool:
        try:
            if not isinstance(self._socket, ssl.SSLSocket):
                assert self._socket is not None
                self._poller.unregister(self._socket.fileno())
                self._socket = self._context.wrap_socket(
                    self._socket, server_hostname=self._target.host, do_handshake_on_connect=False
                )
                self._poller.register(self._socket.fileno(), self, IN | OUT)
            self._socket.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(IN)
            return False
        except ssl.SSLWantWriteError:
            self._watch(IN | OUT)
            return False
        except OSError as error:
            self._lose(str(error))
            return False
        return True

    def _connected(self, mask: int) -> None:
        super()._connected(mask | OUT)

    def _is_closed_by_peer(self) -> bool:
        return False  # a peek would not see through the encryption

    def _watch(self, mask: int) -> None:
        self._poller.modify(self._socket.fileno(), mask)  # type: ignore[union-attr]

    def _write(self, data: memoryview | bytes) -> int:
        try:
            return self._socket.send(data)  # type: ignore[union-attr]
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0

    def _receive(self) -> None:
        while self.is_open:
            try:
                data = self._socket.recv(READ_BYTES)  # type: ignore[union-attr]
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError as error:
                self._lose(str(error))
                return
            self._took(data, monotonic())
