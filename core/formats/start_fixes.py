"""What would let a failed start succeed: one change of its request, where the cause names it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from core.domain.deployment import DeploymentRequest
from core.domain.job import Param, Reason
from core.formats import vllm_serve
from core.formats.serve_settings import ServeSettings, read_settings

_STEP_TOKENS = 1024
_Params = Mapping[str, Param]


@dataclass(frozen=True)
class Fix:
    """``code`` names the sentence of its button ([fix] in the texts), ``params`` fill it."""

    code: str
    params: _Params
    request: DeploymentRequest


def fix_for(reason: Reason, request: DeploymentRequest) -> Fix | None:
    """The change that the reason asks for; None where a person has to decide."""
    found = _FIXES.get(reason.code)
    fixed = found(request, read_settings(request.serve_args), reason.params) if found else None
    return fixed if fixed is not None and fixed.request != request else None


def _context(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    limit = _number(params.get("limit") or params.get("estimated"))
    if limit is None or limit < 1:
        return None
    rounded = limit // _STEP_TOKENS * _STEP_TOKENS or limit
    return Fix("shorter_context", {"value": rounded}, _set(request, replace(settings, max_model_len=rounded)))


def _unknown_flag(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    flag = str(params.get("flag") or "").partition("=")[0]
    groups = list(vllm_serve.split_flags(request.serve_args))
    kept = [words for words in groups if words[0].partition("=")[0] != flag]
    if not flag or len(kept) == len(groups):
        return None
    args = tuple(word for words in kept for word in words)
    return Fix("without_flag", {"flag": flag}, replace(request, serve_args=args))


def _no_parser(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    return Fix("without_parser", {}, _set(request, replace(settings, reasoning_parser=None)))


def _port(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    port = request.host_port + 1
    return Fix("next_port", {"port": port}, replace(request, host_port=port)) if port < 65536 else None


def _heads(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    heads, tp = _number(params.get("heads")), _number(params.get("tp"))
    if not heads or not tp:
        return None
    fits = max(size for size in range(1, tp + 1) if heads % size == 0)
    return Fix("fitting_tp", {"tp": fits}, _set(request, replace(settings, tp=fits)))


def _remote_code(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    return Fix("trust_remote_code", {}, _set(request, replace(settings, trust_remote_code=True)))


def _no_mtp(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    groups = vllm_serve.split_flags(settings.extra)
    extra = tuple(
        word for words in groups for word in words if not words[0].startswith(("--speculative-config", "-sc"))
    )
    return Fix("without_mtp", {}, _set(request, replace(settings, mtp=False, extra=extra)))


def _host_ipc(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    return Fix("host_ipc", {}, replace(request, ipc="host"))


def _kv_space(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    room = _number(params.get("available_gib"))
    if not room:
        return None
    env = tuple((name, str(room) if name == "VLLM_CPU_KVCACHE_SPACE" else value) for name, value in request.env)
    return Fix("smaller_kv_space", {"gib": room}, replace(request, env=env))


def _whole_number(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    """The next whole number, at least 1."""
    name, value = str(params.get("name")), params.get("value")
    try:
        whole = str(max(1, math.ceil(float(str(value)))))
    except (OverflowError, ValueError):
        return None
    env = tuple((one, whole if one == name else content) for one, content in request.env)
    return Fix("whole_number", {"name": name, "value": whole}, replace(request, env=env))


def _one_stage(request: DeploymentRequest, settings: ServeSettings, params: _Params) -> Fix | None:
    return Fix("without_pp", {}, _set(request, replace(settings, pp=None)))


def _set(request: DeploymentRequest, settings: ServeSettings) -> DeploymentRequest:
    return replace(request, serve_args=settings.arguments())


def _number(value: Param) -> int | None:
    """Reasons are stored as text."""
    try:
        return int(float(value)) if value is not None else None
    except (TypeError, ValueError):
        return None


_FIXES: Mapping[str, Callable[[DeploymentRequest, ServeSettings, _Params], Fix | None]] = {
    "start_context_too_long": _context,
    "start_kv_too_small": _context,
    "start_unknown_flag": _unknown_flag,
    "start_argument_invalid": _unknown_flag,
    "start_no_think_tokens": _no_parser,
    "start_no_reasoning": _no_parser,
    "start_port_in_use": _port,
    "port_taken": _port,
    "start_heads_not_divisible": _heads,
    "start_remote_code": _remote_code,
    "start_speculative_unsupported": _no_mtp,
    "start_shm_too_small": _host_ipc,
    "start_kv_space_too_large": _kv_space,
    "start_variable_not_whole": _whole_number,
    "start_pipeline_unsupported": _one_stage,
}
FIX_CODES = (
    "shorter_context", "without_flag", "without_parser", "next_port", "fitting_tp", "trust_remote_code", "without_mtp",
    "host_ipc", "smaller_kv_space", "whole_number", "without_pp",
)  # fmt: skip
"""Every code that a fix may bear."""
