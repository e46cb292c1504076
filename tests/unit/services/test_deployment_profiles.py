"""A plan held to its profile, its devices and what vLLM knows; overrides; one deployment in another's place."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentPlan, DeploymentRequest, DeploymentState
from core.domain.finding import blocking
from core.domain.host import DeviceGroup, DeviceUser
from core.errors import AppError, DeviceTaken, PlanBlocked, PortTaken, ServerBusy
from tests.deployment_world import FOLDER, URL, World

IMAGE = "registry.example/ai_deliver/vllm_vacc:AI3.2_GR_1202"
SERVE = ("--trust-remote-code", "--tensor-parallel-size", "32", "--max-model-len", "65536", "--enforce-eager")
R1 = DeploymentRequest(
    image=IMAGE,
    weights=FOLDER,
    served_name="R1",
    profile="deepseek-r1.tp32",
    platform="vastai-va16",
    serve_args=(*SERVE, "--reasoning-parser", "deepseek_r1"),
)


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    found = World(database, tmp_path)
    found.engine.images[IMAGE] = "sha256:" + "7" * 64
    return found


def with_devices(world: World, count: int) -> World:
    group = DeviceGroup("/dev/vacc[0-9]*", ("vastai-va16",), tuple(f"/dev/vacc{n}" for n in range(count)))
    world.service._planner._devices = lambda: (group,)
    return world


def plan(world: World, **changes: Any) -> DeploymentPlan:
    return world.service.plan(replace(R1, **changes))


def found(world: World, **changes: Any) -> set[tuple[str, str | None]]:
    return {(finding.code, finding.field) for finding in plan(world, **changes).findings}


def args(*more: str, tp: str = "32", context: str = "65536") -> tuple[str, ...]:
    own = ("--trust-remote-code", "--tensor-parallel-size", tp, "--max-model-len", context, "--enforce-eager")
    return (*own, *more)


def test_the_profile_as_it_is_has_nothing_against_it(world: World) -> None:
    made = plan(with_devices(world, 32))
    assert made.findings == ()
    assert made.arithmetic is not None
    assert (made.arithmetic.devices_needed, made.arithmetic.cards) == (32, 8)
    assert made.arithmetic.devices == tuple(range(32))
    assert "VACC_VISIBLE_DEVICES" not in made.docker_run, "the first ones need no word"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (args(tp="16"), ("tp_not_tested", "tp")),
        (args("--pipeline-parallel-size", "3"), ("pp_not_tested", "pp")),
        (args(context="65537"), ("context_over_limit", "max_model_len")),
        (args(context="64K"), None),
        (args(context="65K"), ("context_over_limit", "max_model_len")),
        (args("--async-scheduling"), ("flag_forbidden", "serve_args")),
        (args("--no-such-flag"), ("flag_not_known", "serve_args")),
        (args("--max-num-seq", "4"), ("flag_not_known_but", "serve_args")),
        (args("--compilation-config.level", "3"), None),
    ],
)
def test_what_is_typed_is_held_to_the_limits(
    world: World, changed: tuple[str, ...], code: tuple[str, str] | None
) -> None:
    told = found(with_devices(world, 128), serve_args=changed)
    assert told == ({code} if code else set())


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"serve_args": args("--gpu-memory-utilization", "0.9")}, {("flag_forbidden", "serve_args")}),
        ({"serve_args": args("-ep")}, {("flag_forbidden", "serve_args")}),
        ({"serve_args": args("--enable-reasoning")}, {("flag_removed_since", "serve_args")}),
        ({"serve_args": args("--rope-scaling", "{}")}, {("flag_removed_since", "serve_args")}),
        ({"env": (("VLLM_VACC_KVCACHE_SPACE", "8"),)}, {("env_forbidden", "env")}),
        ({"serve_args": args("--no-async-scheduling")}, {("flag_unknown_to_image", "serve_args")}),
    ],
)
@pytest.mark.parametrize("platform", ["vastai-va16", None])
def test_platform_and_image_hold_for_a_model_of_ones_own(
    world: World, platform: str | None, changed: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert found(with_devices(world, 32), profile=None, platform=platform, **changed) == expected


def test_a_model_of_ones_own_on_nvidia_is_held_to_its_image(world: World) -> None:
    own: dict[str, Any] = {"profile": None, "platform": "nvidia-cuda", "image": "vllm/vllm-openai:v0.14.0"}
    told = found(world, **own, serve_args=("--rope-scaling", "{}", "--gpu-memory-utilization", "0.9"))
    assert ("flag_removed", "serve_args") in told
    assert not {code for code, _ in told} & {"flag_forbidden", "flag_not_known"}


def test_the_platforms_word_is_kept_where_two_of_an_image_differ(world: World) -> None:
    cpu: dict[str, Any] = {"profile": None, "platform": None, "image": "vllm/vllm-openai-cpu:latest"}
    assert "architecture_unsupported" not in {code for code, _ in found(world, **cpu)}


@pytest.mark.parametrize(("count", "told"), [("4", set()), ("5", {("concurrency_over_limit", "serve_args")})])
def test_the_profiles_concurrency_is_held_against_max_num_seqs(
    world: World, count: str, told: set[tuple[str, str]]
) -> None:
    assert found(with_devices(world, 32), serve_args=args("--max-num-seqs", count)) == told


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({}, {("context_not_set", "max_model_len")}),
        ({"max_position_embeddings": 65536}, set()),
        ({"max_position_embeddings": 65537}, {("context_unset_over_limit", "max_model_len")}),
        (
            {
                "max_position_embeddings": 40960,
                "rope_scaling": {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32768},
            },
            {("context_unset_over_limit", "max_model_len")},
        ),
        ({"text_config": {"max_position_embeddings": 8192, "rope_scaling": {"type": "mrope"}}}, set()),
    ],
)
def test_without_a_context_length_the_models_own_is_held_to_the_limit(
    world: World, config: dict[str, Any], told: set[tuple[str, str]]
) -> None:
    world.probe.files[f"{FOLDER}/config.json"] = config
    bare = ("--trust-remote-code", "--tensor-parallel-size", "32", "--enforce-eager")
    assert found(with_devices(world, 32), serve_args=bare) == told


def test_every_unknown_flag_and_every_missing_variable_is_told(world: World) -> None:
    with_devices(world, 64)
    made = plan(world, serve_args=args("--no-such-flag", "--nor-this", "--pipeline-parallel-size", "2"))
    told = sorted(
        str(one.params.get("flag") or one.params.get("name")) for one in made.findings if one.severity == "warn"
    )
    assert told == ["--no-such-flag", "--nor-this", "FUSE_ALL_DECODER_LAYERS", "LLM_MAX_PREFILL_SEQ_LEN"]


def test_a_stated_limit_cannot_be_overridden(world: World) -> None:
    with_devices(world, 64)
    made = plan(world, serve_args=args(context="65537"), overrides=("context_over_limit",))
    assert [finding.code for finding in blocking(made.findings)] == ["context_over_limit"]


def test_a_derived_block_can_and_it_is_recorded(world: World) -> None:
    with_devices(world, 31)
    assert [finding.code for finding in blocking(plan(world).findings)] == ["devices_short"]
    made = plan(world, overrides=("devices_short",))
    assert blocking(made.findings) == ()
    deployment_id = world.service.start(LOCAL_OPERATOR, made).job.deployment_id or ""
    kept = world.store.deployments.get(deployment_id)
    assert [(one.code, one.overridden) for one in kept.accepted] == [("devices_short", True)]
    assert kept.request is not None
    assert kept.request.overrides == ("devices_short",)


def test_warnings_are_recorded_as_accepted(world: World) -> None:
    with_devices(world, 32)
    made = plan(world, with_key=False, serve_args=args("--no-such-flag"))
    deployment_id = world.service.start(LOCAL_OPERATOR, made).job.deployment_id or ""
    codes = {one.code for one in world.store.deployments.get(deployment_id).accepted}
    assert codes == {"service_open", "flag_not_known"}


def test_what_the_image_knows_goes_before_the_list(world: World) -> None:
    with_devices(world, 32)
    known = ("--trust-remote-code", "--tensor-parallel-size", "--max-model-len", "--enforce-eager", "--vendor-only")
    world.store.deployments.save_image_flags(world.engine.images[IMAGE], known)
    assert found(world, serve_args=args("--vendor-only")) == set()
    assert found(world, serve_args=args("--max-num-seqs", "4")) == {("flag_not_in_image", "serve_args")}


# ---------------------------------------------------------------- devices


def test_two_deployments_never_share_a_device(world: World) -> None:
    with_devices(world, 64)
    first = world.service.start(LOCAL_OPERATOR, plan(world)).job.deployment_id or ""
    world.service.step_create(first)
    other = {"container_name": "second", "host_port": 8001}
    made = plan(world, **other)
    assert made.arithmetic is not None
    assert made.arithmetic.devices == tuple(range(32, 64))
    assert "VACC_VISIBLE_DEVICES=32," in made.docker_run
    assert found(world, **other, devices=tuple(range(32))) == {("device_taken", "devices")}
    world.service.start(LOCAL_OPERATOR, made)
    assert found(world, container_name="third", host_port=8002) == {("device_taken", "devices")}


def test_every_copy_of_the_model_has_devices_of_its_own(world: World) -> None:
    """vLLM's data parallelism: TP x PP x DP ranks, one device each."""
    with_devices(world, 32)
    cpu: dict[str, Any] = {"profile": None, "image": "own:1", "serve_args": args("-dp", "8", tp="4")}
    made = plan(world, **cpu)
    assert made.arithmetic is not None
    assert (made.arithmetic.devices_needed, made.arithmetic.sizes) == (32, "TP 4 × PP 1 × DP 8")
    assert made.arithmetic.devices == tuple(range(32))
    more = {**cpu, "serve_args": args("--data-parallel-size", "9", tp="4")}
    assert ("devices_short_dp", "devices") in found(world, **more)


@pytest.mark.parametrize("count", ["4097", "999999999999"])
@pytest.mark.parametrize("there", [0, 64])
def test_a_slip_of_the_finger_is_refused_at_once(world: World, count: str, there: int) -> None:
    made = plan(with_devices(world, there), profile=None, serve_args=args(tp=count))
    assert "devices_short" in [finding.code for finding in blocking(made.findings)]
    assert made.arithmetic is not None
    assert made.arithmetic.devices == ()


def test_an_adopted_one_without_a_list_has_the_first_devices(world: World) -> None:
    with_devices(world, 64)
    old = world.ready(devices=())
    kept = world.store.deployments.get(old)
    adopted = replace(kept, adopted=True, request=replace(R1, devices=()))
    world.store.deployments.update(adopted)
    other: dict[str, Any] = {"container_name": "second", "host_port": 8001}
    assert found(world, **other, devices=tuple(range(31, 63))) == {("device_taken", "devices")}
    made = plan(world, **other)
    assert made.arithmetic is not None
    assert made.arithmetic.devices == tuple(range(32, 64))


def test_what_a_strangers_container_has_open_is_not_picked(world: World) -> None:
    with_devices(world, 64)
    world.probe.users = (DeviceUser("/dev/vacc3", "python", 7, "f" * 64),)
    made = plan(world)
    assert made.arithmetic is not None
    assert made.arithmetic.devices == (0, 1, 2, *range(4, 33))
    with_devices(world, 32)
    made = plan(world)
    assert made.arithmetic is not None
    assert made.arithmetic.devices == tuple(range(32)), "too few are left: then preflight's warning has to do"


@pytest.mark.parametrize(
    ("devices", "code"), [(tuple(range(31)), "devices_count"), (tuple(range(40, 72)), "devices_absent")]
)
def test_chosen_devices_are_counted(world: World, devices: tuple[int, ...], code: str) -> None:
    assert found(with_devices(world, 64), devices=devices) == {(code, "devices")}


def test_devices_are_chosen_in_one_place_alone(world: World) -> None:
    """A list in the environment would not be known of: the next deployment could be given the same devices."""
    listed = ("VACC_VISIBLE_DEVICES", ",".join(map(str, range(32, 64))))
    assert found(with_devices(world, 64), env=(listed,)) == {("devices_in_env", "env")}
    assert found(world, devices=tuple(range(32, 64))) == set()


def test_at_the_same_moment_one_gets_them_and_the_other_is_told(world: World) -> None:
    with_devices(world, 32)
    plans = [plan(world, container_name=f"c{n}", host_port=8000 + n) for n in range(2)]
    begin, results = threading.Barrier(2), list[object]()

    def click(chosen: DeploymentPlan) -> None:
        begin.wait(10)
        try:
            results.append(world.service.start(LOCAL_OPERATOR, chosen))
        except AppError as error:
            results.append(error)

    threads = [threading.Thread(target=click, args=(one,)) for one in plans]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    refused = [one for one in results if isinstance(one, AppError)]
    assert len(results) == 2
    assert len(refused) == 1
    assert isinstance(refused[0], DeviceTaken | PlanBlocked)


def test_a_stopped_one_gives_its_devices_and_cannot_take_them_back(world: World) -> None:
    with_devices(world, 32)
    first = world.service.start(LOCAL_OPERATOR, plan(world)).job.deployment_id or ""
    world.service.step_create(first)
    world.finish_job(first)
    world.service.stop(LOCAL_OPERATOR, first)
    second = world.service.start(LOCAL_OPERATOR, plan(world, container_name="second")).job.deployment_id or ""
    world.service.step_create(second)
    with pytest.raises(DeviceTaken) as refused:
        world.service.restart(LOCAL_OPERATOR, first)
    assert refused.value.params == {"devices": "0-31", "owner": "second"}


@pytest.mark.parametrize("other_port", [True, False])
def test_a_start_while_another_is_restarted_gets_devices_and_port_and_the_other_stops_again(
    world: World, monkeypatch: pytest.MonkeyPatch, other_port: bool
) -> None:
    with_devices(world, 32)
    first = world.service.start(LOCAL_OPERATOR, plan(world)).job.deployment_id or ""
    world.service.step_create(first)
    world.finish_job(first)
    world.service.stop(LOCAL_OPERATOR, first)
    chosen = plan(world, container_name="second", **({"host_port": 8001} if other_port else {}))
    restart = world.engine.restart

    def a_moment_earlier(container_id: str) -> None:
        world.service.start(LOCAL_OPERATOR, chosen)
        restart(container_id)

    monkeypatch.setattr(world.engine, "restart", a_moment_earlier)
    with pytest.raises(DeviceTaken if other_port else PortTaken) as refused:
        world.service.restart(LOCAL_OPERATOR, first)
    assert refused.value.params["owner"] == "second"
    view = world.service.get(first)
    assert view.deployment.state is DeploymentState.STOPPED
    assert view.container is not None
    assert view.container.state == "exited"


# ---------------------------------------------------------------- in another's place


def test_an_upgrade_takes_the_place_at_the_last_moment(world: World) -> None:
    old = world.ready()
    container = world.container_id(old)
    request = replace(world.store.deployments.get(old).request or R1, image="vllm:next", replaces=old)
    made = world.service.plan(request)
    assert {finding.code for finding in made.findings} == {"image_will_be_pulled", "deployment_replaced"}
    new = world.service.start(LOCAL_OPERATOR, made).job.deployment_id or ""
    assert world.engine.get(container).state == "running", "until the new image is here"
    world.service.step_create(new)
    assert world.state(old) is DeploymentState.REMOVED
    assert [view.name for view in world.engine.list()] == ["vllm_service"]
    world.serve(new)
    assert world.service.step_wait_ready(new)
    world.service.step_register_endpoint(new)
    assert world.service.get(new).endpoint is not None


def test_what_is_measured_is_not_replaced(world: World) -> None:
    old = world.ready()
    endpoint = world.service.get(old).endpoint
    assert endpoint is not None
    world.benchmark(endpoint.server_key)
    made = world.service.plan(replace(world.store.deployments.get(old).request or R1, replaces=old))
    with pytest.raises(ServerBusy):
        world.service.start(LOCAL_OPERATOR, made)


# ---------------------------------------------------------------- ready


def test_a_reasoning_model_must_reason(world: World) -> None:
    with_devices(world, 32)
    deployment_id = world.service.start(LOCAL_OPERATOR, plan(world)).job.deployment_id or ""
    world.service.step_create(deployment_id)
    world.serve(deployment_id, served_name="R1", reasons=False)
    world.sleeps = [lambda: None] * 5
    with pytest.raises(AppError) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "start_no_reasoning"
    world.finish_job(deployment_id)
    world.service.restart(LOCAL_OPERATOR, deployment_id)
    world.client.servers[URL].reasons = True
    assert world.service.step_wait_ready(deployment_id)


def test_a_server_that_ignores_its_key_is_not_ready(world: World) -> None:
    deployment_id = world.start()
    world.service.step_create(deployment_id)
    world.serve(deployment_id)
    world.client.servers[URL].key = None
    world.sleeps = [lambda: None] * 5
    with pytest.raises(AppError) as failed:
        world.service.step_wait_ready(deployment_id)
    assert failed.value.code == "start_key_not_enforced"
