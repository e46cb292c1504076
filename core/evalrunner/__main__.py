"""One dataset, evaluated. Reads ``task.json`` ({"config": ..., "errors": file, "keys": {...}}), writes events as JSON
lines on standard output; everything that EvalScope prints goes to standard error, which is the job's log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from core.evalrunner.tree import forget_failed_reviews, has_begun, mend
from core.formats.evalscope_task import JUDGE_KEY_VARIABLE, KEY_VARIABLE


def main(task_file: str) -> int:
    """0 when EvalScope came to its end: whether something was scored is for the reader of its files to say."""
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    events = own_stdout()
    config = with_keys(task["config"], os.environ)
    work_dir = Path(config["work_dir"])
    mend(work_dir)
    forget_failed_reviews(work_dir)
    if has_begun(work_dir):
        config["use_cache"] = config["work_dir"]
    from evalscope import TaskConfig, run_task

    from core.evalrunner.evaluator import report_to

    report_to(events, Path(task["errors"]))
    run_task(TaskConfig(**config))
    return 0


def with_keys(config: dict[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The configuration with the keys that the environment holds."""
    config = {**config, "api_key": environment.get(KEY_VARIABLE) or "EMPTY"}
    if "judge" in config:
        key = environment.get(JUDGE_KEY_VARIABLE) or "EMPTY"
        models = [{**model, "api_key": key} for model in config["judge"]["models"]]
        config = {**config, "judge": {**config["judge"], "models": models}}
    return config


def own_stdout() -> TextIO:
    """The real standard output for our events alone; everybody else's becomes standard error."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return events


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
