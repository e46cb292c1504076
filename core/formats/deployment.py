"""A deployment's request as a container, and a container's command as a request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from core.domain.container import BindMount, ContainerSpec, PublishedPort
from core.domain.deployment import DeploymentRequest
from core.domain.platform import Platform
from core.formats import docker_cli, shell, vllm_serve

LABEL = "seatrial.deployment"


def secret_ref(deployment_id: str) -> str:
    """Under which name the deployment's key is kept."""
    return f"deployment/{deployment_id}"


@dataclass(frozen=True)
class DeviceOptions:
    """How a platform's containers are told which devices they may use."""

    env: tuple[tuple[str, str], ...] = ()
    nodes: tuple[str, ...] = ()
    gpus: str | None = None


NO_DEVICES = DeviceOptions()


def device_options(platform: Platform, devices: tuple[int, ...]) -> DeviceOptions:
    """For these devices. The first ones, from 0 on, need no word where a platform's servers take them by themselves."""
    numbered = any("{n}" in path for path in platform.run.devices)
    nodes = tuple(
        path.replace("{n}", str(number))
        for path in platform.run.devices
        for number in (devices if "{n}" in path else (0,))
    )
    if numbered or devices == tuple(range(len(devices))):
        return DeviceOptions(nodes=nodes, gpus=platform.run.gpus)
    listed = ",".join(map(str, devices))
    if platform.run.gpus:
        return DeviceOptions(nodes=nodes, gpus=f"device={listed}")
    name = platform.visible_devices_env
    return DeviceOptions(((name, listed),) if name else (), nodes)


def container_spec(
    request: DeploymentRequest, deployment_id: str, devices: DeviceOptions = NO_DEVICES
) -> ContainerSpec:
    """The container that ``request`` asks for, with what every deployment adds: detached, restart policy, label, and
    the key by environment. On the host's network the server's own port is the host's."""
    weights = PurePosixPath(request.weights)
    host_port = PublishedPort(request.host_port, request.server_port, request.host_ip)
    return ContainerSpec(
        name=request.container_name,
        image=request.image,
        command=vllm_serve.argv(request),
        mounts=(BindMount(str(weights.parent), vllm_serve.WEIGHTS_MOUNT), *request.mounts),
        ports=(host_port,),
        env={**dict(request.env), **dict(devices.env)},
        secret_env={vllm_serve.KEY_VARIABLE: secret_ref(deployment_id)} if request.with_key else {},
        privileged=request.privileged,
        shm_size=request.shm_size or None,
        ipc=request.ipc or None,
        network=request.network,
        restart=request.restart or None,
        devices=(*request.device_nodes, *devices.nodes),
        group_add=request.group_add,
        cap_add=request.cap_add,
        security_opt=request.security_opt,
        ulimits=request.ulimits,
        runtime=request.runtime,
        gpus=request.gpus or devices.gpus,
        pid=request.pid,
        labels={LABEL: deployment_id},
    )


def without_keys(request: DeploymentRequest) -> tuple[DeploymentRequest, tuple[str, ...]]:
    """The request without a key in clear, and what was taken out, its value masked: a service gets a key of its own."""
    flags = [(words, words[0].partition("=")[0]) for words in vllm_serve.split_flags(request.serve_args)]
    kept = [words for words, flag in flags if flag.replace("_", "-") != "--api-key"]
    taken = [f"{flag} ***" for words, flag in flags if words not in kept]
    env = tuple((name, value) for name, value in request.env if name != vllm_serve.KEY_VARIABLE)
    if env != request.env:
        taken.append(f"-e {vllm_serve.KEY_VARIABLE}=***")
    args = tuple(word for words in kept for word in words)
    return replace(request, serve_args=args, env=env), tuple(taken)


@dataclass(frozen=True)
class ReadRequest:
    """``missing``: fields of the request that the container does not tell. ``not_held``: options that a request has no
    place for, as ``docker run`` spells them."""

    request: DeploymentRequest
    missing: tuple[str, ...]
    not_held: tuple[str, ...]


def read_request(spec: ContainerSpec) -> ReadRequest:
    """The request that would start this container. The key and the restart policy are ours to choose, so that they
    take their defaults; a missing text field is empty."""
    serve = vllm_serve.parse(spec.command)
    weights_mount = _weights_mount(spec, serve.model if serve else None)
    port = served_port(spec)
    inside = serve.port if serve else DeploymentRequest.container_port
    request = DeploymentRequest(
        image=spec.image,
        weights=_weights_on_host(weights_mount, serve.model) if serve and serve.model and weights_mount else "",
        served_name=(serve.name or "") if serve else "",
        container_name=spec.name or DeploymentRequest.container_name,
        host_port=port.host_port if port else inside,
        container_port=inside,
        host_ip=port.host_ip if port else None,
        env=tuple(spec.env.items()),
        serve_args=serve.args if serve else (),
        privileged=spec.privileged,
        shm_size=spec.shm_size,
        ipc=spec.ipc,
        restart=spec.restart or DeploymentRequest.restart,
        network=spec.network,
        pid=spec.pid,
        runtime=spec.runtime,
        gpus=spec.gpus,
        mounts=tuple(mount for mount in spec.mounts if mount != weights_mount),
        device_nodes=spec.devices,
        group_add=spec.group_add,
        cap_add=spec.cap_add,
        security_opt=spec.security_opt,
        ulimits=spec.ulimits,
    )
    if serve:
        request = replace(request, entrypoint=serve.entrypoint)
    missing = tuple(name for name in ("weights", "served_name") if not getattr(request, name))
    return ReadRequest(request, missing, _not_held(spec, request, weights_mount, port))


def served_port(spec: ContainerSpec) -> PublishedPort | None:
    """Where the container's server is reached: by the mapping of its port, or on the host's network by its own
    arguments. None: from nowhere outside."""
    serve = vllm_serve.parse(spec.command)
    inside = serve.port if serve else DeploymentRequest.container_port
    if spec.network == "host":
        listens = serve.host if serve else None
        return PublishedPort(inside, inside, None if listens in _EVERYWHERE else listens)
    return next((port for port in spec.ports if port.container_port == inside), None)


_EVERYWHERE = {None, "", "0.0.0.0", "::"}


def _weights_mount(spec: ContainerSpec, model: str | None) -> BindMount | None:
    """The mount that the model's path lies in; the longest where several do."""
    path = PurePosixPath(model or "")
    inside = [mount for mount in spec.mounts if path.is_relative_to(PurePosixPath(mount.target))]
    return max(inside, key=lambda mount: len(mount.target), default=None)


def _weights_on_host(mount: BindMount, model: str) -> str:
    return str(PurePosixPath(mount.source) / PurePosixPath(model).relative_to(PurePosixPath(mount.target)))


def _not_held(
    spec: ContainerSpec, request: DeploymentRequest, weights_mount: BindMount | None, port: PublishedPort | None
) -> tuple[str, ...]:
    """The options of ``spec`` that are lost when the request is made into a container again."""
    own = replace(
        docker_cli.as_guide(spec),
        mounts=tuple(mount for mount in spec.mounts if mount != weights_mount),
        ports=tuple(other for other in spec.ports if other != port),
    )
    again = set(docker_cli.option_texts(container_spec(request, "")))
    lost = tuple(text for text in docker_cli.option_texts(own) if text not in again)
    serve = vllm_serve.parse(spec.command)
    strange = serve.stray if serve else spec.command
    return (*lost, shell.join(strange)) if strange else lost
