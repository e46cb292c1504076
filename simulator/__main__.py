"""``python -m simulator``: a simulated vLLM on a port. It says that it is simulated wherever it appears."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import uvloop

from simulator.server import Server
from simulator.settings import Fault, FaultKind, Pace, SimulatorSettings, Task, parse_fault


def main(argv: Sequence[str] | None = None) -> int:
    """Runs until SIGINT or SIGTERM."""
    settings = read_arguments(argv)
    try:
        uvloop.run(_serve(settings))
    except OSError as error:
        sys.stderr.write(f"The simulated vLLM cannot listen on {settings.host}:{settings.port}: {error}\n")
        return 1
    return 0


async def _serve(settings: SimulatorSettings) -> None:
    def announce(port: int) -> None:
        address = f"http://{settings.host}:{port}/v1"
        sys.stdout.write(f"SIMULATED vLLM (no model runs here): serving {settings.model} at {address}\n")
        sys.stdout.flush()

    serving = asyncio.create_task(Server(settings).serve(announce))
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


def read_arguments(argv: Sequence[str] | None) -> SimulatorSettings:
    """The command line as settings."""
    told = _parser().parse_args(argv)
    return SimulatorSettings(
        host=told.host,
        port=told.port,
        model=told.model,
        api_key=told.api_key,
        max_model_len=told.max_model_len,
        vocabulary_size=told.vocab,
        max_num_seqs=told.max_num_seqs,
        max_batched_tokens=told.max_batched_tokens,
        kv_cache_tokens=told.kv_cache_tokens,
        prefix_cache=told.prefix_cache,
        reasoning=told.reasoning,
        task=told.task,
        known_right=told.known_right,
        answers=told.answers,
        tokens_per_step=told.tokens_per_step,
        pace=Pace(told.ttft_ms, told.itl_ms, told.per_sequence_ms, told.prefill_ms_per_token, told.jitter),
        faults=tuple(told.fault),
    )


def _parser() -> argparse.ArgumentParser:
    usual, pace = SimulatorSettings(), Pace()
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default=usual.host)
    parser.add_argument("--port", type=int, default=usual.port, help="0: a free one, named in the first line")
    parser.add_argument("--model", default=usual.model, help="served name")
    parser.add_argument("--api-key", help="asked for on /v1/*")
    parser.add_argument("--max-model-len", type=_positive, default=usual.max_model_len)
    parser.add_argument("--vocab", type=_vocabulary, default=usual.vocabulary_size)
    parser.add_argument("--max-num-seqs", type=_positive, default=usual.max_num_seqs)
    parser.add_argument("--max-batched-tokens", type=_positive, default=usual.max_batched_tokens)
    parser.add_argument("--kv-cache-tokens", type=_positive, default=usual.kv_cache_tokens)
    parser.add_argument("--prefix-cache", action=argparse.BooleanOptionalAction, default=usual.prefix_cache)
    parser.add_argument("--reasoning", action="store_true", help="chats think first")
    parser.add_argument("--task", type=Task, choices=list(Task), default=usual.task, help="what the model does")
    parser.add_argument("--known-right", type=float, default=usual.known_right, help="share of its own questions")
    parser.add_argument("--answers", type=_answers, default=(), metavar="FILE", help='lines of {"asked", "said"}')
    parser.add_argument("--tokens-per-step", type=_positive, default=usual.tokens_per_step)
    parser.add_argument("--ttft-ms", type=float, default=pace.ttft_ms, help="first token of an empty prompt, idle")
    parser.add_argument("--itl-ms", type=float, default=pace.itl_ms, help="decode step of one sequence")
    parser.add_argument("--per-sequence-ms", type=float, default=pace.per_sequence_ms)
    parser.add_argument("--prefill-ms-per-token", type=float, default=pace.prefill_ms_per_token)
    parser.add_argument("--jitter", type=float, default=pace.jitter, help="relative deviation of a step's time")
    kinds = ", ".join(FaultKind)
    parser.add_argument("--fault", type=_fault, action="append", default=[], help=f"KIND[:VALUE], repeatable: {kinds}")
    return parser


def _positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def _vocabulary(text: str) -> int:
    if not 100 <= (value := int(text)) <= 1_000_000:
        raise argparse.ArgumentTypeError("must lie between 100 and 1000000")
    return value


def _answers(path: str) -> tuple[tuple[str, str], ...]:
    try:
        rows = map(json.loads, Path(path).read_text(encoding="utf-8").splitlines())
        return tuple((row["asked"], row["said"]) for row in rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise argparse.ArgumentTypeError(f"{path}: {error}") from error


def _fault(text: str) -> Fault:
    try:
        return parse_fault(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
