"""The simulated vLLM over HTTP: it says what it is, counts exactly and queues as a server does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from core.formats.vllm_metrics import counted_between, parse_metrics
from simulator.__main__ import main
from tests.simulated import simulated

FAST = ("--ttft-ms", "3", "--itl-ms", "1", "--jitter", "0")


@pytest.fixture(scope="module")
def root() -> Iterator[httpx.Client]:
    with simulated("--model", "tiny", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        yield client


def events(client: httpx.Client, path: str, **body: Any) -> list[dict[str, Any]]:
    """The events of a streamed answer, without [DONE]."""
    answer = client.post(path, json={"stream": True, "stream_options": {"include_usage": True}, **body})
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def metrics(client: httpx.Client) -> dict[str, float]:
    return parse_metrics(client.get("/metrics").text) or {}


def test_it_says_that_it_is_simulated_everywhere(root: httpx.Client) -> None:
    with simulated() as server:
        assert server.first_line.startswith("SIMULATED vLLM")
    assert root.get("/version").json() == {"version": "0.32.0+simulated", "simulated": True}
    assert root.get("/v1/models").json()["data"][0]["owned_by"] == "simulated"
    assert "seatrial_simulated 1.0" in root.get("/metrics").text
    for path in ("/health", "/nothing", "/v1/models"):
        assert root.get(path).headers["x-seatrial-simulated"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/health", 200), ("POST", "/ping", 200), ("GET", "/x", 404), ("GET", "/v1/completions", 405)],
)
def test_routes(root: httpx.Client, method: str, path: str, status: int) -> None:
    assert root.request(method, path).status_code == status


def test_a_completion_has_exactly_the_tokens_that_were_asked_for(root: httpx.Client) -> None:
    body = {"prompt": [20, 30, 40], "max_tokens": 37, "ignore_eos": True}
    answer = root.post("/v1/completions", json=body).json()
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 37, "total_tokens": 40}
    assert (answer["choices"][0]["finish_reason"], len(answer["choices"][0]["text"].split())) == ("length", 37)


def test_the_same_prompt_gives_the_same_text_streamed_or_not(root: httpx.Client) -> None:
    body = {"prompt": "Once upon", "max_tokens": 8, "ignore_eos": True}
    whole = root.post("/v1/completions", json=body).json()["choices"][0]["text"]
    chunks = events(root, "/v1/completions", **body)
    assert "".join(chunk["choices"][0]["text"] for chunk in chunks[:-1]) == whole
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"]) == ([], 8)
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * 7 + ["length"]


def test_usage_on_every_chunk_counts_up(root: httpx.Client) -> None:
    options = {"include_usage": True, "continuous_usage_stats": True}
    chunks = events(root, "/v1/completions", prompt=[50], max_tokens=3, ignore_eos=True, stream_options=options)
    assert [chunk["usage"]["completion_tokens"] for chunk in chunks] == [1, 2, 3, 3]


def test_a_chat_begins_with_a_role_and_no_token(root: httpx.Client) -> None:
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "ignore_eos": True}
    chunks = events(root, "/v1/chat/completions", **body)
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert len(chunks) == 1 + 2 + 1
    assert root.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]["reasoning"] is None


def test_without_ignore_eos_the_model_ends_by_itself_and_stop_strings_end_it(root: httpx.Client) -> None:
    body: dict[str, Any] = {"prompt": [60, 61], "max_tokens": 2000}
    answer = root.post("/v1/completions", json=body).json()
    assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"] < 500) == ("stop", True)
    third = answer["choices"][0]["text"].split()[2]
    stopped = root.post("/v1/completions", json={**body, "stop": third}).json()
    assert len(stopped["choices"][0]["text"].split()) == 2
    assert stopped["usage"]["completion_tokens"] == 3


def test_tokenize_and_detokenize_are_inverse_and_count_like_the_prompt(root: httpx.Client) -> None:
    text = root.post("/detokenize", json={"tokens": [100, 200, 300]}).json()["prompt"]
    told = root.post("/tokenize", json={"prompt": text}).json()
    assert (told["tokens"], told["count"], told["max_model_len"]) == ([100, 200, 300], 3, 4096)
    usage = root.post("/v1/completions", json={"prompt": text, "max_tokens": 1}).json()["usage"]
    assert usage["prompt_tokens"] == 3


def test_the_counters_really_count(root: httpx.Client) -> None:
    before = metrics(root)
    prompt = list(range(100, 164))
    for _ in range(2):
        root.post("/v1/completions", json={"prompt": prompt, "max_tokens": 5, "ignore_eos": True})
    counted = counted_between(before, metrics(root))
    assert counted["prompt_tokens_total"] == 128
    assert counted["generation_tokens_total"] == 10
    assert counted["prefix_cache_hits_total"] == 48  # the second prompt's whole blocks but the last
    assert counted["request_success_total"] == 2


def test_the_key_guards_v1_and_nothing_else() -> None:
    with simulated("--api-key", "right", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        assert client.get("/v1/models").status_code == 401
        assert client.get("/v1/models").json() == {"error": "Unauthorized"}
        assert client.get("/v1/models", headers={"authorization": "Bearer right"}).status_code == 200
        for path in ("/health", "/ping", "/version", "/load", "/metrics"):
            assert client.get(path).status_code == 200
        assert client.post("/tokenize", json={"prompt": "x"}).status_code == 200


def test_reasoning_comes_before_content() -> None:
    with simulated("--reasoning", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 6, "ignore_eos": True}
        deltas = [chunk["choices"][0]["delta"] for chunk in events(client, "/v1/chat/completions", **body)[:-1]]
        assert [sorted(delta) for delta in deltas[1:]] == [["reasoning"]] * 3 + [["content"]] * 3
        message = client.post("/v1/chat/completions", json=body).json()["choices"][0]["message"]
        assert (len(message["reasoning"].split()), len(message["content"].split())) == (3, 3)


def test_several_tokens_in_one_chunk() -> None:
    with simulated("--tokens-per-step", "2", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        chunks = events(client, "/v1/completions", prompt=[1], max_tokens=6, ignore_eos=True)
        assert (len(chunks) - 1, chunks[-1]["usage"]["completion_tokens"]) == (4, 6)


def test_beyond_max_num_seqs_requests_wait() -> None:
    slow = ("--max-num-seqs", "2", "--ttft-ms", "5", "--itl-ms", "5", "--jitter", "0")
    body = {"prompt": [1], "max_tokens": 30, "ignore_eos": True}
    with simulated(*slow) as server, httpx.Client(base_url=server.base_url[:-3], timeout=10) as client:

        def send() -> None:
            client.post("/v1/completions", json=body)

        senders = [threading.Thread(target=send) for _ in range(5)]
        for sender in senders:
            sender.start()
        seen = [metrics(client)]
        while any(sender.is_alive() for sender in senders):
            seen.append(metrics(client))
        assert max(look["num_requests_running"] for look in seen) == 2
        # Before the scheduler's first step all five may be seen waiting.
        assert (2, 3) in {(look["num_requests_running"], look["num_requests_waiting"]) for look in seen}
        assert seen[-1]["request_queue_time_seconds_sum"] > 0.1


def test_a_client_that_hangs_up_frees_its_place() -> None:
    body = {"prompt": [1], "max_tokens": 4000, "ignore_eos": True, "stream": True}
    with simulated("--max-num-seqs", "1", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        with client.stream("POST", "/v1/completions", json=body) as answer:
            next(answer.iter_lines())
        short = client.post("/v1/completions", json={"prompt": [1], "max_tokens": 1}, timeout=3)
        assert short.json()["usage"]["completion_tokens"] == 1


def test_a_share_of_refusals_is_exact_and_usage_can_lie() -> None:
    faults = ("--fault", "status:429:0.25", "--fault", "wrong-usage")
    with simulated(*faults, *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        body = {"prompt": [1], "max_tokens": 4, "ignore_eos": True}
        answers = [client.post("/v1/completions", json=body) for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429] * 2
    assert answers[0].json()["usage"]["completion_tokens"] == 2


def test_a_truncated_stream_ends_without_its_end() -> None:
    body = {"prompt": [1], "max_tokens": 10, "ignore_eos": True, "stream": True}
    with simulated("--fault", "truncate:0.5", *FAST) as server, httpx.Client(base_url=server.base_url[:-3]) as client:
        assert client.post("/v1/completions", json=body).text.count("data:") == 11
        with pytest.raises(httpx.RemoteProtocolError):
            client.post("/v1/completions", json=body)


def test_a_port_in_use_is_said_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    with simulated() as server:
        port = server.base_url.split(":")[2].partition("/")[0]
        assert main(["--port", port]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capfd.readouterr().err
