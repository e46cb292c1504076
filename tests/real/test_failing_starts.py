"""Starts that fail on a real engine, each on its own way there: what was wrong is told in both languages, and what the
button offers comes up. All fail side by side: most of their time is Python's imports."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import docker
import pytest

from core.adapters.docker_engine import DockerEngine
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import Deployment, DeploymentRequest, DeploymentState
from core.domain.finding import blocking
from core.domain.job import JobState, Reason
from render.texts import Texts
from tests.live.test_up import free_port
from tests.real.conftest import VLLM_IMAGE
from tests.real.house import House
from tests.waiting import wait_for

pytestmark = pytest.mark.real

START_LIMIT_S = 300.0
LEAST_BYTES = 64 * 1024**2
"""Less than vLLM's imports alone take."""
Deed = Callable[[ExitStack, Deployment], None]


@dataclass(frozen=True)
class Case:
    """``deed``: what goes wrong behind the back of a plan that was sound; None: the request itself is at fault.
    ``fix``: the code of what the button offers."""

    args: tuple[str, ...]
    code: str
    says: Mapping[str, str]
    fix: str | None
    deed: Deed | None = None
    changes: Mapping[str, object] = field(default_factory=dict)


def take_port(stack: ExitStack, deployment: Deployment) -> None:
    """Before the server binds it: it imports for a long time."""
    stack.enter_context(socket.create_server(("", deployment.spec.ports[0].host_port)))


def take_weights(stack: ExitStack, deployment: Deployment) -> None:
    assert deployment.request is not None
    (Path(deployment.request.weights) / "model.safetensors").unlink()


def take_memory(stack: ExitStack, deployment: Deployment) -> None:
    """As on a host that runs out of it: the kernel kills, and no line says so."""
    container = docker.from_env().containers.get(deployment.name)
    container.update(mem_limit=LEAST_BYTES, memswap_limit=LEAST_BYTES)


CASES = {
    "flag": Case(
        ("--no-such-flag", "--max-model-len", "4096"),
        "start_unknown_flag",
        {"en": "does not know the argument --no-such-flag", "zh": "不认识参数 --no-such-flag"},
        "without_flag",
    ),
    "context": Case(
        ("--max-model-len", "2000000"),
        "start_kv_too_small",
        {"en": "at most {estimated:,} fit", "zh": "最多 {estimated:,}"},
        "shorter_context",
        changes={"env": (("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "1"),)},
    ),
    "weights": Case(
        ("--max-model-len", "4096"),
        "start_weights_no_files",
        {"en": "holds no weight files", "zh": "中没有权重文件"},
        None,
        take_weights,
    ),
    "port": Case(
        ("--max-model-len", "4096"),
        "start_port_in_use",
        {"en": "Port {port} was taken", "zh": "端口 {port} 已被占用"},
        "next_port",
        take_port,
        {"network": "host"},
    ),
    "memory": Case(
        ("--max-model-len", "4096"),
        "start_oom_killed",
        {"en": "memory", "zh": "内存"},
        None,
        take_memory,
    ),
}


@dataclass(frozen=True)
class Site:
    """A house of its own: what was learned of the image elsewhere would refuse some of these before they start."""

    house: House
    failed: Mapping[str, tuple[Deployment, Reason]]


@pytest.fixture(scope="module")
def site(engine: DockerEngine, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Every case, started as a page does it and failed by itself."""
    folder = tmp_path_factory.mktemp("failing")
    house = House(folder)
    try:
        house.start_worker()
        with ExitStack() as stack:
            jobs = {name: begun(house, stack, case, weights, folder / name) for name, case in CASES.items()}
            failed = {name: ended(house, job_id) for name, job_id in jobs.items()}
        yield Site(house, failed)
    finally:
        house.close()
        for deployment in house.app.store.deployments.list():
            for view in engine.list(f"seatrial.deployment={deployment.id}"):
                engine.remove(view.id, force=True)


def begun(house: House, stack: ExitStack, case: Case, weights: Path, folder: Path) -> str:
    """The job, once its container runs and the deed is done."""
    port = free_port()
    request = DeploymentRequest(
        image=VLLM_IMAGE,
        weights=str(shutil.copytree(weights, folder / "tiny")),
        served_name="tiny",
        container_name=f"seatrial-fails-{port}",
        host_port=port,
        container_port=port,
        serve_args=(*case.args, "--enforce-eager"),
        privileged=True,
    )
    plan = house.app.deployments.plan(replace(request, **case.changes))  # type: ignore[arg-type]
    assert blocking(plan.findings) == ()
    job = house.app.deployments.start(LOCAL_OPERATOR, plan)
    deployment_id = str(job.job.deployment_id)
    if case.deed is not None:
        wait_for(lambda: house.app.deployments.get(deployment_id).container, 60)
        case.deed(stack, house.app.store.deployments.get(deployment_id))
    return job.job.id


def ended(house: House, job_id: str) -> tuple[Deployment, Reason]:
    view = house.reaches(job_id, JobState.FAILED, limit_s=START_LIMIT_S)
    assert view.job.reason is not None
    return house.app.store.deployments.get(str(view.job.deployment_id)), view.job.reason


@pytest.mark.parametrize("name", CASES)
def test_a_failed_start_is_explained(site: Site, name: str) -> None:
    case, (deployment, reason) = CASES[name], site.failed[name]
    assert (deployment.state, deployment.reason_code, reason.code) == (DeploymentState.FAILED, case.code, case.code)
    for language, words in case.says.items():
        assert words.format(**reason.params) in Texts(language).reason(reason)
    fix = site.house.app.deployment_details.detail(deployment.id).fix
    assert (fix.code if fix else None) == case.fix
    if fix is not None:
        spec = site.house.app.deployments.plan(fix.request).spec
        assert spec.command != deployment.spec.command, "the server itself is started otherwise"


def test_a_container_that_failed_is_not_started_for_ever(site: Site, engine: DockerEngine) -> None:
    """Their restart policy would."""
    for deployment, _ in site.failed.values():
        (view,) = engine.list(f"seatrial.deployment={deployment.id}")
        assert view.state == "exited", deployment.reason_code


def test_what_the_button_offers_comes_up_and_the_image_tells_the_rest_beforehand(
    site: Site, engine: DockerEngine
) -> None:
    """One of them in full: the context that vLLM itself says fits. While it loads, the image is asked for its flags;
    from then on the plan refuses what failed above."""
    app = site.house.app
    failed, reason = site.failed["context"]
    fix = app.deployment_details.detail(failed.id).fix
    assert fix is not None
    assert 0 < int(str(fix.params["value"])) <= int(str(reason.params["estimated"]))
    plan = app.deployments.plan(fix.request)
    assert blocking(plan.findings) == ()
    job = app.deployments.start(LOCAL_OPERATOR, plan)

    wrong = site.failed["flag"][0].request
    assert wrong is not None
    assert blocking(app.deployments.plan(wrong).findings) == ()
    begun_s = time.monotonic()
    assert app.inside.ask_flags(LOCAL_OPERATOR, VLLM_IMAGE) > 100
    print(f"asked for its flags in {time.monotonic() - begun_s:.1f} s")
    known = app.inside.flags_known(VLLM_IMAGE) or ()
    assert {"--max-model-len", "--enforce-eager", "--reasoning-parser", "--tensor-parallel-size"} <= set(known)
    refused = blocking(app.deployments.plan(wrong).findings)
    assert [(found.field, found.params["flag"]) for found in refused] == [("serve_args", "--no-such-flag")]
    sound = app.deployments.plan(replace(wrong, serve_args=wrong.serve_args[1:]))
    assert blocking(sound.findings) == ()

    site.house.reaches(job.job.id, JobState.DONE, limit_s=START_LIMIT_S)
    view = app.deployments.get(str(job.job.deployment_id))
    assert view.deployment.state is DeploymentState.READY
    assert view.endpoint is not None and view.endpoint.check is not None
    assert view.endpoint.check.max_model_len == fix.params["value"]
    assert engine.list(f"seatrial.deployment={failed.id}") == (), "what had failed made way"
