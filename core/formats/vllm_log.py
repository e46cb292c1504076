"""A vLLM server's log: how far its start has come, and why it failed. Builds from 0.7 on word things differently, so
that lines are matched loosely and an unmatched log is never a failure in itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.job import Param, Reason

# ---------------------------------------------------------------- how far it has come


class StartStage(StrEnum):
    """In the order in which a server passes them."""

    BOOT = "boot"
    ENGINE = "engine"
    WEIGHTS = "weights"
    KV_CACHE = "kv_cache"
    WARMUP = "warmup"
    READY = "ready"


STAGES = tuple(StartStage)
_SIGNS = {
    StartStage.ENGINE: r"Initializing an? (V\d )?LLM engine|Resolved architecture",
    StartStage.WEIGHTS: r"Starting to load model|Loading \w* ?checkpoint shards|Loading weights took"
    r"|[Mm]odel loading took",
    StartStage.KV_CACHE: r"KV cache size|KV cache memory|for KV cache|# (GPU|CPU|cuda) blocks",
    StartStage.WARMUP: r"Capturing (the model|CUDA graph)|[Gg]raph capturing|torch\.compile takes|Warming up"
    r"|init engine",
    StartStage.READY: r"Application startup complete|Uvicorn running on",
}
_PATTERNS = {stage: re.compile(pattern) for stage, pattern in _SIGNS.items()}
_SHARDS = re.compile(r"checkpoint shards:.*?(\d+)/(\d+)")


@dataclass(frozen=True)
class StartProgress:
    """``shards_total`` None: the log does not count the weights' files."""

    stage: StartStage = StartStage.BOOT
    shards_done: int = 0
    shards_total: int | None = None


def read_start(log: str, before: StartProgress | None = None) -> StartProgress:
    """The furthest stage that ``log`` shows, never behind ``before``: a log's tail forgets its beginning."""
    latest = before or StartProgress()
    for line in log.replace("\r", "\n").splitlines():
        shards = _SHARDS.search(line)
        if shards:
            latest = StartProgress(latest.stage, int(shards[1]), int(shards[2]))
        stage = _stage(line)
        if stage is not None and STAGES.index(stage) > STAGES.index(latest.stage):
            latest = StartProgress(stage, latest.shards_done, latest.shards_total)
    return latest


def _stage(line: str) -> StartStage | None:
    found = (stage for stage, pattern in reversed(_PATTERNS.items()) if pattern.search(line))
    return next(found, None)


# ---------------------------------------------------------------- why it failed

_PREFIX = re.compile(r"^(?:\([^)]*pid=\d+\) )?(?:(?:INFO|WARNING|ERROR|CRITICAL) [\d-]+ [\d:.,]+ \[?[^\]\s]*\] ?)?")
_RAISED = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception)(?:: |$)")
_USAGE = re.compile(r"^\S+(?: serve)?: error: ")
_ENGINE_SAYS = re.compile(r"(?:bind: address already in use|port is already allocated)")
_WRAPPERS = ("Engine core initialization failed", "WorkerProc initialization failed")
_FRAME = re.compile(r'^\s*File "[^"]+", line \d+, in (\w+)')
_PORT_ARGUMENT = re.compile(r"'port': (\d+)")
_DETAIL_LIMIT = 300


def explain_failure(
    log: str, exit_code: int | None, oom_killed: bool = False, env: Mapping[str, str] | None = None
) -> Reason:
    """Why a container that should serve has ended. An exit code of 0 is a failure too. ``env``: what the container was
    given, for the name of a variable whose value alone stands in the log.

    The cause is the first line that raises something, after the log's own prefixes; the last line is rarely it
    (measured on 25 failing starts of vLLM 0.32). Codes and params: start_oom_killed; start_port_in_use (port);
    start_context_too_long (requested, limit); start_kv_too_small (requested, estimated, needed_gib, available_gib);
    start_kv_no_room; start_unknown_flag (flag); start_json_argument (flag, value); start_argument_invalid (flag,
    detail); start_weights_missing, start_weights_unusable, start_weights_no_files (path); start_weights_corrupt
    (detail); start_tokenizer_missing; start_no_think_tokens (parser); start_heads_not_divisible (heads, tp);
    start_devices_short (needed, available); start_no_device; start_speculative_unsupported (method);
    start_variable_not_whole (name, value); start_pipeline_unsupported; start_request_lost;
    start_unknown_key (config, key); start_kv_space_too_large (requested_gib, available_gib);
    start_device_memory_short (free_gib, wanted_gib); start_device_out_of_memory; start_number_invalid (value);
    start_architecture_unsupported (architecture); start_remote_code; start_permission (path); start_shm_too_small;
    start_engine_died (detail): it served before; start_failed (exit_code, detail); start_killed (exit_code);
    start_ended (exit_code): nothing in the log says why.
    """
    lines = [_PREFIX.sub("", line, count=1).rstrip() for line in log.replace("\r", "\n").splitlines()]
    if oom_killed:
        return Reason("start_oom_killed")
    cause = root_cause(lines)
    if cause is None:
        return Reason("start_killed" if exit_code in {137, 143, 139} else "start_ended", {"exit_code": exit_code})
    for pattern, code in _CAUSES:
        match = pattern.search(cause)
        if match:
            return _completed(Reason(code, _named(match)), log, env or {})
    detail = cause[:_DETAIL_LIMIT]
    if read_start(log).stage is StartStage.READY:
        return Reason("start_engine_died", {"detail": detail})
    return Reason("start_failed", {"exit_code": exit_code, "detail": detail})


def root_cause(lines: Iterable[str]) -> str | None:
    """The line that names the cause, and what belongs to it, on one line; None where nothing is raised."""
    cleaned = [_PREFIX.sub("", line, count=1).rstrip() for line in lines]
    for index, line in enumerate(cleaned):
        if _RAISED.match(line) and not any(wrapper in line for wrapper in _WRAPPERS):
            return _whole(cleaned, index)
        if _USAGE.match(line) or _ENGINE_SAYS.search(line):
            return line
    return None


def _whole(lines: list[str], index: int) -> str:
    """A validation error stands on the lines below; an assertion without words is told by where it was."""
    line = lines[index]
    if "validation error" in line:
        return " ".join([line, *(part.strip() for part in lines[index + 1 : index + 3])])
    if ": " not in line:
        frames = (_FRAME.match(earlier) for earlier in reversed(lines[:index]))
        place = next((frame[1] for frame in frames if frame), None)
        return f"{line} in {place}" if place else line
    return line


def _completed(reason: Reason, log: str, env: Mapping[str, str]) -> Reason:
    """vLLM does not name the port that is taken; the arguments at the top of its log do. Nor the variable that is no
    whole number; its value does."""
    if reason.code == "start_number_invalid":
        value = str(reason.params.get("value"))
        name = next((name for name, content in env.items() if content == value), None)
        return Reason("start_variable_not_whole", {"name": name, "value": value}) if name else reason
    if reason.code != "start_port_in_use" or reason.params.get("port"):
        return reason
    port = _PORT_ARGUMENT.search(log)
    return Reason(reason.code, {"port": int(port[1]) if port else 8000})


def _named(match: re.Match[str]) -> Mapping[str, Param]:
    """The pattern's named groups: whole numbers as such, ``*_gib`` with their fraction, else text."""
    return {name: _number(name, text) for name, text in match.groupdict().items()}


def _number(name: str, text: str | None) -> Param:
    if text is None:
        return None
    if name.endswith("_gib"):
        return float(text)
    if re.fullmatch(r"\d+(\.0+)?", text):
        return int(float(text))
    return text[:_DETAIL_LIMIT]


_WORDINGS = {
    "start_port_in_use": (
        r"listen \w+ \S*:(?P<port>\d+): bind: address already in use",
        r"[Bb]ind for \S*:(?P<port>\d+) failed: port is already allocated",
        r"\[Errno 98\]|[Aa]ddress already in use|port is already allocated",
    ),
    "start_context_too_long": (
        r"max_model_len \((?P<requested>\d+)\) is greater than the derived max_model_len \(\w+=(?P<limit>[\d.]+)",
    ),
    "start_kv_too_small": (
        r"max seq len \((?P<requested>\d+)\),? \(?(?P<needed_gib>[\d.]+) GiB KV cache is needed.*?"
        r"KV cache memory \((?P<available_gib>[\d.]+) GiB\)(?:.*?maximum model length is (?P<estimated>\d+))?",
        r"max seq len \((?P<requested>\d+)\) is larger than the maximum number of tokens that can be stored in "
        r"KV cache \((?P<estimated>\d+)\)",
    ),
    "start_kv_no_room": (r"No available memory for the cache blocks",),
    "start_unknown_flag": (r"unrecognized arguments: (?P<flag>\S+)",),
    "start_json_argument": (
        r"argument (?P<flag>--?[\w-]+)\S*: Value (?P<value>.*) cannot be converted to <function loads",
        r"argument (?P<flag>--?[\w-]+)\S*: (?P<value>.*JSONDecodeError.*)",
    ),
    "start_argument_invalid": (r"error: argument (?P<flag>--?[\w-]+)\S*: (?P<detail>.*)",),
    "start_weights_missing": (
        r"Repo id must be in the form .*?: '(?P<path>[^']+)'",
        r"(?P<path>\S+) is not a local folder and is not a valid model identifier",
    ),
    "start_weights_unusable": (
        r"Invalid repository ID or local directory specified: '(?P<path>[^']+)'",
        r"(?P<path>\S+) does not appear to have a file named config\.json",
    ),
    "start_weights_no_files": (r"Cannot find any model weights with [`'\"]?(?P<path>[^`'\"\s]+)",),
    "start_weights_corrupt": (r"SafetensorError: (?P<detail>.*)",),
    "start_tokenizer_missing": (r"Couldn't instantiate the backend tokenizer|Can't load tokenizer for",),
    "start_no_think_tokens": (
        r"(?P<parser>\w+?)(?:ReasoningParser)? reasoning parser could not locate think start/end tokens",
    ),
    "start_heads_not_divisible": (
        r"attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<tp>\d+)\)",
    ),
    "start_devices_short": (
        r"Not enough allowed NUMA nodes to bind threads of (?P<needed>\d+) local",
        r"[Ww]orld size \((?P<needed>\d+)\) is larger than the number of available GPUs \((?P<available>\d+)\)",
    ),
    "start_no_device": (r"No CUDA GPUs are available|Failed to infer device type|No such device",),
    "start_speculative_unsupported": (r"Unsupported speculative method: '(?P<method>[^']+)'",),
    "start_unknown_key": (r"validation errors? for (?P<config>\w+) (?P<key>\w+) Unexpected keyword argument",),
    "start_kv_space_too_large": (
        r"Available memory on node \d+ \((?P<available_gib>[\d.]+)/.*?requested memory for kv "
        r"\((?P<requested_gib>[\d.]+) GiB\)",
    ),
    "start_device_memory_short": (
        r"Free memory on device.*?\((?P<free_gib>[\d.]+)/[\d.]+ GiB\).*?"
        r"memory utilization \([\d.]+, (?P<wanted_gib>[\d.]+) GiB\)",
    ),
    "start_device_out_of_memory": (r"OutOfMemoryError|out of memory",),
    "start_number_invalid": (r"invalid literal for int\(\) with base 10: '(?P<value>[^']*)'",),
    "start_architecture_unsupported": (r"[Mm]odel architectures \[(?P<architecture>[^\]]*)\] are not supported",),
    "start_remote_code": (r"trust_remote_code=True",),
    "start_shm_too_small": (r"No space left on device: '/dev/shm|unable to write to file </torch_|Bus error",),
    "start_pipeline_unsupported": (r"AssertionError in sync_and_gather_intermediate_tensors",),
    "start_request_lost": (r"KeyError: '(?:chat)?cmpl-",),
    "start_permission": (r"Permission denied: '(?P<path>[^']+)'",),
}
"""Most specific first; a code's wordings differ between builds."""
_CAUSES = tuple((re.compile(wording), code) for code, wordings in _WORDINGS.items() for wording in wordings)
FAILURE_CODES = (
    *_WORDINGS, "start_variable_not_whole", "start_oom_killed", "start_engine_died", "start_failed", "start_killed",
    "start_ended",
)  # fmt: skip
"""Every code that ``explain_failure`` may give."""
