"""The load generator over TLS: it works with a certificate that the system trusts, and refuses any other."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.domain.workload import LoadPoint
from tests.live import load

EVENTS = [b'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n'] * 5 + [
    b'data: {"choices":[{"index":0,"text":"b","finish_reason":"length"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":20000,"completion_tokens":6}}\n\ndata: [DONE]\n\n',
]


class Streams(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in [*EVENTS, b""]:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))

    def log_message(self, *arguments: object) -> None:
        return


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A self-signed one for 127.0.0.1, key included."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server(certificate) -> Iterator[str]:
    """An address that speaks TLS."""
    listener = ThreadingHTTPServer(("127.0.0.1", 0), Streams)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{listener.server_address[1]}/v1"
    listener.shutdown()
    listener.server_close()


def test_a_trusted_certificate(server, certificate, tmp_path):
    wanted = load.task(server, tmp_path, input_tokens=20_000, output_tokens=6)  # a body of 100 kB: written in pieces
    measured = load.run(wanted, env={"SSL_CERT_FILE": str(certificate)}).measured
    assert (measured.requests.succeeded, measured.requests.failed) == (12, 0)
    assert measured.output_tokens == 12 * 6
    assert measured.itl_ms.n == 12 * 5


def test_an_unknown_certificate(server, tmp_path):
    point = LoadPoint(0, concurrency=2, requests=4, warmup=0)
    outcome = load.run(load.task(server, tmp_path, point=point))
    assert outcome.measured.requests.failures == {"connect": 4}
    assert "certificate" in outcome.requests[0]["detail"].lower()
