"""Ports that are free, ours or taken."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from cli import address
from cli.address import WEB_SCRIPT, check_address, free_port, is_our_own, web_url
from core.errors import RefusedError
from render.texts import Texts


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def seatrial() -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"alive": True, "product": "seatrial"}).encode())

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_taken_port_is_told_with_a_free_one(taken: int) -> None:
    with pytest.raises(RefusedError) as refused:
        check_address("127.0.0.1", taken)
    free = refused.value.params["free"]
    assert refused.value.code == "web_port_in_use"
    assert isinstance(free, int) and free > taken
    assert f"SEATRIAL_PORT={free} make run" in Texts("en").error(refused.value)
    check_address("127.0.0.1", free)


def test_our_own_port_is_told_with_its_address(seatrial: int) -> None:
    with pytest.raises(RefusedError) as refused:
        check_address("127.0.0.1", seatrial)
    assert (refused.value.code, refused.value.params["url"]) == ("already_running", f"http://127.0.0.1:{seatrial}")


def test_a_web_process_of_ours_that_is_ending_is_waited_for() -> None:
    ending = """
import socket
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    for _ in range(3):
        listener.accept()[0].close()
"""
    argv = [sys.executable, "-c", ending, str(WEB_SCRIPT)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as leaving:
        assert leaving.stdout is not None
        check_address("127.0.0.1", int(leaving.stdout.readline()))
        assert leaving.wait(10) == 0


def test_whoever_leaves_while_it_is_looked_for_is_not_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def nobody_is_seen(port: int) -> bool:
            listener.close()
            return False

        monkeypatch.setattr(address, "_is_leaving", nobody_is_seen)
        check_address("127.0.0.1", listener.getsockname()[1])
        assert listener.fileno() == -1


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(RefusedError) as refused:
        check_address("203.0.113.7", 8501)
    assert refused.value.code == "web_host_unknown"


def test_nobody_there_is_not_ours(taken: int) -> None:
    port = free_port("127.0.0.1", taken + 1)
    assert port is not None
    assert not is_our_own(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8501"), ("0.0.0.0", "http://127.0.0.1:8501"), ("::1", "http://[::1]:8501")],
)
def test_the_url_is_one_that_opens_here(host: str, url: str) -> None:
    assert web_url(host, 8501) == url
