"""A server with an exact schedule, to hold a load generator's reading against: ``python -m simulator.exact``.

It speaks enough of the OpenAI API to be measured (completions and chat, streamed or not) and answers with made-up
tokens at absolute deadlines: the first output ``ttft_ms`` after the request has arrived, one more chunk every
``itl_ms``. ``GET /truth`` tells what it really did, its own lateness included. ``POST /truth/reset`` starts anew.
One process, raw sockets, no threads; it listens on 127.0.0.1 only.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys

from simulator.exact_answers import Answers
from simulator.exact_loop import ExactServer
from simulator.exact_schedule import Schedule


def main(arguments: list[str]) -> int:
    """Serves until it is told to end."""
    options = _parser().parse_args(arguments)
    schedule = Schedule(
        ttft_s=options.ttft_ms / 1000.0,
        itl_s=options.itl_ms / 1000.0,
        tokens_per_chunk=options.tokens_per_chunk,
        reasoning=options.reasoning,
        jitter=options.jitter,
        sigma=options.sigma,
        drop_share=options.drop_share,
        status=options.status,
        status_share=options.status_share,
        silent=options.silent,
        seed=options.seed,
    )
    answers = Answers(options.model, options.max_model_len, options.vocabulary_size)
    server = ExactServer(options.port, schedule, answers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.port}/v1\n")
    sys.stdout.flush()
    gc.freeze()
    gc.disable()
    server.serve()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator.exact", description="A server with an exact schedule.")
    add = parser.add_argument
    add("--port", type=int, default=0, help="0: any free one, printed")
    add("--ttft-ms", type=float, default=200.0)
    add("--itl-ms", type=float, default=20.0, help="between chunks")
    add("--tokens-per-chunk", type=int, default=1)
    add("--reasoning", action="store_true", help="chat: the first half of the output is reasoning")
    add("--jitter", choices=("none", "lognormal"), default="none", help="of the time to the first token")
    add("--sigma", type=float, default=0.3, help="of the logarithm; the mean stays")
    add("--drop-share", type=float, default=0.0, help="share of streams that are cut off halfway")
    add("--status", type=int, default=None, help="answer with this HTTP status instead")
    add("--status-share", type=float, default=1.0, help="share of requests that get --status")
    add("--silent", action="store_true", help="accept, read and never answer a completion")
    add("--model", default="exact")
    add("--max-model-len", type=int, default=131_072)
    add("--vocabulary-size", type=int, default=32_000)
    add("--seed", type=int, default=0, help="of the jitter")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
