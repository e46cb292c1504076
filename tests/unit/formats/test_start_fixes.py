"""One change that lets a failed start succeed, for causes that name one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.domain.deployment import DeploymentRequest
from core.domain.job import Reason
from core.formats.start_fixes import FIX_CODES, fix_for
from core.formats.vllm_log import explain_failure

LOGS = Path(__file__).parents[2] / "data" / "vllm_fails"
BASE = DeploymentRequest(image="i:1", weights="/w/m", served_name="m", env=(("VLLM_CPU_KVCACHE_SPACE", "40"),))
ARGS = (
    "--tensor-parallel-size",
    "8",
    "--max-model-len",
    "131072",
    "--reasoning-parser",
    "deepseek_r1",
    "--no-such-flag",
)


@pytest.mark.parametrize(
    ("reason", "code", "args"),
    [
        (Reason("start_context_too_long", {"limit": "33000"}), "shorter_context", ("--max-model-len", "32768")),
        (Reason("start_kv_too_small", {"estimated": 700}), "shorter_context", ("--max-model-len", "700")),
        (Reason("start_heads_not_divisible", {"heads": 12, "tp": 8}), "fitting_tp", ("--tensor-parallel-size", "6")),
        (Reason("start_remote_code"), "trust_remote_code", ("--trust-remote-code",)),
    ],
)
def test_the_arguments_that_would_do(reason: Reason, code: str, args: tuple[str, ...]) -> None:
    fix = fix_for(reason, replace(BASE, serve_args=ARGS))
    assert fix is not None
    assert fix.code == code
    assert " ".join(args) in " ".join(fix.request.serve_args)


def test_what_was_refused_is_left_out() -> None:
    request = replace(BASE, serve_args=ARGS)
    flag = fix_for(Reason("start_unknown_flag", {"flag": "--no-such-flag"}), request)
    parser = fix_for(Reason("start_no_think_tokens", {"parser": "deepseek_r1"}), request)
    assert flag is not None
    assert parser is not None
    assert "--no-such-flag" not in flag.request.serve_args
    assert "--reasoning-parser" not in parser.request.serve_args
    assert "--no-such-flag" in parser.request.serve_args


def test_the_host_side_is_repaired_too() -> None:
    port = fix_for(Reason("start_port_in_use", {"port": 8000}), BASE)
    space = fix_for(Reason("start_kv_space_too_large", {"available_gib": "7.35"}), BASE)
    ipc = fix_for(Reason("start_shm_too_small"), replace(BASE, ipc=None))
    assert port is not None
    assert space is not None
    assert ipc is not None
    assert (port.request.host_port, dict(space.request.env), ipc.request.ipc) == (
        8001,
        {"VLLM_CPU_KVCACHE_SPACE": "7"},
        "host",
    )


def test_no_fix_where_nothing_would_change_or_a_person_must_decide() -> None:
    assert fix_for(Reason("start_shm_too_small"), BASE) is None
    assert fix_for(Reason("start_unknown_flag", {"flag": "--other"}), BASE) is None
    assert fix_for(Reason("start_oom_killed"), BASE) is None


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("context-too-long", "shorter_context"),
        ("kv-insufficient", "shorter_context"),
        ("unknown-flag", "without_flag"),
        ("reasoning-parser", "without_parser"),
    ],
)
def test_recorded_failures_lead_to_their_fix(log: str, code: str) -> None:
    reason = explain_failure((LOGS / f"{log}.log").read_text(), 1)
    fix = fix_for(reason, replace(BASE, serve_args=ARGS))
    assert fix is not None
    assert fix.code == code
    assert fix.code in FIX_CODES


@pytest.mark.parametrize(("value", "whole"), [("0.004", "1"), ("7.5", "8")])
def test_a_variable_that_is_no_whole_number_gets_the_next_one(value: str, whole: str) -> None:
    request = replace(BASE, env=(("A", "1"), ("VLLM_CPU_KVCACHE_SPACE", value)))
    fix = fix_for(Reason("start_variable_not_whole", {"name": "VLLM_CPU_KVCACHE_SPACE", "value": value}), request)
    assert fix is not None
    assert fix.request.env == (("A", "1"), ("VLLM_CPU_KVCACHE_SPACE", whole))


def test_a_pipeline_that_the_image_cannot_run_is_left_out() -> None:
    request = replace(BASE, serve_args=("--tensor-parallel-size", "8", "--pipeline-parallel-size", "2"))
    fix = fix_for(Reason("start_pipeline_unsupported"), request)
    assert fix is not None
    assert fix.request.serve_args == ("--tensor-parallel-size", "8")
