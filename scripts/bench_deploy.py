"""What the deploy page costs: the catalog's load, and plan, findings and command after a change, for every profile.

python scripts/bench_deploy.py [--json FILE]. Every profile of the catalog is planned as the page plans it, on every
platform of its model and with the real catalog, database and weights folder; the engine is in memory, because what
Docker takes is not ours to bound. Processor time of this process. Exit 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.adapters.catalog_files import CatalogFolder, load_catalog  # noqa: E402
from core.adapters.database.migrations import migrate  # noqa: E402
from core.adapters.database.store import DatabaseStore  # noqa: E402
from core.adapters.host_probe import LocalHostProbe  # noqa: E402
from core.domain.deployment import DeploymentRequest  # noqa: E402
from core.services.catalog import CatalogService, ProfileChoice  # noqa: E402
from core.services.deployment_plan import DeploymentPlanner, no_registry  # noqa: E402
from core.services.hosts import HostService  # noqa: E402
from core.services.preflight import PreflightService  # noqa: E402
from core.settings import read_settings  # noqa: E402
from scripts.measured import conclude, figures  # noqa: E402
from tests.fakes.clock import FakeClock  # noqa: E402
from tests.fakes.engine import FakeEngine  # noqa: E402

LOADS = 7
LIMITS = {"plan_ms_slowest": 50.0, "catalog_load_ms": 300.0}


def timed_ms(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    begun = time.process_time()
    work()
    return (time.process_time() - begun) * 1000


def planner_of(home: Path, catalog: CatalogFolder) -> DeploymentPlanner:
    """As the app composes it, on an engine in memory."""
    url = f"sqlite:///{home / 'seatrial.db'}"
    migrate(url)
    store, engine, probe = DatabaseStore(url), FakeEngine(), LocalHostProbe()
    settings = read_settings({"SEATRIAL_HOME": str(home)})
    hosts = HostService(engine, probe, store.preferences, lambda: catalog.load().platforms, settings)
    preflight = PreflightService(engine, probe, hosts, catalog.load)
    return DeploymentPlanner(store, engine, probe, catalog.load, hosts.devices, preflight.check, no_registry)


def requests(service: CatalogService, weights: Path) -> Iterator[DeploymentRequest]:
    """Every profile on every platform of its model."""
    catalog = service.catalog()
    for entry in catalog.entries():
        for platform in entry.model.platforms:
            yield service.fill(ProfileChoice(entry.key, platform, weights=str(weights)))


def weights_in(home: Path) -> Path:
    """A model's folder with as many shards as DeepSeek-R1 has."""
    folder = home / "weights" / "model"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"architectures": ["DeepseekV3ForCausalLM"], "num_attention_heads": 128}')
    (folder / "tokenizer.json").write_text("{}")
    for number in range(163):
        (folder / f"model-{number:05}-of-00163.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
    return folder


def main(path: Path | None) -> int:
    """The exit code."""
    loads = [timed_ms(load_catalog) for _ in range(LOADS)]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        files = CatalogFolder(home / "catalog")
        planner = planner_of(home, files)
        asked = list(requests(CatalogService(files, FakeClock(), {}), weights_in(home)))
        planner.plan(asked[0], fresh=False)  # the headers of the weights are read once
        took = [timed_ms(lambda one=one: planner.plan(_changed(one), fresh=False)) for one in asked]  # type: ignore[misc]
    values = {
        "profiles_planned": float(len(asked)),
        "plan_ms_median": statistics.median(took),
        "plan_ms_p99": statistics.quantiles(took, n=100)[98],
        "plan_ms_slowest": max(took),
        "catalog_load_ms": statistics.median(loads),
    }
    return conclude(figures(values, LIMITS), path)


def _changed(request: DeploymentRequest) -> DeploymentRequest:
    """One keystroke further."""
    return replace(request, served_name=f"{request.served_name}-x")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=None)
    sys.exit(main(parser.parse_args().json))
