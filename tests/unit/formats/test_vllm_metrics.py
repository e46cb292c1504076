"""vLLM's own counters."""

from __future__ import annotations

import pytest

from core.formats.vllm_metrics import cached_share, counted_between, parse_metrics, series_values, summary

TEXT = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="tiny"} 3.0
vllm:num_requests_running{engine="1",model_name="tiny"} 2.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="tiny"} 0.2
vllm:kv_cache_usage_perc{engine="1",model_name="tiny"} 0.4
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0",model_name="tiny"} 1024.0
# TYPE vllm:prompt_tokens_created gauge
vllm:prompt_tokens_created{engine="0",model_name="tiny"} 1.7e9
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{le="0.1"} 1.0
vllm:time_to_first_token_seconds_bucket{le="+Inf"} 2.0
vllm:time_to_first_token_seconds_count 2.0
vllm:time_to_first_token_seconds_sum 0.3
# TYPE process_open_fds gauge
process_open_fds 12.0
"""


def test_samples_are_summed_over_labels_and_shares_averaged() -> None:
    assert parse_metrics(TEXT) == pytest.approx(
        {
            "num_requests_running": 5.0,
            "kv_cache_usage_perc": 0.3,
            "prompt_tokens_total": 1024.0,
            "time_to_first_token_seconds_count": 2.0,
            "time_to_first_token_seconds_sum": 0.3,
        }
    )


@pytest.mark.parametrize("text", ["<html>no</html>", "", '{"a": 1}', "process_open_fds 12.0\n"])
def test_what_is_not_vllms(text: str) -> None:
    assert parse_metrics(text) is None


def test_only_counters_are_counted_and_a_restart_is_no_negative_count() -> None:
    before = {"prompt_tokens_total": 10.0, "num_requests_running": 1.0, "restarted_total": 9.0}
    after = {"prompt_tokens_total": 25.0, "num_requests_running": 4.0, "restarted_total": 2.0, "new_total": 1.0}
    assert counted_between(before, after) == {"prompt_tokens_total": 15.0, "new_total": 1.0}


def test_the_cached_share_is_absent_where_nothing_was_asked() -> None:
    assert cached_share({"prefix_cache_queries_total": 4096.0, "prefix_cache_hits_total": 3072.0}) == 0.75
    assert cached_share({"prefix_cache_queries_total": 0.0, "prefix_cache_hits_total": 0.0}) is None
    assert cached_share({}) is None


def test_older_names_are_read_as_the_newer_ones() -> None:
    old = 'vllm:gpu_cache_usage_perc{engine="0"} 0.5\nvllm:gpu_prefix_cache_hits_total{engine="0"} 7.0\n'
    assert parse_metrics(old) == {"kv_cache_usage_perc": 0.5, "prefix_cache_hits_total": 7.0}


def test_a_look_keeps_what_a_chart_shows() -> None:
    assert series_values({"num_requests_running": 2.0, "e2e_request_latency_seconds_sum": 1.0}) == {
        "num_requests_running": 2.0
    }


def test_the_summary_says_only_what_the_server_tells() -> None:
    looks = [
        {"t_s": 0.0, "num_requests_running": 2.0, "num_requests_waiting": 0.0, "kv_cache_usage_perc": 0.1},
        {"t_s": 2.0, "num_requests_running": 4.0, "num_requests_waiting": 6.0, "kv_cache_usage_perc": 0.7},
    ]
    counted = {
        "prefix_cache_queries_total": 100.0,
        "prefix_cache_hits_total": 25.0,
        "num_preemptions_total": 3.0,
        "spec_decode_num_drafts_total": 10.0,
        "spec_decode_num_draft_tokens_total": 20.0,
        "spec_decode_num_accepted_tokens_total": 15.0,
    }
    assert summary(looks, counted) == {
        "requests_running_mean": 3.0,
        "requests_running_max": 4.0,
        "requests_waiting_mean": 3.0,
        "requests_waiting_max": 6.0,
        "kv_cache_usage_max": 0.7,
        "prefix_cache_hit_share": 0.25,
        "preemptions": 3.0,
        "mtp_acceptance_share": 0.75,
        "mtp_tokens_per_step": 2.5,
    }
    assert summary([], {}) == {}
