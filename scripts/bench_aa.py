"""Whether comparisons cry wolf on a real server: the same sweep again and again, and every pair of two compared as a
person would see it. ``python scripts/bench_aa.py --endpoint URL [--sweeps N] [--json FILE]``, by hand: it loads a
server. The key comes from the variable SEATRIAL_BENCH_KEY.

False alarms: pairs in which any figure at any load is called better or worse. First with the noise floor that is
assumed where none was measured, then with the one that this machine's own A/A test (six repeats, right after the
sweeps) gives. Neighbours share their disturbances and N sweeps make N (N - 1) / 2 pairs, so that the pairs are not
independent."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.domain.access import LOCAL_OPERATOR  # noqa: E402
from core.domain.comparison import Call, Pair  # noqa: E402
from core.domain.endpoint import Endpoint  # noqa: E402
from core.domain.workload import Workload  # noqa: E402
from scripts.measured import Figure, conclude  # noqa: E402
from tests.real.house import House, sweep  # noqa: E402

KEY_VARIABLE = "SEATRIAL_BENCH_KEY"
AT_MOST = 0.05
ALARMS = frozenset({Call.BETTER, Call.WORSE})


def main() -> int:
    """1 where more than 5 % of the pairs raise an alarm with the measured floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True, help="its base URL")
    parser.add_argument("--sweeps", type=int, default=12)
    parser.add_argument("--concurrency", default="1,2,4", help="the loads of a sweep")
    parser.add_argument("--requests", type=int, default=64, help="a load")
    parser.add_argument("--input", type=int, default=64, help="tokens")
    parser.add_argument("--output", type=int, default=32, help="tokens")
    parser.add_argument("--json", type=Path, help="where to keep the figures")
    asked = parser.parse_args()
    loads = [int(word) for word in asked.concurrency.split(",")]
    load = sweep(*loads, requests=asked.requests, input_tokens=asked.input, output_tokens=asked.output)
    with tempfile.TemporaryDirectory() as home:
        house = House(Path(home))
        try:
            house.start_worker()
            key = os.environ.get(KEY_VARIABLE)
            endpoint = house.app.endpoints.attach(LOCAL_OPERATOR, asked.endpoint, key=key)
            found = measure(house, endpoint, load, asked.sweeps)
        finally:
            house.close()
    return conclude(found, asked.json, sweeps=asked.sweeps, requests=asked.requests, concurrency=loads)


def measure(house: House, endpoint: Endpoint, load: Workload, sweeps: int) -> list[Figure]:
    """The figures, after one sweep that only warms the server up."""
    house.measured(house.benchmark(endpoint, load))
    begun_load = os.getloadavg()[0]
    runs = [swept(house, endpoint, load) for _ in range(sweeps)]
    apart = spread(house, runs)
    assumed = compared(house, runs)
    comparisons = house.app.comparisons
    house.measured(comparisons.start_noise(LOCAL_OPERATOR, comparisons.plan_noise(runs[-1])))
    learned = compared(house, runs)
    floors = comparisons.noise(runs[-1]).shares.values()
    for words, pairs in (("assumed", assumed), ("measured", learned)):
        print(f"floor {words}: {dict(called(pairs))}")
    return [
        Figure("pairs", len(assumed)),
        Figure("load of the machine as it began", begun_load),
        Figure("median latencies of equal runs, CV at worst", apart),
        Figure("measured floor, least", min(floors)),
        Figure("measured floor, most", max(floors)),
        Figure("pairs with an alarm, floor assumed", alarms(assumed)),
        Figure("pairs with an alarm, floor measured", alarms(learned), AT_MOST),
    ]


def swept(house: House, endpoint: Endpoint, load: Workload) -> str:
    """The run, once it is done."""
    job = house.benchmark(endpoint, load)
    house.measured(job)
    return str(job.job.run_id)


def spread(house: House, runs: Sequence[str]) -> float:
    """By how much the medians of equal runs vary, as a share: the worst latency at the worst load."""
    values: dict[tuple[int, str], list[float]] = {}
    for run_id in runs:
        for found in house.app.results.run(run_id).measurements:
            for name in ("ttft_ms", "tpot_ms", "e2el_ms"):
                values.setdefault((found.point_index, name), []).append(getattr(found, name).p50)
    return max(statistics.stdev(told) / statistics.fmean(told) for told in values.values())


def compared(house: House, runs: Sequence[str]) -> list[Pair]:
    """Every pair, the earlier run as the baseline."""
    return [house.app.comparisons.compare([later], earlier).pairs[0] for earlier, later in combinations(runs, 2)]


def alarms(pairs: Sequence[Pair]) -> float:
    """The share of pairs in which anything is called better or worse."""
    return sum(bool(ALARMS & {cell.call for cell in pair.cells}) for pair in pairs) / len(pairs)


def called(pairs: Sequence[Pair]) -> Counter[str]:
    """How often each call was made, over all figures, loads and pairs."""
    return Counter(cell.call.value for pair in pairs for cell in pair.cells)


if __name__ == "__main__":
    sys.exit(main())
