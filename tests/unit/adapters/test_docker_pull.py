"""What the Docker engine is told when an image is pulled: under which name, and as whom."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.registry import PullSource, RegistryLogin
from core.errors import AppError, EngineError

LAYER = {"status": "Downloading", "id": "layer", "progressDetail": {"current": 5, "total": 10}}


@dataclass
class Daemon:
    """As much of Docker's HTTP API as a pull needs."""

    lines: list[dict[str, Any]] = field(default_factory=lambda: [LAYER])
    asked: list[tuple[str, str, dict[str, str], dict[str, Any] | None]] = field(default_factory=list)
    url: str = ""
    distribution: tuple[int, str] = (200, "")
    """What it says of an image in a registry."""


class _Handler(BaseHTTPRequestHandler):
    daemon: Daemon
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if "/distribution/" in self.path:
            packed = self.headers.get("X-Registry-Auth")
            auth = json.loads(base64.urlsafe_b64decode(packed)) if packed else None
            self.daemon.asked.append(("GET", self.path.split("/distribution/", 1)[-1], {}, auth))
            status, said = self.daemon.distribution
            self._say(json.dumps({"message": said}), status)
            return
        document = {"Id": "sha256:1", "RepoTags": []} if "/images/" in self.path else {"ApiVersion": "1.41"}
        self._say(json.dumps(document))

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        packed = self.headers.get("X-Registry-Auth")
        auth = json.loads(base64.urlsafe_b64decode(packed)) if packed else None
        self.daemon.asked.append(("POST", parts.path.split("/images/", 1)[-1], query, auth))
        self._body()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in (*(f"{json.dumps(one)}\n".encode() for one in self.daemon.lines), b""):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _body(self) -> None:
        """Read, so that the connection can be used again."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                self.rfile.read(size + 2)
            self.rfile.readline()

    def _say(self, text: str, status: int = 200) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    made = Daemon()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"daemon": made}))
    made.url = f"tcp://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def test_a_private_registry_is_asked_with_its_login(daemon: Daemon) -> None:
    source = PullSource("harbor.local/a/b:1", RegistryLogin("ann", "s3cret"))
    assert list(DockerEngine(daemon.url, source=lambda _: source).pull("harbor.local/a/b:1")) == [(5, 10)]
    ((_, path, query, auth),) = daemon.asked
    assert (path, query) == ("create", {"fromImage": "harbor.local/a/b", "tag": "1"})
    assert auth is not None
    assert (auth["username"], auth["password"]) == ("ann", "s3cret")


def test_behind_a_mirror_the_image_gets_its_own_name_back(daemon: Daemon) -> None:
    engine = DockerEngine(daemon.url, source=lambda image: PullSource(f"m.local/{image}"))
    list(engine.pull("vllm/vllm-openai:v1"))
    (_, _, pulled, auth), (_, path, tagged, _) = daemon.asked
    assert (pulled, auth) == ({"fromImage": "m.local/vllm/vllm-openai", "tag": "v1"}, None)
    assert path.endswith("/tag")
    assert (tagged["repo"], tagged["tag"]) == ("vllm/vllm-openai", "v1")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("unauthorized: authentication required", "registry_denied"),
        ("pull access denied for a/b, repository does not exist or may require 'docker login'", "registry_denied"),
        ("manifest unknown", "image_missing"),
        ("no space left on device", "pull_failed"),
    ],
)
def test_why_a_pull_ended(daemon: Daemon, said: str, code: str) -> None:
    daemon.lines = [{"error": said}]
    with pytest.raises(AppError) as caught:
        list(DockerEngine(daemon.url).pull("a/b:1"))
    assert caught.value.code == code


def test_a_registry_is_asked_as_a_pull_would_ask(daemon: Daemon) -> None:
    source = PullSource("harbor.local/a/b:1", RegistryLogin("ann", "s3cret"))
    assert DockerEngine(daemon.url, source=lambda _: source).in_registry("a/b:1")
    ((_, path, _, auth),) = daemon.asked
    assert path == "harbor.local/a/b:1/json"
    assert auth is not None
    assert (auth["username"], auth["password"]) == ("ann", "s3cret")


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (404, "manifest unknown: manifest unknown", False),
        (404, "errors: name unknown: repository a/b not found", False),
        (401, "denied: requested access to the resource is denied", "registry_denied"),
        (403, "unauthorized: authentication required", "registry_denied"),
        (500, "Get https://registry-1.docker.io/v2/: dial tcp: lookup failed", "registry_silent"),
    ],
)
def test_what_a_registry_says_of_an_image(daemon: Daemon, status: int, said: str, expected: bool | str) -> None:
    daemon.distribution = (status, said)
    if isinstance(expected, bool):
        assert DockerEngine(daemon.url).in_registry("a/b:1") is expected
        return
    with pytest.raises(EngineError) as caught:
        DockerEngine(daemon.url).in_registry("a/b:1")
    assert caught.value.code == expected


def test_a_loaded_file_names_its_images(daemon: Daemon) -> None:
    daemon.lines = [{"stream": "Loaded image: a/b:1\n"}, {"stream": "Loaded image ID: sha256:2\n"}]
    assert DockerEngine(daemon.url).load(iter([b"tar"])) == ("a/b:1", "sha256:2")
    daemon.lines = [{"error": "unexpected EOF"}]
    with pytest.raises(EngineError) as caught:
        DockerEngine(daemon.url).load(iter([b"tar"]))
    assert (caught.value.code, caught.value.params["detail"]) == ("image_load_failed", "unexpected EOF")
