"""vLLM's arguments as named settings, and back."""

from __future__ import annotations

import pytest

from core.domain.serving import MTP_CONFIG
from core.formats.serve_settings import ServeSettings, read_settings, speculates, token_count
from tests.guide import MODES


@pytest.mark.parametrize("request_", [request for _, request in MODES])
def test_the_guides_arguments_come_back_word_for_word(request_: object) -> None:
    args = request_.serve_args  # type: ignore[attr-defined]
    assert read_settings(args).arguments() == args


def test_every_spelling_of_a_size_is_read() -> None:
    for args in (
        ["-tp", "16", "-pp", "2", "--max-model-len", "32K"],
        ["--tensor-parallel-size=16", "--pipeline_parallel_size", "2", "--max_model_len=32768"],
        ["-tp", "8", "--tensor-parallel-size", "16", "-pp=2", "--max-model-len", "32768"],
    ):
        settings = read_settings(args)
        assert (settings.tp, settings.pp, settings.max_model_len) == (16, 2, 32768)
        assert settings.extra == ()


def test_what_has_no_field_is_kept_in_its_order() -> None:
    args = ("--enforce-eager", "--hf-overrides", '{"a": 1}', "--max-model-len", "auto", "--no-async-scheduling")
    settings = read_settings(args)
    assert settings.extra == ("--hf-overrides", '{"a": 1}', "--max-model-len", "auto", "--no-async-scheduling")
    assert settings.max_model_len is None


def test_only_the_vendors_own_speculation_is_the_switch() -> None:
    assert read_settings(["--speculative-config", MTP_CONFIG]).mtp
    spaced = read_settings(["-sc", '{"num_speculative_tokens": 1, "method": "deepseek_mtp"}'])
    assert spaced == ServeSettings(mtp=True)
    newer = read_settings(["--speculative-config", '{"method": "mtp", "num_speculative_tokens": 2}'])
    assert not newer.mtp
    assert speculates(newer)
    assert not speculates(read_settings(["--speculative-config", '{"method": "ngram"}']))
    assert speculates(read_settings(["--speculative-config.method", "deepseek_mtp", "-sc.num_speculative_tokens", "1"]))


@pytest.mark.parametrize(
    ("text", "count"), [("65536", 65536), ("64k", 64000), ("64K", 65536), ("1.5K", 1536), ("auto", None), ("", None)]
)
def test_a_count_is_read_as_vllm_reads_it(text: str, count: int | None) -> None:
    assert token_count(text) == count
