from __future__ import annotations

import json

import pytest

from core.domain.workload import Api, Arrival, LoadPoint, Spread
from core.loadgen.calibration import make_prompts, measure_words
from core.loadgen.file_prompts import FilePrompts
from core.loadgen.payload import WARMUP_OUTPUT_TOKENS, Payloads, Stock
from core.loadgen.prompts import TextPrompts, TokenIdPrompts, Words, middle_band
from core.loadgen.shape import Shape
from core.loadgen.target import Target
from core.loadgen.task import LoadTask

TARGET = Target("http://h:1/v1", "h", 1, "/v1", False, 2, ("h", 1), "sk-1")  # type: ignore[arg-type]


def ids_of(field: bytes) -> list[int]:
    return json.loads(b"{" + field + b"}")["prompt"]


@pytest.mark.parametrize("vocabulary", [4_000, 32_000, 151_936, None])
@pytest.mark.parametrize("length", [1, 7, 4096])
def test_ids_are_as_many_as_wanted_and_in_the_band(vocabulary, length):
    low, end = middle_band(vocabulary)
    ids = ids_of(TokenIdPrompts(Shape(3, length, 16), (low, end)).field("measured", 0))
    assert len(ids) == length
    assert all(low <= number < end for number in ids)
    assert end <= (vocabulary or 20_000)


def test_a_tiny_vocabulary_still_gives_ids():
    assert set(ids_of(TokenIdPrompts(Shape(3, 50, 16), middle_band(2)).field("measured", 0))) == {0}


def test_no_two_prompts_begin_alike():
    prompts = [TokenIdPrompts(Shape(seed, 64, 16), (1_000, 20_000)) for seed in (1, 2)]
    beginnings = {
        tuple(ids_of(p.field(kind, n))[:8]) for p in prompts for kind in ("measured", "warmup") for n in range(50)
    }
    assert len(beginnings) == 200


def test_prompts_are_reproducible():
    one, two = (TokenIdPrompts(Shape(9, 32, 16), (1_000, 20_000)) for _ in range(2))
    assert one.field("measured", 5) == two.field("measured", 5)


def test_a_longer_prompt_of_another_point_is_another_prompt():
    short, long = TokenIdPrompts(Shape(1, 16, 16), (1_000, 20_000)), TokenIdPrompts(Shape(2, 32, 16), (1_000, 20_000))
    assert ids_of(long.field("measured", 0))[:16] != ids_of(short.field("measured", 0))


@pytest.mark.parametrize("length", [8, 9, 100])
def test_text_adds_up_to_the_length(length):
    words = Words(5, {1: ("a", "b"), 3: ("ccc", "ddd", "eee")})
    text = " ".join(TextPrompts(Shape(1, length, 16), words).texts("measured", 0))
    assert 5 + sum(len(word) for word in text.split()) == length


def counter(costs, overhead=11, pair=7, joined=0):
    """A tokenizer that counts words, with a chat template around the messages."""

    def count(texts):
        pairs = len(texts) // 2
        words = [word for text in texts for word in text.split()]
        return overhead + pairs * pair + sum(costs(word) for word in words) + joined * (len(words) > 100)

    return count


@pytest.mark.parametrize("costs", [lambda word: 1, lambda word: 1 + len(word) // 5, lambda word: -(-len(word) // 4)])
@pytest.mark.parametrize("length", [40, 128, 1001])
def test_chat_prompts_are_exact_whatever_words_cost(costs, length):
    count = counter(costs)
    words = measure_words(count, with_turns=True)
    assert words is not None
    assert (words.overhead, words.pair) == (11, 7)
    prompts = TextPrompts(Shape(1, length, 30, turns=3), words)
    assert [count(prompts.texts("measured", turn)) for turn in range(3)] == [
        length + turn * (length + 30) for turn in range(3)
    ]


def test_what_the_tokenizer_makes_of_whole_prompts_is_put_right(monkeypatch):
    asked = counter(lambda word: 1, joined=5)
    monkeypatch.setattr("core.loadgen.questions.Questions.count", lambda self, texts: asked(texts))
    made = make_prompts(task(api=Api.CHAT, input_tokens=200), TARGET, 3)
    assert made.warnings == ()
    assert {asked(made.prompts.texts("measured", index)) for index in range(20)} == {200}


def test_a_server_that_counts_nothing(monkeypatch):
    assert measure_words(lambda texts: None) is None
    monkeypatch.setattr("core.loadgen.questions.Questions.count", lambda self, texts: None)
    assert make_prompts(task(api=Api.CHAT), TARGET, 3).warnings == ("prompt_length_approximate",)


def test_lengths_vary_within_their_spread_and_come_again():
    shape = Shape(5, 100, 50, Spread(60, 140), Spread(20, 80, std=10))
    inputs = [len(ids_of(TokenIdPrompts(shape, (1_000, 20_000)).field("measured", n))) for n in range(300)]
    outputs = [shape.output("measured", n) for n in range(300)]
    assert inputs == [shape.prompt("measured", n) for n in range(300)]
    assert 60 <= min(inputs) < 70 < 130 < max(inputs) <= 140
    assert sum(inputs) / 300 == pytest.approx(100, abs=5)
    assert all(20 <= one <= 80 for one in outputs)
    assert sum(abs(one - 50) <= 10 for one in outputs) == pytest.approx(0.68 * 300, abs=30)


def test_a_shared_prefix_is_shared_by_all_and_the_rest_by_none():
    prompts = TokenIdPrompts(Shape(5, 100, 50, prefix_share=0.4), (1_000, 20_000))
    ids = [ids_of(prompts.field(kind, n)) for kind in ("measured", "warmup") for n in range(20)]
    assert len({tuple(one[:40]) for one in ids}) == 1
    assert len({tuple(one[40:44]) for one in ids}) == 40
    assert {len(one) for one in ids} == {100}


def test_a_later_turn_begins_with_all_before_it():
    prompts = TokenIdPrompts(Shape(5, 40, 10, turns=3), (1_000, 20_000))
    first, second, third, other = (ids_of(prompts.field("measured", n)) for n in range(4))
    assert [len(one) for one in (first, second, third, other)] == [40, 90, 140, 40]
    assert second[:40] == first
    assert third[:90] == second
    assert other[:8] != first[:8]


def kept(tmp_path, samples):
    file = tmp_path / "samples.jsonl"
    file.write_text("".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples), encoding="utf-8")
    return str(file)


def test_a_file_gives_each_sample_once_before_any_again_and_none_to_the_warm_up(tmp_path):
    samples = [{"prompt": f"text {n}", "output_tokens": n or None} for n in range(5)]
    prompts = FilePrompts(kept(tmp_path, samples), 3, Api.COMPLETIONS)
    said = [json.loads(b"{" + prompts.field("measured", n) + b"}")["prompt"] for n in range(10)]
    assert sorted(said[:5]) == sorted(said[5:]) == [f"text {n}" for n in range(5)]
    assert json.loads(b"{" + prompts.field("warmup", 0) + b"}")["prompt"] not in said
    assert prompts.output_tokens(said.index("text 3")) == 3
    assert prompts.output_tokens(said.index("text 0")) is None
    said = [{"prompt": "x", "messages": [{"role": "system", "content": "s"}]}]
    chat = FilePrompts(kept(tmp_path, said), 3, Api.CHAT)
    assert json.loads(b"{" + chat.field("measured", 0) + b"}")["messages"][0]["role"] == "system"


def test_a_later_turn_of_a_file_repeats_what_was_recorded(tmp_path):
    talk = {"n_turns": 2, "prompt": "你好", "output_tokens": 3, "turns": [["你好", "Hi there", 3], ["And?", "No", 1]]}
    path = kept(tmp_path, [{"prompt": "alone", "output_tokens": 9}, talk])
    prompts = FilePrompts(path, 3, Api.CHAT, turns=2)
    first, second, again = (json.loads(b"{" + prompts.field("measured", n) + b"}")["messages"] for n in range(3))
    assert first == again == [{"role": "user", "content": "你好"}]
    assert [(one["role"], one["content"]) for one in second] == [
        ("user", "你好"),
        ("assistant", "Hi there"),
        ("user", "And?"),
    ]
    assert [prompts.output_tokens(n) for n in range(2)] == [3, 1]
    with pytest.raises(ValueError, match="3 turns"):
        FilePrompts(path, 3, Api.CHAT, turns=3)


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
    prompts = TokenIdPrompts(Shape(1, 8, 16), (1_000, 20_000))
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
    payloads = Payloads(task(), TARGET, TokenIdPrompts(Shape(1, 8, 16), (1_000, 20_000)), seed=42)
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
        ({"turns": 2, "point": LoadPoint(0, Arrival.POISSON, None, 1.0, requests=1)}, "closed loop"),
        ({"prefix_share": 1.0}, "prefix_share"),
        ({"input_spread": Spread(0, 4)}, "spread"),
        ({"point": LoadPoint(0)}, "requests or by duration_s"),
        ({"point": LoadPoint(0, requests=1, duration_s=1.0)}, "requests or by duration_s"),
        ({"point": LoadPoint(0, concurrency=None, requests=1)}, "concurrency"),
    ],
)
def test_a_task_that_cannot_be(changes, words):
    with pytest.raises(ValueError, match=words):
        task(**changes)


def test_a_task_survives_its_file():
    wanted = task(key_env="KEY", vocabulary_size=4_000, input_spread=Spread(4, 12, std=2.0), top_p=0.9)
    assert LoadTask.from_json(wanted.to_json()) == wanted


@pytest.mark.parametrize("text", ["[]", "{", '{"api": "chat"}', '{"surprise": 1}'])
def test_a_file_that_is_no_task(text):
    with pytest.raises(ValueError, match=r".+"):
        LoadTask.from_json(text)
