"""One machine, one address."""

from __future__ import annotations

import socket
import threading

import pytest

from core.adapters import addresses
from core.errors import Unreachable


def answering(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    """Lets the name server answer with these."""

    def lookup(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "0.0.0.0"])
def test_every_address_of_this_machine_reads_the_same(host: str) -> None:
    assert addresses.resolve(host, 8000) == "127.0.0.1"


def test_of_several_addresses_the_lowest_so_that_rotation_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "203.0.113.20", "203.0.113.9", "2001:db8::1")
    assert addresses.resolve("gate", 80) == "203.0.113.9"
    answering(monkeypatch, "2001:db8::1", "203.0.113.9", "203.0.113.20")
    assert addresses.resolve("gate", 80) == "203.0.113.9"


def test_an_ipv4_address_in_ipv6_clothes(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "::ffff:203.0.113.9")
    assert addresses.resolve("gate", 80) == "203.0.113.9"


def test_an_unknown_name() -> None:
    with pytest.raises(Unreachable) as raised:
        addresses.resolve("no-such-host.invalid", 80)
    assert (raised.value.code, raised.value.params["host"]) == ("endpoint_dns", "no-such-host.invalid")


def test_a_name_server_that_never_answers_costs_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def lookup(*_: object, **__: object) -> list[object]:
        asked.wait(5)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    with pytest.raises(Unreachable) as raised:
        addresses.resolve("slow", 80, timeout_s=0.05)
    asked.set()
    assert raised.value.code == "endpoint_dns"


def test_an_address_on_one_of_this_machines_cards_is_its_own() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))  # sends nothing; picks the card that would
        except OSError:
            pytest.skip("this machine has no network")
        own = probe.getsockname()[0]
    assert addresses.is_own(own)
    assert not addresses.is_own("203.0.113.1")
