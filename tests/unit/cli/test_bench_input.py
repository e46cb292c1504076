"""``seatrial bench`` refuses bad input before it asks anybody."""

from __future__ import annotations

import argparse
import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.bench import _attach, add_parser
from cli.main import main
from core.adapters.workload_files import load_presets
from core.domain.workload import Preset
from core.formats.seatrial_bench import BenchOptions, grid_of, workload_of

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
        ({"--output-tokens": "-1"}, "length_bad"),
        ({"--input-tokens": "many"}, "length_bad"),
        ({"--input-tokens": "9-4"}, "bench_spread_bad"),
        ({"--input-tokens": "1,x"}, "list_bad"),
        ({"--staircase": "8"}, "staircase_bad"),
        ({"--stop": "peak,noon"}, "stop_bad"),
        ({"--stop": "slo"}, "bench_stop_needs_slo"),
        ({"--slo-ttft": "-3"}, "bench_slo_bad"),
        ({"--prefix-share": "1.5"}, "bench_prefix_bad"),
        ({"--turns": "3", "--rate": "2"}, "bench_turns_need_closed"),
        ({"--dataset": "/nowhere.json"}, "result_file_unreadable"),
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


def test_without_lengths_it_says_what_gives_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--url", "http://x"]) == 2
    assert "--preset" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [[], ["--url", "http://x", "--preset", "nosuch"], ["--url", "http://x", "--turns", "a"]]
)
def test_what_argparse_refuses_is_exit_2_too(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", *words, "--json"])
    assert caught.value.code == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["code"] == "arguments_bad"
    assert f"seatrial bench: error: {error['detail']}" in err


def test_without_json_argparse_has_the_word_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench"])
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("preset", load_presets(), ids=lambda preset: preset.key)
def test_a_preset_is_options(preset: Preset) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    told = parser.parse_args(["bench", "--url", "http://x", "--preset", preset.key])
    options = BenchOptions(**{field.name: getattr(told, field.name) for field in fields(BenchOptions)})
    assert workload_of(options) == preset.workload
    assert grid_of(options) == preset.grid


def test_a_version_label_goes_to_the_endpoint() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    told = _attached(parser.parse_args(["bench", "--url", "http://127.0.0.1:9", "--label", "R1 0528"]))
    assert told["version_label"] == "R1 0528"
    assert _attached(parser.parse_args(["bench", "--url", "http://127.0.0.1:9"]))["version_label"] == ""


def _attached(arguments: argparse.Namespace) -> Any:
    """What the service is asked for."""
    app = SimpleNamespace(endpoints=SimpleNamespace(attach=lambda *_, **told: told))
    return _attach(app, arguments)  # type: ignore[arg-type]
