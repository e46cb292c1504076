from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.loadgen.exchange import Exchange
from core.loadgen.framing import CHUNKED, UNTIL_CLOSE, ChunkWalker, FramingError, chunk_spans, read_head

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(*pieces: bytes, trailer: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailer + b"\r\n"


def pieces_of(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(data[at : at + size])
        at += size
    return [piece for piece in [*pieces, data[at:]] if piece]


def receive(pieces: list[bytes]) -> list[bool]:
    exchange = Exchange(0, 0.0)
    answers = []
    for piece in pieces:
        exchange.chunks.append(piece)
        exchange.stamps.append(0.0)
        answers.append(exchange.is_complete(piece))
    return answers


@pytest.mark.parametrize(
    ("lines", "status", "length", "keep_alive"),
    [
        (["200 OK", "Content-Length: 12"], 200, 12, True),
        (["200 OK", "TRANSFER-ENCODING: Chunked"], 200, CHUNKED, True),
        (["500", "connection: close"], 500, UNTIL_CLOSE, False),
        (["204 No Content"], 204, 0, True),
    ],
)
def test_heads(lines, status, length, keep_alive):
    data = ("HTTP/1.1 " + "\r\n".join(lines) + "\r\n\r\n").encode()
    head = read_head(data + b"body")
    assert (head.status, head.length, head.keep_alive, head.size) == (status, length, keep_alive, len(data))


def test_an_interim_answer_is_passed_over():
    head = read_head(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD)
    assert (head.status, head.size) == (200, 25 + len(HEAD))


def test_http_1_0_does_not_keep_alive():
    assert read_head(b"HTTP/1.0 200 OK\r\n\r\n").keep_alive is False


@pytest.mark.parametrize("data", [b"SSH-2.0-x", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200\r\ncontent-length: x\r\n\r\n"])
def test_what_is_no_answer(data):
    with pytest.raises(FramingError):
        read_head(data)


def test_half_a_head_is_none_yet():
    assert read_head(b"HTT") is None
    assert read_head(HEAD[:-1]) is None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@given(data=st.data())
def test_the_end_is_found_however_the_bytes_come(newline, data):
    events = [b"data: %d" % number + newline * 2 for number in (1, 0, 10, 0)]
    whole = HEAD + chunked(*events)
    sizes = data.draw(st.lists(st.integers(1, 40), max_size=60))
    answers = receive(pieces_of(whole, sizes))
    assert answers[-1] is True
    assert not any(answers[:-1])


def test_trailers_belong_to_the_end():
    whole = HEAD + chunked(b"data: 1\n\n", trailer=b"x-cost: 3\r\n")
    assert receive([whole]) == [True]
    assert receive([whole[:-12], whole[-12:]]) == [False, True]


def test_a_length_is_counted():
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"
    assert receive([whole[:30], whole[30:-1], whole[-1:]]) == [False, False, True]


@given(st.lists(st.binary(min_size=1, max_size=30), max_size=8), st.lists(st.integers(1, 9), max_size=80))
def test_walker_and_spans_agree(bodies, sizes):
    whole = chunked(*bodies)
    spans, complete = chunk_spans(whole)
    assert complete
    assert [whole[start:end] for start, end in spans] == bodies
    walker = ChunkWalker()
    answers = [walker.feed(piece) for piece in pieces_of(whole, sizes)]
    assert answers[-1] is True


def test_an_incomplete_chunk_is_left_out():
    assert chunk_spans(b"3\r\nabc\r\n5\r\nab") == ([(3, 6)], False)


def test_a_chunk_size_that_is_none():
    with pytest.raises(FramingError):
        chunk_spans(b"xyz\r\n")
