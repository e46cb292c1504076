"""``seatrial bench`` refuses bad input before it asks anybody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main

SOUND = {"--url": "http://127.0.0.1:9", "--requests": "8", "--input-tokens": "8", "--output-tokens": "8"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEATRIAL_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    return tmp_path / "data"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"--concurrency": "1,x"}, "list_bad"),
        ({"--concurrency": "0"}, "bench_too_small"),
        ({"--concurrency": "16"}, "bench_requests_below_concurrency"),
        ({"--requests": "0"}, "bench_too_small"),
        ({"--requests": "8,8,8"}, "list_length"),
        ({"--input-tokens": "0"}, "bench_too_small"),
        ({"--output-tokens": "-1"}, "bench_too_small"),
        ({"--warmup": "-1"}, "bench_too_small"),
        ({"--timeout": "0"}, "bench_too_small"),
        ({"--timeout": "nan"}, "bench_too_small"),
        ({"--duration": "5"}, "bench_no_end"),
        ({"--rate": "0"}, "bench_rate_bad"),
        ({"--url": "ftp://x"}, "url_not_http"),
        ({"--url": "http://user:word@x"}, "url_has_credentials"),
    ],
)
def test_exit_2_with_one_document(
    changes: dict[str, str], code: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word for pair in {**SOUND, **changes}.items() for word in pair]
    assert main(["bench", *words, "--json"]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert code in {error["code"], *(finding["code"] for finding in error["findings"])}
    assert err.strip()
    assert not (home / "locks" / "worker.lock").exists()


@pytest.mark.parametrize("words", [[], ["--url", "http://x"], ["--url", "http://x", "--input-tokens", "many"]])
def test_what_argparse_refuses_is_exit_2_too(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", *words])
    assert caught.value.code == 2
