"""The main job, whole: deploy a real vLLM through the app, measure it with both engines, kill and restart everything,
and find the numbers again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import MEASURING, Engine, Measurement, RunState
from core.domain.deployment import DeploymentState
from core.domain.endpoint import Endpoint, KeyState, Origin
from core.domain.job import JobState
from core.domain.workload import BenchFiles
from core.jobs.server_watch import PROMPTS_CACHED
from core.ports import ContainerEngine
from tests.real.house import House, sweep
from tests.waiting import wait_for

pytestmark = pytest.mark.real


def container_of(house: House, deployed: Endpoint) -> str:
    return str(house.app.deployments.get(str(deployed.deployment_id)).deployment.container_id)


def test_the_deployed_endpoint_is_known_and_checked(house: House, deployed: Endpoint) -> None:
    check = deployed.check
    assert check is not None
    assert (deployed.origin, deployed.version_label) == (Origin.DEPLOYED, "tiny of the tests")
    assert (check.usable, check.key_state, check.max_model_len) == (True, KeyState.ACCEPTED, 4096)
    assert [found.id for found in house.app.endpoints.list()] == [deployed.id]
    engine_id = house.app.containers.info().id
    assert deployed.server_key.startswith(f"container:{engine_id}/")


def test_the_container_is_what_was_asked_for(house: House, deployed: Endpoint, weights: Path) -> None:
    """By the engine's own word, not by ours; the key is in the environment and nowhere else."""
    deployment = house.app.deployments.get(str(deployed.deployment_id)).deployment
    told = docker.from_env().api.inspect_container(str(deployment.container_id))
    host, config = told["HostConfig"], told["Config"]
    assert (host["Privileged"], host["ShmSize"], host["IpcMode"]) == (True, 1024**3, "host")
    assert (host["NetworkMode"], host["RestartPolicy"]["Name"]) == ("host", "unless-stopped")
    assert [(mount["Type"], mount["Source"], mount["Destination"], mount["RW"]) for mount in told["Mounts"]] == [
        ("bind", str(weights.parent), "/weights", True)
    ]
    key = str(house.app.endpoints.key_of(deployed))
    assert {"VLLM_CPU_OMP_THREADS_BIND=0", f"VLLM_API_KEY={key}"} <= set(config["Env"])
    assert config["Labels"]["seatrial.deployment"] == deployment.id
    assert config["Cmd"][:3] == ["vllm", "serve", "/weights/tiny"]
    without = {**told, "Config": {**config, "Env": []}}
    assert key not in json.dumps(without)
    assert key not in house.app.deployments.logs(deployment.id, 2000)


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
        assert found.server_metrics["prefix_cache_queries_total"] >= 16 * 64
        assert (found.server_metrics["prefix_cache_hits_total"], found.warnings.count(PROMPTS_CACHED)) == (0, 0)
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


def test_a_call_of_its_own_where_no_process_stays_warm(house: House, deployed: Endpoint) -> None:
    """As in an image whose Python bears another name; and the results lie in a folder of the container's own, named as
    the guide names it."""
    containers, container_id = house.app.containers, container_of(house, deployed)
    files = BenchFiles(result_dir="./benchmark_result", result_filename="result.json")
    load = replace(sweep(2, requests=4), bench_files=files)
    with without_python(containers, container_id):
        job = house.benchmark(deployed, load, Engine.VLLM_BENCH)
        (found,) = house.measured(job)
    assert (found.requests.succeeded, found.tool) == (4, "vllm bench serve")
    assert "# one call per point: " in house.app.jobs.log_tail(job.job.id, -100_000)[0]
    detail = house.app.results.run(str(job.job.run_id))
    kept = {row.name: b"".join(house.app.results.artifact(row.id)) for row in detail.artifacts}
    there = containers.read_file(container_id, "./benchmark_result/result.json")
    assert there == kept["vllm-bench-p0-r0.json"]


@contextmanager
def without_python(containers: ContainerEngine, container_id: str) -> Iterator[None]:
    """No ``python3`` to be found by name; ``vllm`` names its own by path."""
    hidden = "/usr/local/bin/python3"
    script = f"printf '#!/bin/sh\\nexit 127\\n' >{hidden} && chmod 755 {hidden}"
    assert containers.exec(container_id, ("sh", "-c", script)).exit_code == 0
    try:
        yield
    finally:
        containers.exec(container_id, ("rm", hidden))


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
    container_id = container_of(house, deployed)

    def benches() -> int:
        script = "grep -lz SEATRIAL_EXEC= /proc/[0-9]*/environ 2>/dev/null | wc -l"
        return int(house.app.containers.exec(container_id, ("sh", "-c", script)).output)

    wait_for(lambda: benches() > 0, 60, every_s=0.5)
    house.app.jobs.cancel(LOCAL_OPERATOR, job.job.id)
    house.reaches(job.job.id, JobState.CANCELLED)
    assert wait_for(lambda: benches() == 0, 10)
    assert house.app.results.run(str(job.job.run_id)).run.state is RunState.PARTIAL


def test_everything_killed_or_restarted_the_results_are_still_there(
    house: House, deployed: Endpoint, engine: DockerEngine
) -> None:
    job = house.benchmark(deployed, sweep(1, 2))
    measured = house.measured(job)
    assert house.stop_worker() == 0
    docker.from_env().containers.get(container_of(house, deployed)).kill()
    house.start_worker()
    house.reopen()
    killed = house.app.deployments.get(str(deployed.deployment_id)).deployment
    assert (killed.state, killed.reason_code, dict(killed.reason_params)) == (
        DeploymentState.FAILED,
        "container_ended",
        {"exit_code": "137"},
    )
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
