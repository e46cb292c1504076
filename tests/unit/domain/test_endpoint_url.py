"""One server has one spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.endpoint import UrlError, address_key, canonical_url, host_and_port, server_root


@pytest.mark.parametrize(
    "text",
    [
        "http://10.0.0.1:8000",
        "http://10.0.0.1:8000/",
        "http://10.0.0.1:8000/v1",
        "http://10.0.0.1:8000/v1/",
        "HTTP://10.0.0.1:8000//v1//",
        "10.0.0.1:8000",
        " 10.0.0.1:8000/v1 ",
        "http://10.0.0.1:8000/v1/chat/completions",
        "http://10.0.0.1:8000/v1/models",
        "http：//10.0.0.1：8000/v1",
    ],
)
def test_every_spelling_of_a_server_is_one(text: str) -> None:
    assert canonical_url(text) == "http://10.0.0.1:8000/v1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://Gate.Example.com/llm/qwen/", "https://gate.example.com/llm/qwen/v1"),
        ("https://gate.example.com:443/v1", "https://gate.example.com/v1"),
        ("http://gate:80", "http://gate/v1"),
        ("localhost", "http://localhost/v1"),
        ("https://example.com/api/v3", "https://example.com/api/v3"),
        ("[::1]:8000", "http://[::1]:8000/v1"),
        ("http://[0:0:0:0:0:0:0:1]:8000", "http://[::1]:8000/v1"),
        ("http://模型.example.com", "http://xn--xgs754b.example.com/v1"),
        ("http://vllm_service:8000", "http://vllm_service:8000/v1"),
        ("http://host.:8000", "http://host:8000/v1"),
    ],
)
def test_prefix_case_default_port_and_ipv6(text: str, expected: str) -> None:
    assert canonical_url(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "url_empty"),
        ("   ", "url_empty"),
        ("ftp://host/v1", "url_not_http"),
        ("http://", "url_no_host"),
        ("http:///v1", "url_no_host"),
        ("http://host:99999", "url_bad_port"),
        ("http://host:0", "url_bad_port"),
        ("http://host:port", "url_bad_port"),
        ("http://user:secret@host", "url_has_credentials"),
        ("http://host/v1?key=secret", "url_has_query"),
        ("http://host/v1#x", "url_has_query"),
        ("http://my host:8000", "url_bad_host"),
        ("http://host..example", "url_bad_host"),
        ("http://300.1.1.1", "url_bad_host"),
        ("http://[::1", "url_bad_host"),
        ("http://[xyz]:8000", "url_bad_host"),
    ],
)
def test_what_is_no_address_is_named(text: str, code: str) -> None:
    with pytest.raises(UrlError) as raised:
        canonical_url(text)
    assert raised.value.code == code


def test_credentials_in_an_address_are_not_repeated() -> None:
    with pytest.raises(UrlError) as raised:
        canonical_url("http://user:hunter2@host")
    assert "hunter2" not in f"{raised.value}{raised.value.params}"


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_named_mistake(text: str) -> None:
    try:
        url = canonical_url(text)
    except UrlError as error:
        assert error.code.startswith("url_")
    else:
        assert canonical_url(url) == url


def test_root_and_address() -> None:
    assert server_root("http://gate/llm/v1") == "http://gate/llm"
    assert host_and_port("http://[::1]:8000/v1") == ("::1", 8000)
    assert host_and_port("https://gate/v1") == ("gate", 443)
    assert address_key("127.0.0.1", 8000) == "address:127.0.0.1:8000"
