"""``python -m simulator.standin``: stands in for vLLM's container on a simulated host. It says what a start says, in
its order, and then serves as the simulated vLLM does. No model is loaded."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from simulator.__main__ import main as serve

KEY_VARIABLE = "VLLM_API_KEY"
LOAD_VARIABLE = "SEATRIAL_SIMULATED_LOAD_S"
"""How long the pretended loading takes, in seconds (8)."""
_SHARDS = 16


def main(argv: Sequence[str] | None = None) -> int:
    """Pretends to load, then serves until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m simulator.standin", description=__doc__)
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--max-model-len", default="4096")
    parser.add_argument("--reasoning", action="store_true")
    parser.add_argument("--task", default="generate")
    told = parser.parse_args(argv)
    pause_s = float(os.environ.get(LOAD_VARIABLE) or "8") / (_SHARDS + 4)
    for line in _start_lines(told.weights, told.max_model_len):
        say(line)
        time.sleep(pause_s)
    say("Application startup complete.")
    words = ["--host", told.host, "--port", told.port, "--model", told.model, "--max-model-len", told.max_model_len]
    words += ["--task", told.task]
    key = os.environ.get(KEY_VARIABLE)
    words += ["--api-key", key] if key else []
    return serve([*words, "--reasoning"] if told.reasoning else words)


def say(text: str) -> None:
    """A line of the container's log, with its time."""
    sys.stdout.write(f"{datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')}Z {text}\n")
    sys.stdout.flush()


def _start_lines(weights: str, context: str) -> Iterator[str]:
    yield f"SIMULATED vLLM on a simulated host: nothing is loaded from {weights}"
    yield f"Using max model len {context}. Initializing a V1 LLM engine (simulated)"
    yield "Starting to load model ..."
    for shard in range(1, _SHARDS + 1):
        yield f"Loading safetensors checkpoint shards: {shard * 100 // _SHARDS:3d}% Completed | {shard}/{_SHARDS}"
    yield "KV cache size: 400,000 tokens"
    yield "init engine (profile, create kv cache, warmup model) took 0.00 seconds"


if __name__ == "__main__":
    sys.exit(main())
