"""A server's log, against recorded starts of vLLM 0.32: every stage, and the cause of every failure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.domain.job import Reason
from core.formats.vllm_log import FAILURE_CODES, StartProgress, StartStage, explain_failure, read_start, root_cause
from render.texts import LANGUAGES, Texts, placeholders, sentences

DATA = Path(__file__).parents[2] / "data"
START = (DATA / "vllm_start_0.32.0.log").read_text()

CAUSES: dict[str, tuple[str, dict[str, Any]]] = {
    "context-too-long": ("start_context_too_long", {"requested": 131072, "limit": 8192}),
    "kv-env-float": ("start_number_invalid", {"value": "0.004"}),
    "kv-env-too-big": ("start_kv_space_too_large", {"requested_gib": 200.0, "available_gib": 18.75}),
    "kv-insufficient": (
        "start_kv_too_small",
        {"requested": 2_000_000, "needed_gib": 1.91, "available_gib": 1.0, "estimated": 1_048_448},
    ),
    "multinode-rank0": ("start_request_lost", {}),
    "multinode-rank1": ("start_pipeline_unsupported", {}),
    "no-weights": ("start_weights_missing", {"path": "/weights/missing"}),
    "port-in-use": ("start_port_in_use", {"port": 8011}),
    "port-published-twice": ("start_port_in_use", {"port": 8011}),
    "reasoning-parser": ("start_no_think_tokens", {"parser": "DeepSeekR1"}),
    "safetensors-lfs-pointer": (
        "start_weights_corrupt",
        {"detail": "Error while deserializing header: header too large"},
    ),
    "safetensors-truncated": (
        "start_weights_corrupt",
        {"detail": "Error while deserializing header: incomplete metadata, file not fully covered"},
    ),
    "spec-json-syntax": ("start_json_argument", {"flag": "--speculative-config", "value": "{method: deepseek_mtp}"}),
    "spec-method-wrong": ("start_speculative_unsupported", {"method": "mtp"}),
    "spec-unknown-key": ("start_unknown_key", {"config": "SpeculativeConfig", "key": "metod"}),
    "tp32": ("start_heads_not_divisible", {"heads": 8, "tp": 32}),
    "tp8": ("start_devices_short", {"needed": 8}),
    "unknown-flag": ("start_unknown_flag", {"flag": "--no-such-flag"}),
    "weights-empty-dir": ("start_weights_unusable", {"path": "/w/empty"}),
    "weights-no-config": ("start_weights_unusable", {"path": "/w/noconfig"}),
    "weights-no-tokenizer": ("start_tokenizer_missing", {}),
    "weights-unreadable": ("start_weights_unusable", {"path": "/w/noread"}),
}
STARTED = ("kv-bytes-4M", "no-served-name")


def log(name: str) -> str:
    return (DATA / "vllm_fails" / f"{name}.log").read_text()


def test_every_recorded_failure_is_held_to_its_cause() -> None:
    recorded = {path.stem for path in (DATA / "vllm_fails").glob("*.log")}
    assert recorded == {*CAUSES, *STARTED, "cgroup-oom"}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_of_a_failed_start(name: str) -> None:
    assert explain_failure(log(name), 1) == Reason(*CAUSES[name])


def test_a_variable_is_named_by_its_value() -> None:
    env = {"A": "1", "VLLM_CPU_KVCACHE_SPACE": "0.004"}
    expected = Reason("start_variable_not_whole", {"name": "VLLM_CPU_KVCACHE_SPACE", "value": "0.004"})
    assert explain_failure(log("kv-env-float"), 1, env=env) == expected


@pytest.mark.parametrize("name", STARTED)
def test_a_server_that_started_raised_nothing(name: str) -> None:
    assert root_cause(log(name).splitlines()) is None
    assert read_start(log(name)).stage is StartStage.READY


def test_a_memory_kill_leaves_no_line() -> None:
    assert explain_failure(log("cgroup-oom"), 137, oom_killed=True) == Reason("start_oom_killed")


@pytest.mark.parametrize(
    ("exit_code", "code"),
    [(137, "start_killed"), (139, "start_killed"), (0, "start_ended"), (1, "start_ended"), (None, "start_ended")],
)
def test_a_silent_end_is_a_failure_too(exit_code: int | None, code: str) -> None:
    assert explain_failure(log("cgroup-oom"), exit_code) == Reason(code, {"exit_code": exit_code})


@pytest.mark.parametrize(
    ("line", "code", "params"),
    [
        (
            "ERROR 01-02 03:04:05 engine.py:400] torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB",
            "start_device_out_of_memory",
            {},
        ),
        (
            "ValueError: The model's max seq len (131072) is larger than the maximum number of tokens that can be "
            "stored in KV cache (20480). Try increasing `gpu_memory_utilization`",
            "start_kv_too_small",
            {"requested": 131072, "estimated": 20480},
        ),
        (
            "(EngineCore_0 pid=9) ValueError: Free memory on device (1.2/79.1 GiB) on startup is less than desired GPU "
            "memory utilization (0.9, 71.2 GiB). Decrease GPU memory utilization",
            "start_device_memory_short",
            {"free_gib": 1.2, "wanted_gib": 71.2},
        ),
        ("ValueError: No available memory for the cache blocks.", "start_kv_no_room", {}),
        ("RuntimeError: No CUDA GPUs are available", "start_no_device", {}),
        ("PermissionError: [Errno 13] Permission denied: '/weights/x'", "start_permission", {"path": "/weights/x"}),
        ("api_server.py: error: argument --port: invalid int value: 'x'", "start_argument_invalid", None),
        ("SomethingError: never seen before", "start_failed", None),
    ],
)
def test_wordings_of_other_builds(line: str, code: str, params: dict[str, Any] | None) -> None:
    reason = explain_failure(f"INFO 01-02 03:04:05 api_server.py:1] starting\n{line}\n", 1)
    assert reason.code == code
    assert params is None or reason.params == params


def test_the_bare_word_error_is_no_cause() -> None:
    line = "(APIServer pid=1) WARNING 11-24 03:28:28 [system_utils.py:255] can cause errors like `OSError: [Errno 24]`"
    assert root_cause([line]) is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CAUSES)
def test_the_sentence_names_only_what_is_known(name: str, language: str) -> None:
    reason = explain_failure(log(name), 1)
    assert placeholders(sentences(language)[f"error.{reason.code}"]) <= set(reason.params)
    assert "–" not in Texts(language).reason(reason)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_has_a_sentence(language: str) -> None:
    assert [code for code in FAILURE_CODES if f"error.{code}" not in sentences(language)] == []


# ---------------------------------------------------------------- stages


def test_a_start_passes_every_stage_in_order() -> None:
    seen: list[StartStage] = []
    progress = StartProgress()
    for line in START.splitlines():
        progress = read_start(line, progress)
        if progress.stage not in seen:
            seen.append(progress.stage)
    assert seen == list(StartStage)
    assert (progress.shards_done, progress.shards_total) == (1, 1)


def test_shards_are_counted_as_they_are_loaded() -> None:
    text = "Loading safetensors checkpoint shards:   0% | 0/163 [00:00<?]\rLoading safetensors checkpoint shards: 12% "
    assert read_start(text + "Completed | 20/163 [00:09<01:05]") == StartProgress(StartStage.WEIGHTS, 20, 163)


def test_a_tail_that_forgot_the_beginning_does_not_go_back() -> None:
    before = StartProgress(StartStage.WARMUP, 163, 163)
    assert read_start("INFO: something else\nStarting to load model", before) == before


@pytest.mark.parametrize(
    ("line", "stage"),
    [
        ("INFO 01-01 00:00:00 llm_engine.py:234] Initializing an LLM engine (v0.7.3) with config", StartStage.ENGINE),
        ("INFO 01-01 00:00:00 model_runner.py:1110] Starting to load model /weights/x...", StartStage.WEIGHTS),
        ("INFO 01-01 00:00:00 executor_base.py:110] # cuda blocks: 27000, # CPU blocks: 2340", StartStage.KV_CACHE),
        ("Capturing CUDA graph shapes:  3%", StartStage.WARMUP),
        ("INFO:     Uvicorn running on http://0.0.0.0:8000", StartStage.READY),
        ("disabling torch.compile, CUDAGraphs, and JIT kernel warmup", StartStage.BOOT),
        ("nothing known", StartStage.BOOT),
    ],
)
def test_lines_of_other_builds(line: str, stage: StartStage) -> None:
    assert read_start(line).stage is stage
