from __future__ import annotations

import itertools
import json

import pytest

from core.loadgen.framing import chunk_spans
from simulator.exact_answers import CHAT_OVERHEAD_TOKENS, Answers, Wanted
from simulator.exact_schedule import FirstTokens, Histogram, Schedule, Truth, is_hit

ANSWERS = Answers("exact", max_model_len=100, vocabulary_size=500)


def body(**fields: object) -> bytes:
    return json.dumps({"model": "exact", "max_tokens": 7, "stream": True, **fields}).encode()


@pytest.mark.parametrize("share", [0.0, 0.05, 0.25, 0.5, 1.0])
def test_a_share_is_spread_evenly(share):
    hits = [number for number in range(200) if is_hit(number, share)]
    assert len(hits) == 200 * share
    gaps = {b - a for a, b in itertools.pairwise(hits)}
    assert len(gaps) <= 1


def test_jitter_keeps_the_mean_and_is_reproducible():
    schedule = Schedule(ttft_s=0.2, jitter="lognormal", sigma=0.3, seed=1)
    first, second = ([FirstTokens(schedule).draw() for _ in range(1)] for _ in range(2))
    assert first == second
    draws = FirstTokens(schedule)
    values = [draws.draw() for _ in range(20_000)]
    assert sum(values) / len(values) == pytest.approx(0.2, rel=0.02)
    assert min(values) < 0.15 < 0.25 < max(values)


def test_without_jitter_the_schedule_is_exact():
    assert FirstTokens(Schedule(ttft_s=0.2)).draw() == 0.2


def test_a_histogram_tells_quantiles_to_its_bins():
    histogram = Histogram()
    for number in range(1, 1001):
        histogram.add(number / 1_000_000)
    summary = histogram.summary()
    assert summary["n"] == 1000
    assert summary["mean"] == pytest.approx(0.5005)
    assert summary["p99"] == pytest.approx(0.99, abs=0.01)
    assert summary["max"] == pytest.approx(1.0)


def test_nothing_done_is_null():
    truth = Truth().to_dict()
    assert (truth["requests"], truth["ttft_ms"]) == (0, {"n": 0, "mean": None, "p50": None, "p99": None, "max": None})


@pytest.mark.parametrize(
    ("path", "fields", "prompt_tokens"),
    [
        ("/v1/completions", {"prompt": [1, 2, 3]}, 3),
        ("/v1/completions", {"prompt": "one two"}, 2),
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "a b c"}]}, 3 + CHAT_OVERHEAD_TOKENS),
    ],
)
def test_what_is_wanted(path, fields, prompt_tokens):
    wanted = ANSWERS.wanted(path, body(**fields))
    assert wanted == Wanted("chat" in path, True, prompt_tokens, 7)


def test_too_long_and_out_of_the_vocabulary():
    wanted = ANSWERS.wanted("/v1/completions", body(prompt=[1] * 94))
    assert b"maximum context length is 100" in (ANSWERS.refusal(wanted, b"") or b"")
    probe = body(prompt=[1], logit_bias={"99999999": 1})
    assert b"Vocabulary size: 500" in (ANSWERS.refusal(ANSWERS.wanted("/v1/completions", probe), probe) or b"")
    assert ANSWERS.refusal(ANSWERS.wanted("/v1/completions", body(prompt=[1])), body(prompt=[1])) is None


def test_a_chunk_is_framed_and_says_what_it_should():
    framed = ANSWERS.chunk(True, 2, True, False)
    (span,), complete = chunk_spans(framed)
    event = json.loads(framed[span[0] : span[1]].removeprefix(b"data: "))
    assert not complete
    assert event["choices"][0]["delta"] == {"reasoning": " tok tok"}
    assert event["choices"][0]["finish_reason"] is None


def test_the_end_carries_usage_and_closes_the_body():
    end = ANSWERS.last(Wanted(False, True, 3, 7))
    spans, complete = chunk_spans(end)
    assert complete
    assert json.loads(end[spans[0][0] : spans[0][1]].removeprefix(b"data: "))["usage"]["completion_tokens"] == 7
    assert end[spans[1][0] : spans[1][1]] == b"data: [DONE]\n\n"
