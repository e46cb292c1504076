"""A weights file's own word on its length."""

from __future__ import annotations

import json

import pytest

from core.formats.safetensors import file_bytes, header_bytes, is_lfs_pointer


def header(end: int) -> bytes:
    return json.dumps({"__metadata__": {"format": "pt"}, "w": {"dtype": "F32", "data_offsets": [0, end]}}).encode()


def test_the_header_tells_the_files_length() -> None:
    text = header(1000)
    assert header_bytes(len(text).to_bytes(8, "little")) == len(text)
    assert file_bytes(text) == 8 + len(text) + 1000


@pytest.mark.parametrize("prefix", [b"", b"\x02\0\0", b"\xff" * 8, bytes(8), b"PK\x03\x04aaaa"])
def test_what_is_no_such_file(prefix: bytes) -> None:
    assert header_bytes(prefix) is None


@pytest.mark.parametrize(
    "text", [b"{", b"[]", b'{"w": 1}', b'{"w": {"data_offsets": [0]}}', b'{"w": {"data_offsets": [0, "x"]}}']
)
def test_a_header_that_cannot_be_read(text: bytes) -> None:
    assert file_bytes(text) is None


def test_a_pointer_is_told_from_the_file() -> None:
    assert is_lfs_pointer(b"version https://git-lfs.github.com/spec/v1"[:8])
    assert not is_lfs_pointer(b"\x02" + bytes(7))
