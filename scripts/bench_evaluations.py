"""What evaluations cost: taking in 14,042 samples (the size of MMLU), and the leaderboard over 2,000 evaluations.

python scripts/bench_evaluations.py [--json FILE] [--samples 14042] [--evaluations 2000] [--pages]

Samples: 57 subsets, prompts of 4,000 characters, answers of 1,500; wall clock, the process's peak memory above what it
had before, the database's growth. Leaderboard: processor time of this process after any write, after an evaluation was
written, and again; with --pages of the whole page above an empty one, too (medians of 9)."""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.bootstrap import App, compose  # noqa: E402
from core.domain.access import LOCAL_OPERATOR  # noqa: E402
from core.domain.benchmark import RunHead, RunKind, RunState  # noqa: E402
from core.domain.evaluation import (  # noqa: E402
    DatasetChoice,
    DatasetOutcome,
    DatasetReport,
    EvaluationRequest,
    Limit,
    ReportScore,
)
from core.settings import read_settings  # noqa: E402
from scripts.measured import conclude, figures  # noqa: E402
from tests.fakes import samples  # noqa: E402
from tests.fakes.evalscope_tree import Answers, write_tree  # noqa: E402

LIMITS = {"ingest_s": 30.0, "ingest_peak_above_mib": 100e6 / 2**20, "leaderboard_above_empty_after_a_write_ms": 50.0}
_SUBSETS = 57
_DATASETS = ("gsm8k", "mmlu_pro", "gpqa_diamond", "ceval", "ifeval")
_REPEATS = 9
_MIB = 1024 * 1024


def main() -> int:
    """Figures as a table, and as JSON. 1 where a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--samples", type=int, default=14_042)
    parser.add_argument("--evaluations", type=int, default=2_000)
    parser.add_argument("--pages", action="store_true", help="the leaderboard page too, driven without a browser")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as folder:
        values = _measure(Path(folder), arguments)
    limits = {name: limit for name, limit in LIMITS.items() if name in values}
    return conclude(figures(values, limits), arguments.json)


def _measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    app = compose(read_settings({"SEATRIAL_HOME": str(folder / "home")}))
    found = _ingest(app, folder, arguments.samples)
    _fill(app, arguments.evaluations)
    found |= _leaderboard(app)
    if arguments.pages:
        found |= _pages(app)
    return found


def _ingest(app: App, folder: Path, count: int) -> dict[str, Any]:
    sizes = [count // _SUBSETS + (1 if place < count % _SUBSETS else 0) for place in range(_SUBSETS)]
    parts = {
        f"subject_{place:02d}": Answers(size, int(size * 0.8), truncated=size // 50) for place, size in enumerate(sizes)
    }
    tree = write_tree(folder / "tree", "model", {"mmlu": parts}, text_length=1500, question_length=4000)
    read_mib = sum(path.stat().st_size for path in tree.rglob("*.jsonl")) / _MIB
    before, size_before = _peak_mib(), _database_mib(app)
    begun = time.perf_counter()
    app.evaluation_import.import_folder(LOCAL_OPERATOR, tree)
    spent = time.perf_counter() - begun
    return {
        "samples": count,
        "read_mib": round(read_mib, 1),
        "ingest_s": round(spent, 2),
        "ingest_peak_above_mib": round(_peak_mib() - before, 1),
        "process_peak_mib": round(_peak_mib(), 1),
        "database_growth_mib": round(_database_mib(app) - size_before, 1),
    }


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _database_mib(app: App) -> float:
    files = app.settings.home.glob("seatrial.db*")
    return sum(path.stat().st_size for path in files) / _MIB


def _fill(app: App, count: int) -> None:
    """A hundred models in twenty versions, three datasets each, without their samples."""
    chance = random.Random(7)
    app.store.endpoints.add(samples.endpoint())
    for number in range(count):
        run_id, model, version = f"run-{number}", f"model-{number % 100}", f"v{number // 100}"
        asked = chance.sample(_DATASETS, 3)
        limit = Limit(count=50) if number % 3 == 0 else Limit()
        request = EvaluationRequest("ep-1", tuple(DatasetChoice(name) for name in asked), limit=limit)
        with app.store.atomic():
            app.store.runs.add(_run(run_id, model, version, number))
            app.store.evaluations.add(run_id, request)
            for name in asked:
                app.store.evaluations.save(run_id, _outcome(name, model, chance), ())


def _run(run_id: str, model: str, version: str, number: int) -> RunHead:
    return RunHead(
        id=run_id,
        endpoint_id="ep-1",
        model=model,
        version_label=version,
        origin="attached",
        engine="evalscope",
        state=RunState.COMPLETE,
        seed=42,
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number),
        created_by="local",
        command=("seatrial", "eval"),
        kind=RunKind.EVALUATION,
        parts_total=3,
        workload_label="three",
        workload_key="",
    )


def _outcome(name: str, model: str, chance: random.Random) -> DatasetOutcome:
    score = ReportScore(None, None, "accuracy", "mean", round(chance.uniform(0.5, 0.98), 4), 1319, True)
    report = DatasetReport(name, name, model, 2, (score,), 1319, 1319, 0, False, "v1.1", None, 4)
    return DatasetOutcome(name, DatasetChoice(name), report, False, 1319, 60.0)


def _leaderboard(app: App) -> dict[str, Any]:
    def ask() -> None:
        found = app.leaderboard.page()
        assert found is not None
        app.leaderboard.history(found.board.rows[0].lead.model, found.board.key)

    costs = {name: statistics.median(_after(write, ask)) for name, write in _writes(app).items()}
    heads = app.leaderboard.boards()
    return {
        "boards": len(heads),
        "versions_on_the_largest_board": heads[0].versions,
        "leaderboard_after_an_evaluation_ms": round(costs["evaluation"], 1),
        "leaderboard_after_a_write_ms": round(costs["any"], 1),
        "leaderboard_again_ms": round(costs["none"], 2),
    }


def _writes(app: App) -> dict[str, Callable[[], object]]:
    """What comes before a look at the leaderboard; an evaluation that ends writes its run's state last."""
    return {
        "evaluation": lambda: app.store.runs.set_state("run-0", RunState.COMPLETE),
        "any": lambda: app.store.preferences.set("bench", str(time.time_ns())),
        "none": lambda: None,
    }


def _after(write: Callable[[], object], work: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(_REPEATS):
        write()
        found.append(_cpu_ms(work))
    return found


def _cpu_ms(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def _pages(app: App) -> dict[str, Any]:
    from streamlit.testing.v1 import AppTest

    from ui import session

    session.install(app)

    def opened(page: str) -> Callable[[], object]:
        at = AppTest.from_file(str(ROOT / "ui" / "shell.py"), default_timeout=60)
        at.user = {"name": "local", "session": session.LOOPBACK}
        at.context["locale"] = "en-US"
        at.switch_page(f"../pages/{page}.py")
        at.run()
        if at.exception:
            raise SystemExit(f"{page} failed")
        return at.run

    board, empty = opened("leaderboard"), opened("compare_evaluations")
    nothing = statistics.median(_after(lambda: None, empty))
    costs = {name: statistics.median(_after(write, board)) - nothing for name, write in _writes(app).items()}
    return {
        "empty_page_ms": round(nothing, 1),
        "leaderboard_above_empty_ms": round(costs["none"], 1),
        "leaderboard_above_empty_after_a_write_ms": round(costs["any"], 1),
        "leaderboard_above_empty_after_an_evaluation_ms": round(costs["evaluation"], 1),
    }


if __name__ == "__main__":
    os.environ.setdefault("SEATRIAL_LOG", "warning")
    sys.exit(main())
