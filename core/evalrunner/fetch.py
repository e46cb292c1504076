"""Loads one dataset as an evaluation would, and tells its size and its first sample: ``python -m core.evalrunner.fetch
task.json``. What comes from a hub stays in the cache, so that an evaluation then needs no network."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from core.evalrunner.__main__ import own_stdout

_SHOWN = 600


def main(task_file: str) -> int:
    """0 when it was loaded and holds a sample, 1 when it is empty; anything else is EvalScope's own failure."""
    config = json.loads(Path(task_file).read_text(encoding="utf-8"))
    events = own_stdout()
    from evalscope import TaskConfig
    from evalscope.api.registry import get_benchmark

    task = TaskConfig(**config)
    found = get_benchmark(config["datasets"][0], task).load_dataset()
    counts = {name: len(samples) for name, samples in found.items()}
    first = next((samples[0] for samples in found.values() if len(samples)), None)
    told = {"event": "loaded", "samples": sum(counts.values()), "subsets": len(counts), **_shown(first)}
    events.write(json.dumps(told) + "\n")
    return 0 if first is not None else 1


def _shown(sample: Any) -> dict[str, str]:
    if sample is None:
        return {}
    asked = sample.input if isinstance(sample.input, str) else "\n\n".join(one.text for one in sample.input)
    return {"question": asked[:_SHOWN], "gold": str(sample.target)[:_SHOWN]}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
