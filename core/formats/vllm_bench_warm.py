"""Runs inside a service's container, by that image's own Python: imports vLLM's benchmark once, then does one job after
another. Its text is handed over with ``python3 -u -c``, so it needs nothing of ours.

Arguments: a folder for jobs, and how many seconds to wait for the next one. A job is ``N.json``, a list of the words
after ``vllm bench serve``. What it tells is one line each, ``@seatrial`` and a JSON object: ready, unavailable, and of
a job progress, done, failed. ``add_cli_args`` and ``main`` are in every vLLM from 0.9.2 on; ``main`` writes to what it
is given, hence fresh arguments for each job."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

MARK = "@seatrial "
POLL_S = 0.1
PROGRESS_S = 0.2


def tell(**values: Any) -> None:
    """One line, at once, whatever was printed before it."""
    sys.stdout.write("\n" + MARK + json.dumps(values) + "\n")
    sys.stdout.flush()


class Bar:
    """Takes the progress bar's place: the benchmark updates it once per finished request."""

    job = 0

    def __init__(self, *args: Any, total: int | None = None, **options: Any) -> None:
        self.done, self.total, self.told = 0, total, 0.0

    def update(self, number: int = 1) -> None:
        """So many more are done."""
        self.done += number
        if time.monotonic() - self.told >= PROGRESS_S or self.done == self.total:
            self.told = time.monotonic()
            tell(event="progress", job=Bar.job, done=self.done, total=self.total)

    def close(self) -> None:
        """Nothing to tidy."""


def load() -> tuple[Any, Any]:
    """The benchmark's module, and a function that makes its parser."""
    serve = importlib.import_module("vllm.benchmarks.serve")
    serve.tqdm = Bar  # type: ignore[attr-defined]
    kind: Any = argparse.ArgumentParser
    for name in ("vllm.utils.argparse_utils", "vllm.utils"):
        try:
            kind = importlib.import_module(name).FlexibleArgumentParser
            break
        except (ImportError, AttributeError):
            continue
    parser = kind()
    serve.add_cli_args(parser)
    return serve, parser


def work(serve: Any, parser: Any, number: int, words: list[str]) -> None:
    """One job. Bad arguments end argparse with SystemExit; whatever it is, the next job may be sound."""
    Bar.job = number
    try:
        serve.main(parser.parse_args(words))
    except BaseException as error:  # noqa: BLE001
        tell(event="failed", job=number, detail=f"{type(error).__name__}: {error}"[:2000])
    else:
        tell(event="done", job=number)


def main(folder: str, patience_s: float) -> int:
    """0 once nobody has asked for anything for a while."""
    try:
        serve, parser = load()
    except BaseException as error:  # noqa: BLE001
        tell(event="unavailable", detail=f"{type(error).__name__}: {error}"[:2000])
        return 1
    tell(event="ready")
    number, since = 0, time.monotonic()
    while time.monotonic() - since < patience_s:
        file = Path(folder, f"{number}.json")
        if not file.exists():
            time.sleep(POLL_S)
            continue
        work(serve, parser, number, json.loads(file.read_text(encoding="utf-8")))
        number, since = number + 1, time.monotonic()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2])))
