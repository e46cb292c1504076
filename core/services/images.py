"""Images: pulled with a team's logins or through its mirror, or loaded from a file where there is no network."""

from __future__ import annotations

import re
import uuid

from core.domain.access import Actor, Role
from core.domain.job import Job, JobKind, JobState, JobView
from core.domain.registry import RegistryLogin, registry_of
from core.errors import BadInput, RefusedError
from core.ports import Clock, HostProbe, JobQueue, JobStore, Registries, Upload, Uploads
from core.services.access import require

PULL, LOAD = "image:pull:", "image:load:"
"""How a job's server key names what is to be done."""
_REGISTRY = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?")
_IMAGE = re.compile(r"[A-Za-z0-9][\w./:@-]*")
_FILE_NAME = re.compile(r"[\w][\w. ()+-]{0,199}")
_GIB = 1024**3
_ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.zst")


class ImageService:
    """Logins are kept encrypted; a deployment's own pull uses them too."""

    def __init__(
        self,
        registries: Registries,
        store: JobStore,
        queue: JobQueue,
        probe: HostProbe,
        uploads: Uploads,
        clock: Clock,
    ) -> None:
        self._registries = registries
        self._store = store
        self._queue = queue
        self._probe = probe
        self._uploads = uploads
        self._clock = clock

    def logins(self) -> tuple[tuple[str, str], ...]:
        """(registry, user), by registry."""
        return self._registries.logins()

    def save_login(self, actor: Actor, registry: str, user: str, password: str) -> None:
        """Raises NotAllowed, BadInput (registry_bad: value; login_incomplete)."""
        require(actor, Role.OPERATOR)
        registry = registry.strip().removeprefix("https://").removeprefix("http://").rstrip("/")
        if not _REGISTRY.fullmatch(registry):
            raise BadInput("registry_bad", field="registry", value=registry)
        if not user.strip() or not password:
            raise BadInput("login_incomplete", field="user")
        self._registries.save(registry, RegistryLogin(user.strip(), password))

    def forget_login(self, actor: Actor, registry: str) -> None:
        """Raises NotAllowed."""
        require(actor, Role.OPERATOR)
        self._registries.forget(registry)

    def mirror(self) -> str:
        """The prefix that Docker Hub's images are pulled under; empty: none."""
        return self._registries.mirror()

    def set_mirror(self, actor: Actor, prefix: str) -> None:
        """Empty: none. Raises NotAllowed, BadInput (registry_bad: value)."""
        require(actor, Role.OPERATOR)
        prefix = prefix.strip().removeprefix("https://").rstrip("/")
        if prefix and not _REGISTRY.fullmatch(prefix.partition("/")[0]):
            raise BadInput("registry_bad", field="mirror", value=prefix)
        self._registries.set_mirror(prefix)

    def source_of(self, image: str) -> tuple[str, str, bool]:
        """The name that would be pulled, its registry, and whether a login is kept for it."""
        source = self._registries.resolve(image)
        return source.reference, registry_of(source.reference), source.login is not None

    def pull(self, actor: Actor, image: str) -> JobView:
        """Queues it. Raises NotAllowed, BadInput (image_bad: image), RefusedError (image_busy: image)."""
        require(actor, Role.OPERATOR)
        image = image.strip()
        if not _IMAGE.fullmatch(image):
            raise BadInput("image_bad", field="image", image=image)
        return self._start(actor, image, f"{PULL}{image}")

    def load(self, actor: Actor, path: str) -> JobView:
        """Queues what ``docker load`` does with a file that lies on this machine. Raises NotAllowed, BadInput
        (archive_missing, archive_bad: path), RefusedError (image_busy)."""
        require(actor, Role.OPERATOR)
        path = path.strip()
        if not path.startswith("/") or self._probe.look(path).kind != "file":
            raise BadInput("archive_missing", field="archive", path=path)
        if not path.endswith(_ARCHIVES):
            raise BadInput("archive_bad", field="archive", path=path)
        return self._start(actor, path.rpartition("/")[2], f"{LOAD}{path}")

    def begin_upload(self, actor: Actor, name: str, size_bytes: int) -> Upload:
        """Where a browser's image file goes, piece by piece; ``load`` takes it from there. Raises NotAllowed, BadInput
        (archive_bad: path), RefusedError (upload_no_room: size_gib, free_gib)."""
        require(actor, Role.OPERATOR)
        if not _FILE_NAME.fullmatch(name) or not name.endswith(_ARCHIVES):
            raise BadInput("archive_bad", field="archive", path=name)
        free = self._uploads.free_bytes()
        if size_bytes > free:
            size_gib, free_gib = round(size_bytes / _GIB, 1), round(free / _GIB, 1)
            raise RefusedError("upload_no_room", size_gib=size_gib, free_gib=free_gib)
        return self._uploads.begin(name)

    def _start(self, actor: Actor, title: str, key: str) -> JobView:
        if any(job.server_key == key for job in self._store.unfinished()):
            raise RefusedError("image_busy", image=title)
        job = Job(
            id=f"job-{uuid.uuid4().hex[:12]}",
            kind=JobKind.IMAGE,
            title=title,
            server_key=key,
            created_at=self._clock.now(),
            created_by=actor.name,
            steps_total=1,
        )
        self._store.add(job)
        self._queue.enqueue(job.id, job.kind, job.server_key, {})
        return JobView(job, JobState.QUEUED, steps_done=0, progress=None)
