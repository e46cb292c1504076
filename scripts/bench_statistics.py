"""Whether comparisons cry wolf, whether they find what is there, and how long they take. ``--json FILE`` keeps the
figures; ``--trials N`` (1000). Everything is drawn from fixed seeds: the same figures everywhere, but for the times.

False alarms: two equal versions are compared as a person would see it (every figure at every load, corrected), and one
figure that is called better or worse is an alarm. ``one figure``: the share of trials in which that figure alone would
be called, without correction: 5 % by construction. Found: with a version that is 5 % slower, something is called worse
and nothing better."""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.adapters.database.migrations import migrate  # noqa: E402
from core.adapters.database.store import DatabaseStore  # noqa: E402
from core.domain.comparing import compare, noise_of, records_of  # noqa: E402
from core.domain.comparison import Call, Evidence, Noise  # noqa: E402
from core.domain.statistics import (  # noqa: E402
    change,
    floor_variance,
    mean_estimate,
    quantile_estimate,
    repeat_estimate,
    summarize,
)
from core.domain.version import version_of  # noqa: E402
from core.services.benchmarks import BenchmarkService  # noqa: E402
from core.services.comparisons import NOISE_REPEATS, ComparisonService  # noqa: E402
from core.services.endpoints import EndpointService  # noqa: E402
from scripts.measured import machine_now  # noqa: E402
from tests.fakes import samples  # noqa: E402
from tests.fakes.clock import FakeClock  # noqa: E402
from tests.fakes.endpoint_client import FakeEndpointClient  # noqa: E402
from tests.fakes.job_queue import FakeJobQueue  # noqa: E402
from tests.fakes.secrets import FakeSecrets  # noqa: E402
from tests.fakes.simulated_runs import sweep, varied  # noqa: E402

REQUESTS = 200
NOISE_SD = math.log1p(0.01) / 1.959964 / math.sqrt(2)
"""Of one run, so that 95 % of pairs of equal runs differ by less than 1 %: the floor that is assumed."""


def main() -> int:
    """Prints a table; 1 where a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    parser.add_argument("--trials", type=int, default=1000)
    arguments = parser.parse_args()
    rows = []
    for row in measure(arguments.trials):
        rows.append(row)
        print(f"{row['what']:<86}{row['value']:>9.3f}  {row['bound']:<8}{'' if row['holds'] else 'MISSED'}", flush=True)
    if arguments.json:
        document = {**machine_now(), "trials": arguments.trials, "rows": rows}
        arguments.json.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return 0 if all(row["holds"] for row in rows) else 1


def measure(trials: int) -> Iterator[dict[str, Any]]:
    """Every figure with its bound."""
    for cv in (0.15, 0.5):
        yield seen(f"false alarms, mean of {REQUESTS} requests, CV {cv}, one figure", means(20 * trials, 1.0, cv))
    yield at_least(
        f"5 % slower, mean of {REQUESTS} requests, CV 0.15, one figure: found", means(20 * trials, 1.05, 0.15), 0.8
    )
    yield seen(f"false alarms, median of {REQUESTS} requests, CV 0.15, one figure", medians(trials))
    yield seen("false alarms, 3 repeats against 3, one figure", repeats(trials, student=True))
    yield seen("the same by a percentile bootstrap of the repeats, not used", repeats(trials, student=False))
    for points in (1, 6):
        loads = (1, 4, 16, 64, 128, 256)[:points]
        said = f"whole comparison, {points} load point{'s' if points > 1 else ''}"
        yield at_most(f"false alarms, {said}", comparisons(trials, 1.0, loads), 0.05)
        yield at_least(f"5 % slower, {said}: found", comparisons(max(1, trials // 4), 1.05, loads), 0.8)
    three = (1, 4, 16)
    yield at_most("false alarms, whole comparison, 3 load points, 3 repeats", comparisons(trials, 1.0, three, 3), 0.05)
    said = "false alarms, whole comparison, runs 3 % apart, floor"
    learned = comparisons(trials, 1.0, three, noise_sd=0.03, learn=True)
    yield at_most(f"{said} measured by an A/A test", learned, 0.05)
    yield seen(f"{said} assumed to be 1 %", comparisons(trials, 1.0, three, noise_sd=0.03))
    said = "false alarms, whole comparison, bursts of other work, requests"
    yield at_most(f"{said} in blocks", comparisons(trials, 1.0, three, burst=1.3), 0.05)
    yield seen(f"{said} taken for independent", comparisons(trials, 1.0, three, burst=1.3, blocks=False))
    first, again = durations()
    yield at_most("s, compare two sweeps of 6 points with 192 requests, from the database, first time", first, 0.3)
    yield at_most("s, the same again", again, 0.05)


# ------------------------------------------------------------ one figure


def means(trials: int, slowdown: float, cv: float) -> float:
    """How often the mean is called changed."""
    random, extra = Random(1), floor_variance(0.01)
    called = 0
    for _ in range(trials):
        both = [mean_of(random, mean, cv) for mean in (1.0, slowdown)]
        found = change(both[0], both[1], extra)
        called += found.p_value < 0.05 and abs(math.log(found.ratio)) > math.log1p(0.01)
    return called / trials


def mean_of(random: Random, mean: float, cv: float) -> Any:
    """Of one run, which as a whole is a little off."""
    off = mean * math.exp(random.gauss(0.0, NOISE_SD))
    summary = summarize([varied(random, off, cv) for _ in range(REQUESTS)])
    return mean_estimate(summary.mean, summary.std or 0.0, summary.n) if summary else None


def medians(trials: int) -> float:
    """How often the median is called changed."""
    random, extra, called = Random(2), floor_variance(0.01), 0
    for _ in range(trials):
        runs = [sorted(varied(random, 1.0, 0.15) for _ in range(REQUESTS)) for _ in range(2)]
        both = [quantile_estimate(run, 0.5) for run in runs]
        called += bool(both[0] and both[1] and change(both[0], both[1], extra).p_value < 0.05)
    return called / trials


def repeats(trials: int, *, student: bool) -> float:
    """How often three equal repeats are told from three others."""
    random, called = Random(3), 0
    for _ in range(trials):
        sides = [[varied(random, 1.0, 0.02) for _ in range(3)] for _ in range(2)]
        if student:
            both = [repeat_estimate(side) for side in sides]
            called += bool(both[0] and both[1] and change(both[0], both[1]).p_value < 0.05)
        else:
            drawn = sorted(resampled(random, sides[1]) / resampled(random, sides[0]) for _ in range(400))
            called += not drawn[10] <= 1.0 <= drawn[389]
    return called / trials


def resampled(random: Random, values: Sequence[float]) -> float:
    """The mean of a resample."""
    return statistics.fmean(random.choices(values, k=len(values)))


# ------------------------------------------------------------ whole comparisons


def comparisons(
    trials: int,
    slowdown: float,
    loads: Sequence[int],
    rounds: int = 1,
    *,
    noise_sd: float = NOISE_SD,
    learn: bool = False,
    burst: float = 1.0,
    blocks: bool = True,
) -> float:
    """How often anything at all is called; with a slowdown, how often something is called worse and nothing better.
    ``learn``: an A/A test of its own comes before each. ``blocks`` False: as if requests were independent."""
    called = 0
    for trial in range(trials):
        base = evidence(3 * trial, 1.0, loads, rounds, noise_sd, burst, blocks)
        other = evidence(3 * trial + 1, slowdown, loads, rounds, noise_sd, burst, blocks)
        tested = noise_of(evidence(3 * trial + 2, 1.0, loads, NOISE_REPEATS, noise_sd)) if learn else None
        calls = {cell.call for cell in compare(base, [other], tested or Noise()).pairs[0].cells}
        wanted = {Call.WORSE} if slowdown > 1.0 else {Call.WORSE, Call.BETTER}
        called += bool(calls & wanted) and not (slowdown > 1.0 and Call.BETTER in calls)
    return called / trials


def evidence(
    seed: int,
    slowdown: float,
    loads: Sequence[int],
    rounds: int,
    noise_sd: float,
    burst: float = 1.0,
    blocks: bool = True,
) -> Evidence:
    """A run that was never stored, its records read as the service reads them."""
    kept: dict[tuple[int, int], list[dict[str, Any]]] = {}
    run, found = sweep(
        None,
        f"run-{seed}",
        seed=seed,
        slowdown=slowdown,
        noise=noise_sd,
        concurrencies=loads,
        requests=REQUESTS,
        repeats=rounds,
        records=kept,
        burst=burst,
    )
    names = ("ttft_ms", "tpot_ms", "e2el_ms")
    told = {place: records_of({name: [row[name] for row in rows] for name in names}) for place, rows in kept.items()}
    if not blocks:
        told = {place: replace(records, inflation={}) for place, records in told.items()}
    return Evidence(run, version_of(run), found, told)


def durations() -> tuple[float, float]:
    """Seconds of processor time of the first comparison in a process, and of the next."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/seatrial.db"
        migrate(url)
        store, clock = DatabaseStore(url), FakeClock()
        store.endpoints.add(samples.endpoint())
        for number in (1, 2):
            at = datetime(2026, 1, number, tzinfo=UTC)
            loads = (1, 4, 16, 64, 128, 256)
            sweep(store, f"run-{number}", seed=number, concurrencies=loads, requests=192, created_at=at)
        endpoints = EndpointService(store.endpoints, FakeEndpointClient(clock), FakeSecrets(), clock)
        benchmarks = BenchmarkService(store, FakeJobQueue(clock.now()), endpoints, clock)
        service = ComparisonService(store, benchmarks, clock)
        took = []
        for _ in range(2):
            began = time.process_time()
            service.compare(["run-1", "run-2"])
            took.append(time.process_time() - began)
        store.close()
    return took[0], took[1]


# ------------------------------------------------------------ rows


def at_most(what: str, value: float, bound: float) -> dict[str, Any]:
    """A row that holds up to the bound."""
    return {"what": what, "value": value, "bound": f"<= {bound:g}", "holds": value <= bound}


def at_least(what: str, value: float, bound: float) -> dict[str, Any]:
    """A row that holds from the bound on."""
    return {"what": what, "value": value, "bound": f">= {bound:g}", "holds": value >= bound}


def seen(what: str, value: float) -> dict[str, Any]:
    """A row for comparison."""
    return {"what": what, "value": value, "bound": "", "holds": True}


if __name__ == "__main__":
    sys.exit(main())
