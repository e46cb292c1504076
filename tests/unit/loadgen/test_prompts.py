from __future__ import annotations

import json

import pytest

from core.domain.workload import Api, LoadPoint
from core.loadgen.calibration import measure_words
from core.loadgen.payload import WARMUP_OUTPUT_TOKENS, Payloads, Stock
from core.loadgen.prompts import TextPrompts, TokenIdPrompts, Words, middle_band
from core.loadgen.target import Target
from core.loadgen.task import LoadTask

TARGET = Target("http://h:1/v1", "h", 1, "/v1", False, 2, ("h", 1), "sk-1")  # type: ignore[arg-type]


def ids_of(field: bytes) -> list[int]:
    return json.loads(b"{" + field + b"}")["prompt"]


@pytest.mark.parametrize("vocabulary", [4_000, 32_000, 151_936, None])
@pytest.mark.parametrize("length", [1, 7, 4096])
def test_ids_are_as_many_as_wanted_and_in_the_band(vocabulary, length):
    low, end = middle_band(vocabulary)
    ids = ids_of(TokenIdPrompts(3, length, (low, end)).field("measured", 0))
    assert len(ids) == length
    assert all(low <= number < end for number in ids)
    assert end <= (vocabulary or 20_000)


def test_a_tiny_vocabulary_still_gives_ids():
    assert set(ids_of(TokenIdPrompts(3, 50, middle_band(2)).field("measured", 0))) == {0}


def test_no_two_prompts_begin_alike():
    prompts = [TokenIdPrompts(seed, 64, (1_000, 20_000)) for seed in (1, 2)]
    beginnings = {
        tuple(ids_of(p.field(kind, n))[:8]) for p in prompts for kind in ("measured", "warmup") for n in range(50)
    }
    assert len(beginnings) == 200


def test_prompts_are_reproducible():
    one, two = (TokenIdPrompts(9, 32, (1_000, 20_000)) for _ in range(2))
    assert one.field("measured", 5) == two.field("measured", 5)


def test_a_longer_prompt_of_another_point_is_another_prompt():
    short, long = TokenIdPrompts(1, 16, (1_000, 20_000)), TokenIdPrompts(2, 32, (1_000, 20_000))
    assert ids_of(long.field("measured", 0))[:16] != ids_of(short.field("measured", 0))


@pytest.mark.parametrize("length", [8, 9, 100])
def test_text_adds_up_to_the_length(length):
    words = Words(5, {1: ("a", "b"), 3: ("ccc", "ddd", "eee")})
    text = TextPrompts(1, length, words).text("measured", 0)
    assert 5 + sum(len(word) for word in text.split()) == length


def test_words_are_measured_by_repetition():
    costs = {"year": 2, "hand": 2}

    def count(text: str) -> int:
        return 11 + sum(costs.get(word, 1) for word in text.split())

    words = measure_words(count)
    assert words is not None
    assert words.overhead == 11
    assert all(costs.get(word, 1) == cost for cost, known in words.by_cost.items() for word in known)
    assert len(words.by_cost[1]) >= 64


def test_a_server_that_counts_nothing():
    assert measure_words(lambda text: None) is None


def task(**changes: object) -> LoadTask:
    values: dict[str, object] = {
        "base_url": "http://h:1/v1",
        "served_name": "m",
        "api": Api.COMPLETIONS,
        "point": LoadPoint(0, requests=1),
        "repeat": 0,
        "input_tokens": 8,
        "output_tokens": 16,
        "seed": 1,
        "out_dir": "x",
    }
    return LoadTask(**values | changes)  # type: ignore[arg-type]


def test_a_request_says_everything_itself():
    prompts = TokenIdPrompts(1, 8, (1_000, 20_000))
    head, _, body = Payloads(task(temperature=0.5), TARGET, prompts, seed=42).measured(0).partition(b"\r\n\r\n")
    sent = json.loads(body)
    assert len(sent.pop("prompt")) == 8
    assert sent == {
        "model": "m",
        "max_tokens": 16,
        "temperature": 0.5,
        "ignore_eos": True,
        "seed": 42,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/completions HTTP/1.1"
    assert {"Host: h:1", "Authorization: Bearer sk-1", f"Content-Length: {len(body)}"} <= set(lines)


def test_a_warmup_asks_for_little_and_never_for_a_measured_prompt():
    payloads = Payloads(task(), TARGET, TokenIdPrompts(1, 8, (1_000, 20_000)), seed=42)
    warm, measured = (
        json.loads(request.partition(b"\r\n\r\n")[2]) for request in (payloads.warmup(0), payloads.measured(0))
    )
    assert warm["max_tokens"] == WARMUP_OUTPUT_TOKENS
    assert warm["prompt"] != measured["prompt"]


def test_a_stock_keeps_to_its_budget_and_forgets_nothing():
    stock = Stock(lambda index: bytes(10), iter(range(7)), budget_bytes=25)
    stock.fill()
    taken = [stock.take() for _ in range(8)]
    assert [item[0] for item in taken[:7] if item] == list(range(7))
    assert taken[7] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output_tokens": 0}, "output_tokens"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"base_url": "ftp://h"}, "base_url"),
        ({"processes": 0}, "processes"),
        ({"point": LoadPoint(0)}, "requests or by duration_s"),
        ({"point": LoadPoint(0, requests=1, duration_s=1.0)}, "requests or by duration_s"),
        ({"point": LoadPoint(0, concurrency=None, requests=1)}, "concurrency"),
    ],
)
def test_a_task_that_cannot_be(changes, words):
    with pytest.raises(ValueError, match=words):
        task(**changes)


def test_a_task_survives_its_file():
    wanted = task(key_env="KEY", vocabulary_size=4_000)
    assert LoadTask.from_json(wanted.to_json()) == wanted


@pytest.mark.parametrize("text", ["[]", "{", '{"api": "chat"}', '{"surprise": 1}'])
def test_a_file_that_is_no_task(text):
    with pytest.raises(ValueError, match=r".+"):
        LoadTask.from_json(text)
