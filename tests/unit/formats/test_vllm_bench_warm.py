"""The text that runs inside a container, beside a stand-in for the image's vLLM."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.formats import vllm_bench_warm

SERVE = """
class tqdm:
    pass

def add_cli_args(parser):
    parser.add_argument("--num-prompts", type=int)
    parser.add_argument("--seed", type=int, default=0)

def main(args):
    if args.seed == 13:
        raise RuntimeError("the server went away")
    bar = tqdm(total=args.num_prompts)
    for _ in range(args.num_prompts):
        bar.update(1)
    bar.close()
    args.seed = 99
"""


def told(folder: Path, jobs: Sequence[Sequence[str]], serve: str | None = SERVE) -> tuple[int, list[dict[str, Any]]]:
    package = folder / "site" / "vllm" / "benchmarks"
    package.mkdir(parents=True)
    for init in (package.parent / "__init__.py", package / "__init__.py"):
        init.write_text("")
    if serve is not None:
        (package / "serve.py").write_text(serve)
    for number, words in enumerate(jobs):
        (folder / f"{number}.json").write_text(json.dumps(words))
    source = Path(vllm_bench_warm.__file__).read_text()
    ended = subprocess.run(
        [sys.executable, "-u", "-c", source, str(folder), "0.2"],
        env={"PYTHONPATH": str(folder / "site")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    marked = [line for line in ended.stdout.splitlines() if line.startswith(vllm_bench_warm.MARK)]
    return ended.returncode, [json.loads(line[len(vllm_bench_warm.MARK) :]) for line in marked]


def test_jobs_one_after_another_and_a_bad_one_spoils_no_other(tmp_path: Path) -> None:
    jobs = (["--num-prompts", "4"], ["--no-such-flag"], ["--num-prompts", "1", "--seed", "13"], ["--num-prompts", "2"])
    code, events = told(tmp_path, jobs)
    assert code == 0
    assert events[0] == {"event": "ready"}
    assert [(one["event"], one["job"]) for one in events if one["event"] in {"done", "failed"}] == [
        ("done", 0),
        ("failed", 1),
        ("failed", 2),
        ("done", 3),
    ]
    assert {"event": "progress", "job": 0, "done": 4, "total": 4} in events
    assert "the server went away" in next(one["detail"] for one in events if one.get("job") == 2)


def test_an_image_without_the_benchmark_says_so(tmp_path: Path) -> None:
    code, events = told(tmp_path, (), serve=None)
    assert code == 1
    assert [one["event"] for one in events] == ["unavailable"]
    assert "vllm.benchmarks.serve" in events[0]["detail"]
