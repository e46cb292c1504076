"""One deployment in full: how its start goes, what differs from its plan, what would repair it, what was before."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

from core.domain.deployment import Deployment, DeploymentRequest, DeploymentState, DeploymentView
from core.domain.job import Reason
from core.domain.storyboard import Story, story
from core.errors import EngineError, NotFoundError
from core.formats.deployment import read_request
from core.formats.spec_diff import Difference, differences
from core.formats.start_fixes import Fix, fix_for
from core.ports import Clock, ContainerEngine, Store
from core.services.catalog import CatalogService
from core.services.deployments import DeploymentService

_BROKEN = frozenset({DeploymentState.FAILED, DeploymentState.LOST})


@dataclass(frozen=True)
class DeploymentDetail:
    """``drift``: where the container is not what was planned; None: it could not be looked at. ``image_moved``: the
    image's name means another image now. ``earlier``: deployments of the same name, the newest first; ``others``: those
    of other names. ``request``: what would start it again."""

    view: DeploymentView
    story: Story
    request: DeploymentRequest
    drift: tuple[Difference, ...] | None
    image_moved: bool
    fix: Fix | None
    earlier: tuple[Deployment, ...]
    others: tuple[Deployment, ...] = ()


class DeploymentDetails:
    """Reads only."""

    def __init__(
        self,
        store: Store,
        engine: ContainerEngine,
        deployments: DeploymentService,
        catalog: CatalogService,
        clock: Clock,
    ) -> None:
        self._store = store
        self._engine = engine
        self._deployments = deployments
        self._catalog = catalog
        self._clock = clock

    def detail(self, deployment_id: str) -> DeploymentDetail:
        """Raises NotFoundError."""
        view = self._deployments.get(deployment_id)
        every = self._store.deployments.list()
        request = self.request_of(view.deployment)
        return DeploymentDetail(
            view=view,
            story=story(view.deployment, self._clock.now(), every),
            request=request,
            drift=self._drift(view),
            image_moved=self._image_moved(view),
            fix=self._fix(view.deployment, request),
            earlier=tuple(one for one in every if one.name == view.deployment.name and one.id != view.deployment.id),
            others=tuple(one for one in every if one.name != view.deployment.name),
        )

    def story(self, deployment_id: str) -> Story:
        """How its start goes, by its own marks and by earlier starts."""
        every = self._store.deployments.list()
        return story(self._deployments.get(deployment_id).deployment, self._clock.now(), every)

    def request_of(self, deployment: Deployment) -> DeploymentRequest:
        """What was asked for; of one that was made before requests were kept, what its container tells."""
        if deployment.request is not None:
            return deployment.request
        return self._catalog.recognise(read_request(deployment.spec).request)

    def again(self, deployment_id: str, *, replaces: str | None = None) -> DeploymentRequest:
        """A past request for a new start: in the place of ``replaces`` as it was, else with devices of its own. What
        was overridden has to be overridden anew. Raises NotFoundError."""
        past = self._store.deployments.get(deployment_id)
        request = self.request_of(past)
        if request.on_host_network and past.spec.ports:  # those of before the two ports were one
            request = replace(request, host_port=past.spec.ports[0].host_port)
        kept = request if replaces else replace(request, devices=())
        return replace(kept, overrides=(), replaces=replaces)

    def compare(self, one_id: str, other_id: str) -> tuple[Difference, ...]:
        """What the second would have otherwise than the first. Raises NotFoundError."""
        one, other = self._store.deployments.get(one_id), self._store.deployments.get(other_id)
        return differences(one.spec, other.spec)

    def _drift(self, view: DeploymentView) -> tuple[Difference, ...] | None:
        if view.container is None or view.deployment.adopted:
            return None
        try:
            return differences(view.deployment.spec, self._engine.describe(view.container.id))
        except (EngineError, NotFoundError):
            return None

    def _image_moved(self, view: DeploymentView) -> bool:
        if view.container is None:
            return False
        now = None
        with suppress(EngineError):
            now = self._engine.image_digest(view.deployment.spec.image)
        return now is not None and now != view.container.image_id

    def _fix(self, deployment: Deployment, request: DeploymentRequest) -> Fix | None:
        if deployment.state not in _BROKEN or deployment.reason_code is None or deployment.adopted:
            return None
        asked = replace(request, replaces=None)
        return fix_for(Reason(deployment.reason_code, dict(deployment.reason_params)), asked)
