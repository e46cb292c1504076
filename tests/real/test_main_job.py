"""The main job, whole: deploy a real vLLM through the app, measure it with both engines, kill and restart everything,
and find the numbers again."""

from __future__ import annotations

import json

import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import MEASURING, Engine, Measurement, RunState
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Endpoint, KeyState, Origin
from core.domain.job import JobState
from tests.real.house import House, sweep
from tests.waiting import wait_for

pytestmark = pytest.mark.real


def test_the_deployed_endpoint_is_known_and_checked(house: House, deployed: Endpoint) -> None:
    check = deployed.check
    assert check is not None
    assert (deployed.origin, deployed.version_label) == (Origin.DEPLOYED, "tiny of the tests")
    assert (check.usable, check.key_state, check.max_model_len) == (True, KeyState.ACCEPTED, 4096)
    assert [found.id for found in house.app.endpoints.list()] == [deployed.id]
    engine_id = house.app.containers.info().id
    assert deployed.server_key.startswith(f"container:{engine_id}/")


def test_a_sweep_is_measured_point_by_point_with_every_request_kept(house: House, deployed: Endpoint) -> None:
    job = house.benchmark(deployed, sweep(1, 2, 4))
    measured = house.measured(job)
    assert [(found.concurrency, found.requests.succeeded, found.requests.failed) for found in measured] == [
        (1, 16, 0),
        (2, 16, 0),
        (4, 16, 0),
    ]
    for found in measured:
        assert (found.input_tokens, found.output_tokens) == (16 * 64, 16 * 32)
        assert found.ttft_ms and found.tpot_ms and found.ttft_ms.p50 > 0 and found.tpot_ms.p50 > 0
        assert found.server_metrics
        rows = house.app.results.requests(str(job.job.run_id), found.point_index, 0)
        assert [row.output_tokens for row in rows] == [32] * 16
    run = house.app.results.run(str(job.job.run_id)).run
    assert run.state is RunState.COMPLETE
    assert run.provenance["image_digest"] == house.app.containers.image_digest("seatrial-lab/vllm-cpu:0.32.0")
    assert run.provenance["server_version"] == "0.32.0"


def test_both_engines_agree(house: House, deployed: Endpoint) -> None:
    """Alternating, so that a slow minute of the machine meets both. ``vllm bench serve`` opens its connections inside
    the clock and shares the server's two cores, so its TTFT may only be the larger; a token's time is the server's."""
    load = sweep(2, requests=32, output_tokens=64)
    ours, theirs = [], []
    for _ in range(2):
        ours += house.measured(house.benchmark(deployed, load))
        theirs += house.measured(house.benchmark(deployed, load, Engine.VLLM_BENCH))
    for found in (*ours, *theirs):
        assert (found.requests.succeeded, found.requests.failed) == (32, 0)
        assert found.output_tokens == 32 * 64
        assert found.input_tokens == pytest.approx(32 * 64, rel=0.03)
    assert {found.tool for found in theirs} == {"vllm bench serve"}
    assert best(ours, "tpot_ms") == pytest.approx(best(theirs, "tpot_ms"), rel=0.35)
    assert best(ours, "ttft_ms") <= 1.35 * best(theirs, "ttft_ms")
    fastest = [max(found.output_tokens_per_s for found in side) for side in (ours, theirs)]
    assert fastest[0] == pytest.approx(fastest[1], rel=0.35)


def best(measured: list[Measurement], metric: str) -> float:
    """The lower of the medians: what disturbs only ever makes it slower."""
    return min(float(getattr(found, metric).p50) for found in measured)


def test_the_tools_own_result_is_kept(house: House, deployed: Endpoint) -> None:
    job = house.benchmark(deployed, sweep(1, requests=4), Engine.VLLM_BENCH)
    house.measured(job)
    detail = house.app.results.run(str(job.job.run_id))
    content = {row.name: b"".join(house.app.results.artifact(row.id)) for row in detail.artifacts}
    assert json.loads(content["vllm-bench-p0-r0.json"])["completed"] == 4
    assert content["vllm-bench-p0-r0.log"].startswith(b"$ vllm bench serve ")
    key = str(house.app.endpoints.key_of(deployed)).encode()
    assert not [name for name, data in content.items() if key in data]


@pytest.mark.parametrize("tool", MEASURING)
def test_a_killed_worker_costs_nothing(house: House, deployed: Endpoint, tool: Engine) -> None:
    job = house.benchmark(deployed, sweep(1, 2, requests=8), tool)
    wait_for(lambda: house.app.results.run(str(job.job.run_id)).measurements, 120)
    house.kill_worker()
    before = house.app.results.run(str(job.job.run_id)).measurements
    house.start_worker()
    measured = house.measured(job)
    assert measured[: len(before)] == before
    assert [found.requests.succeeded for found in measured] == [8, 8]


def test_a_cancelled_tool_leaves_the_container_quiet(house: House, deployed: Endpoint) -> None:
    job = house.benchmark(deployed, sweep(1, requests=2000), Engine.VLLM_BENCH)
    deployment = house.app.deployments.get(str(deployed.deployment_id))
    container_id = str(deployment.deployment.container_id)

    def benches() -> int:
        script = "grep -lz SEATRIAL_EXEC= /proc/[0-9]*/environ 2>/dev/null | wc -l"
        return int(house.app.containers.exec(container_id, ("sh", "-c", script)).output)

    wait_for(lambda: benches() > 0, 60, every_s=0.5)
    house.app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    house.reaches(job.job.id, JobState.CANCELLED)
    assert wait_for(lambda: benches() == 0, 10)
    assert house.app.results.run(str(job.job.run_id)).run.state is RunState.PARTIAL


def test_everything_restarted_the_results_are_still_there(
    house: House, deployed: Endpoint, engine: DockerEngine
) -> None:
    job = house.benchmark(deployed, sweep(1, 2))
    measured = house.measured(job)
    assert house.stop_worker() == 0
    house.start_worker()
    house.reopen()
    restarted = house.app.deployments.restart(LOCAL_OPERATOR, str(deployed.deployment_id))
    house.reaches(restarted.job.id, JobState.DONE)
    view = house.app.deployments.get(str(deployed.deployment_id))
    assert view.deployment.state is DeploymentState.READY
    assert house.app.results.run(str(job.job.run_id)).measurements == measured
    shown = house.seatrial("run", str(job.job.run_id))
    assert [point["ttft_ms"]["mean"] for point in shown["points"]] == [
        found.ttft_ms.mean for found in measured if found.ttft_ms
    ]
    assert house.measured(house.benchmark(deployed, sweep(1)))[0].requests.succeeded == 16
