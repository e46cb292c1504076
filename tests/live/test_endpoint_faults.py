"""Servers that are not in order: each ends in one finding with its cause and a sentence in both languages."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.adapters.endpoint_http import HttpEndpointClient
from core.domain.endpoint import EndpointCheck, KeyState
from core.domain.finding import Finding, Severity, blocking
from core.errors import Rejected, Unreachable
from render.texts import LANGUAGES, Texts, placeholders, sentences
from tests.fakes.clock import FakeClock
from tests.simulated import simulated

CHECK_LIMIT_S = 2.0


def checked(base_url: str, key: str | None = None, served_name: str | None = None) -> EndpointCheck:
    """A check that kept its time, whose findings all have words."""
    began = time.monotonic()
    check = HttpEndpointClient(FakeClock(), CHECK_LIMIT_S).check(base_url, key, served_name)
    assert time.monotonic() - began < CHECK_LIMIT_S + 1
    for finding in check.findings:
        has_words(finding)
    return check


def has_words(finding: Finding) -> None:
    """A sentence in each language that names only what the finding tells."""
    for language in LANGUAGES:
        texts = Texts(language)
        key = next(key for key in (f"finding.{finding.code}", f"error.{finding.code}") if texts.has(key))
        assert placeholders(sentences(language)[key]) <= set(finding.params)
        assert "{" not in texts.finding(finding)


def fault(name: str, *more: str) -> EndpointCheck:
    """What a check says of a simulated server with a fault."""
    with simulated("--fault", name, "--ttft-ms", "5", "--itl-ms", "1", *more) as server:
        return checked(server.base_url)


def the_block(check: EndpointCheck) -> Finding:
    (finding,) = blocking(check.findings)
    return finding


@contextmanager
def listener(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """A socket that is no HTTP server."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def accept() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    behave(peer)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
        server.shutdown(socket.SHUT_RDWR)


# ---------------------------------------------------------------- nothing usable at the address


def test_a_port_where_nobody_listens() -> None:
    check = checked("http://127.0.0.1:9/v1")
    assert (the_block(check).code, the_block(check).field, check.reachable) == ("endpoint_refused", "url", False)


def test_a_name_that_nobody_knows() -> None:
    assert the_block(checked("http://no-such-host.invalid:8000/v1")).code == "endpoint_dns"


def test_a_page_instead_of_an_api() -> None:
    check = fault("html")
    assert the_block(check).code == "endpoint_not_openai"
    assert the_block(check).params["content_type"] == "text/html"


def test_a_wrong_path_on_the_right_server() -> None:
    with simulated() as server:
        assert the_block(checked(server.base_url.replace("/v1", "/llm/v1"))).params["status"] == 404


def test_a_redirect_names_its_target() -> None:
    finding = the_block(fault("redirect"))
    assert (finding.code, finding.params["location"]) == ("endpoint_redirects", "https://example.invalid/v1/models")


def test_a_server_that_accepts_and_never_answers() -> None:
    check = fault("hang")
    assert the_block(check).code == "endpoint_never_answers"
    assert not check.reachable


def test_a_server_that_hangs_up() -> None:
    with listener(lambda peer: None) as base_url:
        assert the_block(checked(base_url)).code == "endpoint_dropped"


def test_something_that_does_not_speak_http() -> None:
    def greet(peer: socket.socket) -> None:
        peer.sendall(b"220 FTP server ready\r\n\r\n")
        peer.recv(4096)

    with listener(greet) as base_url:
        assert the_block(checked(base_url)).code == "endpoint_not_http"


def test_https_where_plain_http_is_spoken() -> None:
    with simulated() as server:
        assert the_block(checked(server.base_url.replace("http:", "https:"))).code == "endpoint_tls"


# ---------------------------------------------------------------- keys and models


def test_keys() -> None:
    with simulated("--api-key", "right") as server:
        missing, wrong = checked(server.base_url), checked(server.base_url, "wrong")
        malformed, right = checked(server.base_url, "密钥\n"), checked(server.base_url, "right")
    assert (the_block(missing).code, the_block(missing).field) == ("endpoint_key_missing", "key")
    assert the_block(wrong).code == "endpoint_key_refused"
    assert the_block(malformed).code == "endpoint_key_malformed"
    assert (right.key_state, right.usable) == (KeyState.ACCEPTED, True)
    assert missing.server_version is not None  # vLLM tells its version to anybody


def test_an_unknown_model() -> None:
    with simulated("--model", "tiny") as server:
        finding = the_block(checked(server.base_url, served_name="Tiny"))
    assert (finding.code, finding.field, finding.params["names"]) == ("endpoint_model_unknown", "served_name", "tiny")


def test_a_server_without_models() -> None:
    assert the_block(fault("no-models")).code == "endpoint_no_models"


@contextmanager
def unlisted(*, completes: bool) -> Iterator[str]:
    """A server that streams completions, or nothing, and lists no models."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(404)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if not completes or not self.path.endswith("/completions"):
                self.send_error(404)
                return
            chunk = {
                "choices": [{"index": 0, "text": "a", "delta": {"content": "a"}}],
                "usage": {"completion_tokens": 1},
            }
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            self.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


def test_a_server_that_lists_nothing_is_taken_at_the_name_that_is_given() -> None:
    with unlisted(completes=True) as base_url:
        named, nameless = checked(base_url, served_name="tiny"), checked(base_url)
    assert (named.usable, named.served_name) == (True, "tiny")
    assert "endpoint_unlisted" in [finding.code for finding in named.findings]
    assert the_block(nameless).code == "endpoint_not_openai"


def test_a_name_does_not_make_an_api_of_a_wrong_path() -> None:
    with unlisted(completes=False) as base_url:
        check = checked(base_url, served_name="tiny")
    assert (the_block(check).code, check.served_name) == ("endpoint_not_openai", None)


# ---------------------------------------------------------------- it lists models, and does not deliver


def test_completions_that_never_come() -> None:
    check = fault("hang-completions")
    codes = {finding.code: finding.severity for finding in check.findings}
    assert codes == {"endpoint_no_token_in_time": Severity.WARN, "endpoint_simulated": Severity.NOTE}
    assert check.reachable
    assert not check.usable


@pytest.mark.parametrize("status", [429, 500])
def test_completions_that_fail(status: int) -> None:
    finding = the_block(fault(f"status:{status}:1"))
    assert (finding.code, finding.params["status"]) == ("endpoint_completion_failed", status)
    assert str(status) in str(finding.params["detail"])


def test_answers_that_do_not_stream() -> None:
    check = fault("no-stream")
    assert (the_block(check).code, check.streams) == ("endpoint_no_stream", False)


def test_a_stream_without_usage_and_one_that_is_cut() -> None:
    assert "endpoint_no_usage" in [finding.code for finding in fault("no-usage").findings]
    assert not fault("truncate:1").usable


def test_a_model_without_a_chat_template_is_measured_by_completions() -> None:
    check = fault("no-chat")
    assert check.usable
    assert "endpoint_no_chat" in [finding.code for finding in check.findings]


def test_reasoning_is_seen() -> None:
    with simulated("--reasoning") as server:
        assert checked(server.base_url).reasons is True


def test_a_server_that_dies_under_the_check() -> None:
    check = fault("die-after:0")
    assert the_block(check).code == "endpoint_dropped"
    assert not check.usable


def test_a_server_that_dies_between_two_calls() -> None:
    client = HttpEndpointClient(FakeClock())
    with simulated("--fault", "die-after:1", "--model", "tiny") as server:
        client.complete_once(server.base_url, None, "tiny")
        with pytest.raises(Unreachable) as raised:
            client.complete_once(server.base_url, None, "tiny")
        assert raised.value.code == "endpoint_dropped"
        server.process.wait(timeout=5)
        assert not client.is_healthy(server.base_url)


def test_a_completion_that_is_refused_says_why() -> None:
    with simulated("--fault", "status:500:1", "--model", "tiny") as server, pytest.raises(Rejected) as raised:
        HttpEndpointClient(FakeClock()).complete_once(server.base_url, None, "tiny")
    assert raised.value.params["status"] == 500
