"""On the host's network nothing is mapped: one port, checked, offered, shown and listened on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.catalog_files import CatalogFolder
from core.adapters.database.store import DatabaseStore
from core.domain.access import LOCAL_OPERATOR
from core.domain.container import BindMount, ContainerSpec
from core.domain.deployment import DeploymentRequest
from core.domain.job import Reason
from core.formats import docker_cli, vllm_bench, vllm_serve
from core.formats.deployment import container_spec, read_request
from core.formats.start_fixes import fix_for
from core.services.adoption import AdoptionService
from core.services.catalog import CatalogService
from core.services.deployment_steps import base_url
from tests.deployment_world import REQUEST, World, codes

ON_HOST = replace(REQUEST, network="host")


@pytest.fixture
def world(database: DatabaseStore, tmp_path: Path) -> World:
    return World(database, tmp_path)


def port_of(request: DeploymentRequest) -> int:
    serve = vllm_serve.parse(container_spec(request, "dep-1").command)
    assert serve is not None
    return serve.port


def forget_ports(world: World, deployment_id: str) -> None:
    """The engine tells none of a container on the host's network."""
    world.change_container(deployment_id, ports=())
    world.service._planner._words.clear()


def test_the_port_that_is_asked_for_is_the_one_that_is_listened_on() -> None:
    request = replace(ON_HOST, host_port=8005, container_port=8000)
    assert port_of(request) == 8005
    assert base_url(container_spec(request, "dep-1")) == "http://127.0.0.1:8005/v1"
    assert port_of(replace(request, network=None)) == 8000


def test_a_second_one_is_told_and_offered_a_port_that_it_then_uses(world: World) -> None:
    first = world.start(network="host")
    world.service.step_create(first)
    world.finish_job(first)
    forget_ports(world, first)
    second: dict[str, Any] = {"network": "host", "container_name": "second"}
    assert codes(world, **second) == [("port_taken", "host_port")]
    offered = world.service.in_free_place(replace(REQUEST, **second))
    assert (offered.host_port, port_of(offered)) == (8001, 8001)
    assert world.service.plan(offered).findings == ()


def test_the_next_port_is_really_another_one() -> None:
    fix = fix_for(Reason("start_port_in_use", {"port": 8000}), ON_HOST)
    assert fix is not None
    assert (port_of(ON_HOST), port_of(fix.request)) == (8000, 8001)


def test_for_this_machine_only_means_that_the_server_listens_there_only() -> None:
    here = replace(ON_HOST, host_ip="127.0.0.1", with_key=False)
    spec = container_spec(here, "dep-1")
    assert spec.command[spec.command.index("--host") + 1] == "127.0.0.1"
    bridged = container_spec(replace(here, network=None), "dep-1")
    assert bridged.command[bridged.command.index("--host") + 1] == "0.0.0.0"


@pytest.mark.parametrize("host_ip", [None, "192.168.1.5"])
def test_a_command_on_the_hosts_network_comes_back_as_it_was(host_ip: str | None) -> None:
    request = replace(ON_HOST, host_port=8005, container_port=8005, host_ip=host_ip)
    text = docker_cli.render_shell(container_spec(request, "dep-1"))
    assert "-p " not in text
    again = read_request(docker_cli.parse(text).spec).request
    assert (again.host_port, again.server_port, again.host_ip) == (8005, 8005, host_ip)


def test_a_bench_inside_asks_where_the_server_listens() -> None:
    spec = container_spec(replace(ON_HOST, host_ip="192.168.1.5"), "dep-1")
    target = vllm_bench.target_of(spec.command, "tiny", None)
    assert target is not None
    assert (target.host, target.port) == ("192.168.1.5", 8000)


def test_a_container_port_of_its_own_is_said_to_be_unused(world: World) -> None:
    assert codes(world, network="host", container_port=9000) == [("container_port_unused", "container_port")]
    assert codes(world, network="host", container_port=8001, host_port=8001) == []


def test_a_server_on_the_hosts_network_can_be_adopted(world: World, tmp_path: Path) -> None:
    catalog = CatalogService(CatalogFolder(tmp_path / "catalog"), world.clock, {})
    adoption = AdoptionService(world.store, world.queue, world.engine, catalog, world.secrets, world.clock)
    spec = ContainerSpec(
        name="by_hand",
        image="vllm:test",
        command=("vllm", "serve", "/models/tiny", "--port", "8007", "--host", "0.0.0.0"),
        mounts=(BindMount("/srv/models", "/models"),),
        network="host",
        labels={"seatrial.deployment": "for the fake only"},
    )
    view = world.engine.create_or_adopt(spec, {})
    container = world.engine._containers[view.id]
    container.view, container.spec = replace(view, labels={}), replace(spec, labels={})
    (seen,) = adoption.candidates()
    adopted = adoption.adopt(LOCAL_OPERATOR, view.id).job.deployment_id or ""
    deployment = world.store.deployments.get(adopted)
    assert seen.served_name == "/models/tiny"
    assert base_url(deployment.spec) == "http://127.0.0.1:8007/v1"
    assert deployment.request is not None
    assert deployment.request.host_port == 8007
