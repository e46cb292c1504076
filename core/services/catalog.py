"""The catalog at work: what can be chosen, and a choice as a whole request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from core.domain.access import Actor, Role
from core.domain.catalog import Catalog, CatalogEntry, SavedProfile
from core.domain.container import BindMount
from core.domain.deployment import DeploymentRequest, EntrypointForm
from core.domain.devices import read_devices
from core.domain.model import Model
from core.domain.platform import Image, Platform, RunFacts
from core.domain.serving import arm_tag, image_reference, serving
from core.errors import BadInput, NotFoundError
from core.formats import docker_cli, serve_settings
from core.formats.catalog_yaml import write_saved
from core.formats.deployment import device_options, read_request, without_keys
from core.ports import Clock
from core.ports.catalog import CatalogSource
from core.services.access import require

_NAME_LIMIT = 60
_ARM = "aarch64"
BLANK = DeploymentRequest(image="", weights="", served_name="")


@dataclass(frozen=True)
class ProfileChoice:
    """``profile``: a catalog key (``<model>.<profile>``) or None for a model that the catalog does not know.
    ``architecture``: the host's, which decides the image's tag."""

    profile: str | None = None
    platform: str | None = None
    weights: str = ""
    mtp: bool = False
    architecture: str | None = None


@dataclass(frozen=True)
class Pasted:
    """``left``: what a request has no place for, verbatim."""

    request: DeploymentRequest
    left: tuple[str, ...]


class CatalogService:
    """``registries``: hosts that the team has put in place of the images' own."""

    def __init__(self, source: CatalogSource, clock: Clock, registries: Mapping[str, str]) -> None:
        self._source = source
        self._clock = clock
        self._registries = dict(registries)

    def catalog(self) -> Catalog:
        """As the files are now."""
        return self._source.load()

    def entry(self, key: str) -> CatalogEntry:
        """Raises BadInput (catalog_key_unknown: value)."""
        found = self.catalog().entry(key)
        if found is None:
            raise BadInput("catalog_key_unknown", field="profile", value=key)
        return found

    def platforms(self, model: Model | None) -> tuple[Platform, ...]:
        """Those that the model was tested on, else every one."""
        catalog = self.catalog()
        if model is None:
            return tuple(catalog.platforms.values())
        return tuple(catalog.platforms[name] for name in model.platforms if name in catalog.platforms)

    # ------------------------------------------------------------ from a choice to a request

    def fill(self, choice: ProfileChoice) -> DeploymentRequest:
        """Everything that the choice stands for; the weights' path is kept as it was typed. Raises BadInput
        (catalog_key_unknown, platform_unknown: value)."""
        if choice.profile is None:
            return self._platform_only(choice)
        saved = self.catalog().saved.get(choice.profile.lower())
        if saved is not None:
            return replace(saved.request, weights=choice.weights or saved.request.weights)
        return self._filled(self.entry(choice.profile), choice)

    def _filled(self, entry: CatalogEntry, choice: ProfileChoice) -> DeploymentRequest:
        catalog = self.catalog()
        platform = self._platform(choice.platform or next(iter(entry.model.platforms), ""))
        image = catalog.images.get(platform.image or "")
        request = replace(
            self._options(platform),
            weights=choice.weights,
            served_name=entry.model.name,
            profile=entry.key,
        )
        if image is None:
            return request
        tag = _tag(image, choice.architecture)
        made = serving(entry, platform, image, tag, catalog, mtp=choice.mtp, prefixes=self._registries)
        settings = serve_settings.read_settings(made.args)
        return replace(request, image=made.image, env=tuple(made.env.items()), serve_args=settings.arguments())

    def _platform_only(self, choice: ProfileChoice) -> DeploymentRequest:
        """What the platform asks for, whatever the model."""
        if choice.platform is None:
            return replace(BLANK, weights=choice.weights)
        platform = self._platform(choice.platform)
        image = self.catalog().images.get(platform.image or "")
        reference = image_reference(image, _tag(image, choice.architecture), self._registries) if image else ""
        settings = serve_settings.read_settings(platform.serve_always)
        return replace(
            self._options(platform),
            image=reference,
            weights=choice.weights,
            env=tuple(platform.env.items()),
            serve_args=settings.arguments(),
        )

    def _platform(self, platform_id: str) -> Platform:
        found = self.catalog().platforms.get(platform_id)
        if found is None:
            raise BadInput("platform_unknown", field="platform", value=platform_id)
        return found

    def _options(self, platform: Platform) -> DeploymentRequest:
        run = platform.run
        return replace(
            BLANK,
            platform=platform.id,
            entrypoint=EntrypointForm(platform.entrypoint),
            privileged=run.privileged,
            shm_size=run.shm_size,
            ipc=run.ipc,
            network=run.network,
            pid=run.pid,
            runtime=run.runtime,
            mounts=_mounts(run),
            group_add=run.group_add,
            cap_add=run.cap_add,
            security_opt=run.security_opt,
            ulimits=run.ulimits,
        )

    # ------------------------------------------------------------ from a command to a choice

    def recognise(self, request: DeploymentRequest) -> DeploymentRequest:
        """The same request with profile, platform and devices named, where image, model and sizes tell them; a key that
        stands in clear is left out."""
        catalog, (request, _) = self.catalog(), without_keys(request)
        model = _model(catalog, request)
        platform = _platform_of(catalog, request, model)
        entry = _entry(catalog, model, request) if model else None
        named = replace(
            request,
            profile=entry.key if entry else request.profile,
            platform=platform.id if platform else request.platform,
            serve_args=serve_settings.read_settings(request.serve_args).arguments(),
        )
        return _devices_named(named, platform) if platform else named

    def paste(self, text: str) -> Pasted:
        """A pasted ``docker run`` as a request. Nothing in it is run or expanded; a key in it is left out, for the
        service gets its own. Raises BadInput (command_too_long, command_not_docker_run, command_unbalanced,
        command_no_image; field command)."""
        found = docker_cli.parse(text)
        held = read_request(found.spec)
        _, keys = without_keys(held.request)
        return Pasted(self.recognise(held.request), (*found.not_understood, *held.not_held, *keys))

    # ------------------------------------------------------------ the team's own

    def save(self, actor: Actor, name: str, request: DeploymentRequest, *, replace_it: bool = False) -> SavedProfile:
        """Keeps the request under a name in the team's folder, without key, overrides and what it replaced. Raises
        NotAllowed, BadInput (profile_name_bad, profile_name_taken: value), StoreError."""
        require(actor, Role.OPERATOR)
        name = name.strip()
        key = re.sub(r"[^\w.-]+", "-", name.lower()).strip("-.")
        if not key or len(name) > _NAME_LIMIT:
            raise BadInput("profile_name_bad", field="profile_name", value=name, limit=_NAME_LIMIT)
        if not replace_it and (key in self.catalog().saved or self.catalog().entry(key)):
            raise BadInput("profile_name_taken", field="profile_name", value=name)
        source = f"{actor.name}, {self._clock.now():%Y-%m-%d}"
        kept, _ = without_keys(replace(request, overrides=(), replaces=None))
        profile = SavedProfile(key, name, kept, source)
        self._source.save(f"saved/{key}.yaml", write_saved(profile))
        return profile

    def delete(self, actor: Actor, key: str) -> None:
        """Raises NotAllowed, NotFoundError, StoreError."""
        require(actor, Role.OPERATOR)
        if key not in self.catalog().saved:
            raise NotFoundError(kind="profile", id=key)
        self._source.delete(f"saved/{key}.yaml")


def _tag(image: Image, architecture: str | None) -> str:
    """The default tag, in its ARM form where the host needs that and it is known."""
    return (arm_tag(image, image.default_tag) if architecture == _ARM else None) or image.default_tag


def _mounts(run: RunFacts) -> tuple[BindMount, ...]:
    """Without caches in a home folder: the weights come from a folder of their own."""
    return tuple(BindMount(m.source, m.target) for m in run.mounts if not m.source.startswith("~"))


def _model(catalog: Catalog, request: DeploymentRequest) -> Model | None:
    names = (request.served_name, PurePosixPath(request.served_name).name, PurePosixPath(request.weights).name)
    found = (catalog.models.get(name.lower()) for name in names if name)
    return next((model for model in found if model), None)


def _platform_of(catalog: Catalog, request: DeploymentRequest, model: Model | None) -> Platform | None:
    """By the image's repository; among several the one that the model was tested on."""
    repository = request.image.partition("@")[0]
    repository = repository.rpartition(":")[0] if ":" in repository.rpartition("/")[2] else repository
    images = {image.id for image in catalog.images.values() if _same_repository(image, repository)}
    found = [platform for platform in catalog.platforms.values() if platform.image in images]
    tested = [platform for platform in found if model and platform.id in model.platforms]
    return next(iter(tested or found), None)


def _same_repository(image: Image, repository: str) -> bool:
    path = image.repository.rpartition("}")[2].lstrip("/")
    return repository == path or repository.endswith(f"/{path}")


def _entry(catalog: Catalog, model: Model, request: DeploymentRequest) -> CatalogEntry | None:
    """The profile of these sizes, else the first: its limits are the model's."""
    settings = serve_settings.read_settings(request.serve_args)
    profiles = catalog.profiles(model)
    same = (profile for profile in profiles if (profile.tp, profile.pp) == (settings.tp or 1, settings.pp or 1))
    profile = next(same, next(iter(profiles), None))
    return CatalogEntry(model, profile) if profile else None


def _devices_named(request: DeploymentRequest, platform: Platform) -> DeploymentRequest:
    """The platform's own options and its list of devices are said by the platform; the rest stays."""
    env = dict(request.env)
    listed = env.pop(platform.visible_devices_env or "", None)
    if request.gpus and request.gpus.startswith("device="):
        listed = request.gpus.removeprefix("device=")
    try:
        devices = read_devices(listed or "")
    except ValueError:
        return request
    own = set(device_options(platform, devices).nodes)
    return replace(
        request,
        env=tuple(env.items()),
        devices=devices or request.devices,
        gpus=None if platform.run.gpus and (devices or request.gpus == platform.run.gpus) else request.gpus,
        device_nodes=tuple(node for node in request.device_nodes if node not in own),
    )
