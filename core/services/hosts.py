"""Hosts: what is there, now. One host today, the one whose engine this installation talks to; asked for by id."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.domain.access import Actor, Role
from core.domain.host import LOCAL, DeviceGroup, DiskRoom, HostEngine, HostFacts, HostInventory
from core.domain.platform import Platform
from core.errors import BadInput, EngineError, NotFoundError
from core.ports import ContainerEngine, EngineInfo, HostProbe, PreferenceStore
from core.services.access import require
from core.settings import Settings

Platforms = Callable[[], Mapping[str, Platform]]
_ENTERED = "host.{host}.devices.{platform}"
_MOST_DEVICES = 4096


class HostService:
    """Looks at engine and machine each time: nothing is kept but the counts that a person entered."""

    def __init__(
        self,
        engine: ContainerEngine,
        probe: HostProbe,
        preferences: PreferenceStore,
        platforms: Platforms,
        settings: Settings,
    ) -> None:
        self._engine = engine
        self._probe = probe
        self._preferences = preferences
        self._platforms = platforms
        self._settings = settings

    def list(self) -> tuple[HostInventory, ...]:
        """Every host that is known."""
        return (self.get(),)

    def get(self, host_id: str = LOCAL) -> HostInventory:
        """Everything at once; where no engine answers, the machine alone. Raises NotFoundError."""
        if host_id != LOCAL:
            raise NotFoundError(kind="host", id=host_id)
        facts, devices, sees = self._probe.facts(), self.devices(), self._probe.sees_devices
        listeners = self._probe.listeners()
        try:
            info = self._engine.info()
            images, containers = self._engine.list_images(), self._engine.list()
        except EngineError as error:
            problem = (error.code, error.params)
            return HostInventory(
                id=LOCAL,
                facts=facts or _nothing(),
                problem=problem,
                devices=devices,
                disks=self._disks(""),
                sees_devices=sees,
                listeners=listeners,
            )
        engine = HostEngine(info.id, info.version, info.architecture)
        disks = self._disks(info.root_dir)
        return HostInventory(
            id=LOCAL,
            facts=facts or _told(info),
            engine=engine,
            devices=devices,
            images=images,
            containers=containers,
            disks=disks,
            sees_devices=sees,
            listeners=listeners,
        )

    def devices_of(self, platform: Platform) -> DeviceGroup | None:
        """Those of one platform; None where its nodes have no known name, or none is there."""
        if platform.device_nodes is None:
            return None
        group = self._group(platform.device_nodes, (platform.id,))
        return group if group.count or group.entered is not None else None

    def devices(self) -> tuple[DeviceGroup, ...]:
        """What is there of every kind of device that the catalog knows. Platforms of one pattern share a group."""
        patterns: dict[str, list[str]] = {}
        for platform in self._platforms().values():
            if platform.device_nodes is not None:
                patterns.setdefault(platform.device_nodes, []).append(platform.id)
        groups = (self._group(pattern, tuple(ids)) for pattern, ids in patterns.items())
        return tuple(group for group in groups if group.count or group.entered is not None)

    def enter_devices(self, actor: Actor, platform_id: str, count: int | None) -> None:
        """A person's word for what cannot be counted from here; None takes it back. Raises NotAllowed, NotFoundError,
        BadInput (device_count_bad: value)."""
        require(actor, Role.OPERATOR)
        platform = self._platforms().get(platform_id)
        if platform is None or platform.device_nodes is None:
            raise NotFoundError(kind="platform", id=platform_id)
        if count is not None and not 0 <= count <= _MOST_DEVICES:
            raise BadInput("device_count_bad", field="devices", value=count)
        self._preferences.set(_entered_key(platform.device_nodes), "" if count is None else str(count))

    def _group(self, pattern: str, platforms: tuple[str, ...]) -> DeviceGroup:
        nodes = self._probe.nodes(pattern)
        told = "" if nodes else self._preferences.get(_entered_key(pattern)) or ""
        return DeviceGroup(pattern, platforms, nodes, int(told) if told.isdecimal() else None)

    def _disks(self, images: str) -> tuple[DiskRoom, ...]:
        weights = self._settings.weights[0]
        rooms = [
            DiskRoom(str(weights), "weights", free_above(self._probe, str(weights))),
            DiskRoom(str(self._settings.home), "data", free_above(self._probe, str(self._settings.home))),
        ]
        if images and self._probe.sees(images):
            rooms.append(DiskRoom(images, "images", free_above(self._probe, images)))
        return tuple(rooms)


def free_above(probe: HostProbe, path: str) -> int | None:
    """Room for a folder that may not be there yet: that of the nearest one above it."""
    while (free := probe.free_bytes(path)) is None and path not in {"/", ""}:
        path = path.rsplit("/", 1)[0] or "/"
    return free


def _entered_key(pattern: str) -> str:
    return _ENTERED.format(host=LOCAL, platform=pattern)


def _told(info: EngineInfo) -> HostFacts:
    """The engine's word where the machine itself cannot be looked at."""
    memory = info.memory_bytes or None
    return HostFacts("", "", info.architecture, info.cpus or None, memory, None, None, None)


def _nothing() -> HostFacts:
    return HostFacts("", "", "", None, None, None, None, None)
