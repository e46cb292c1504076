"""Starting an Open WebUI, step by step: what a worker does. Each may be called again and goes on from what is there."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from core.domain.access import Actor, Role
from core.domain.job import Param, Progress
from core.domain.webui import Access, CheckState, WebUi, WebUiInfo, is_published
from core.errors import AppError, ContainerFailed, EngineUnavailable, NotFoundError, StoreError, WebUiError
from core.formats.openwebui_container import ADMIN_NAME, PASSWORD, secret_ref
from core.ports import Clock, ContainerEngine, Secrets, Store, WebUiAdmin
from core.services.waiting import Cancelled, never, unless
from core.services.webui import WebUiService
from core.services.webui_doctor import WebUiDoctor
from core.services.webui_secrets import token_ref

Report = Callable[[Progress], None]
_POLL_S = 1.0
_LIMIT_S = 600.0
"""A first start on a slow disk takes a minute; beyond ten it will not come."""
_TAIL_LINES = 12
_STOP_TIMEOUT_S = 5


class WebUiSteps:
    """Raises AppError where a step cannot be done. Cancelled, a step stops the container and returns False."""

    def __init__(
        self,
        store: Store,
        engine: ContainerEngine,
        admin: WebUiAdmin,
        service: WebUiService,
        doctor: WebUiDoctor,
        secrets: Secrets,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._engine = engine
        self._admin = admin
        self._service = service
        self._doctor = doctor
        self._secrets = secrets
        self._clock = clock
        self._sleep = sleep

    # ------------------------------------------------------------ the container

    def create(self, webui_id: str, report: Report, is_cancelled: Cancelled = never) -> bool:
        """Pulls the image if it is missing, then creates or adopts the container. Raises EngineError, StoreError."""
        webui = self._store.webuis.get(webui_id)
        assert webui.spec is not None
        secrets = self._secret_values(webui)
        if not self._pull(webui, report, is_cancelled):
            return self._cancelled(webui)
        self._tell(report, 0, "create", webui)
        view = self._engine.create_or_adopt(webui.spec, secrets)
        if view.state not in {"running", "restarting"}:
            self._engine.start(view.id)
        self._store.webuis.update(replace(self._store.webuis.get(webui_id), container_id=view.id))
        return True

    def _secret_values(self, webui: WebUi) -> dict[str, str]:
        values: dict[str, str] = {}
        for name, ref in (webui.spec.secret_env if webui.spec else {}).items():
            value = self._secrets.get(ref)
            if value is None:
                raise StoreError("secret_unreadable", ref=ref)
            values[name] = value
        return values

    def _pull(self, webui: WebUi, report: Report, is_cancelled: Cancelled) -> bool:
        image = webui.spec.image if webui.spec else ""
        if self._engine.image_digest(image) is not None:
            return True
        self._tell(report, 0, "pull", webui)
        over = threading.Event()

        def pull() -> bool:
            for done, total in self._engine.pull(image):
                if over.is_set():
                    return False
                self._tell(report, 0, "pull", webui, done=done, total=total, unit="bytes")
            return True

        try:
            return unless(is_cancelled, pull) is True
        finally:
            over.set()

    # ------------------------------------------------------------ until it answers

    def wait(self, webui_id: str, report: Report, is_cancelled: Cancelled = never) -> bool:
        """Until /health says so. Raises ContainerFailed with the end of the log: webui_container_ended (name,
        exit_code, detail), webui_never_healthy (name, limit_s, detail), container_gone (name)."""
        webui, waited_s = self._store.webuis.get(webui_id), 0.0
        while not is_cancelled():
            if self._admin.is_healthy(webui.url):
                return True
            self._look(webui, waited_s)
            self._tell(report, 1, "wait", webui)
            self._sleep(_POLL_S)
            waited_s += _POLL_S
        return self._cancelled(webui)

    def _look(self, webui: WebUi, waited_s: float) -> None:
        container_id = webui.container_id or ""
        try:
            view = self._engine.get(container_id)
            tail = self._tail(container_id)
        except EngineUnavailable:
            return
        except NotFoundError as error:
            raise ContainerFailed("container_gone", name=webui.name) from error
        if view.state in {"exited", "dead"} or view.restart_count > 0:
            if view.state == "restarting":
                self._engine.stop(container_id, _STOP_TIMEOUT_S)  # its restart policy would start it for ever
            raise ContainerFailed("webui_container_ended", name=webui.name, exit_code=view.exit_code, detail=tail)
        if waited_s > _LIMIT_S:
            raise ContainerFailed("webui_never_healthy", name=webui.name, limit_s=_LIMIT_S, detail=tail)

    def _tail(self, container_id: str) -> str:
        lines = self._engine.logs_tail(container_id, _TAIL_LINES).splitlines()
        return " | ".join(line.strip() for line in lines if line.strip())[-600:]

    # ------------------------------------------------------------ connect and prove

    def connect(self, webui_id: str, report: Report, is_cancelled: Cancelled = never) -> bool:
        """Signs in (makes the administrator where the image is too old to do it by itself), then plans and writes what
        the environment has not done. Raises WebUiError, EndpointError, PlanBlocked."""
        webui = self._store.webuis.get(webui_id)
        self._tell(report, 2, "connect", webui)
        info = self._admin.look(webui.url)
        self._store.webuis.update(replace(self._store.webuis.get(webui_id), version=info.version, token_kept=True))
        access = self._access(webui, info)
        self._secrets.put(token_ref(webui_id), access.token)
        if self._service.again(webui):
            plan = self._service.plan_again(webui_id, access)
            self._service.apply(Actor(webui.created_by, Role.OPERATOR), plan, access)
        return True

    def _access(self, webui: WebUi, info: WebUiInfo) -> Access:
        """A token that still counts first: the password may have been changed, or a second factor added."""
        email = webui.admin_email or ""
        if info.onboarding:
            password = self._secrets.get(secret_ref(webui.id, PASSWORD)) or ""
            if is_published(email, password):
                self._cancelled(webui)  # or whoever comes first becomes its administrator
                raise WebUiError("webui_published_password", url=webui.url, email=email)
            return self._admin.sign_up(webui.url, ADMIN_NAME, email, password)
        try:
            access = self._service.kept_access(webui.id)
        except WebUiError as error:
            if error.code != "webui_sign_in_refused":
                raise
            volume = webui.spec.mounts[0].source if webui.spec else ""
            raise WebUiError("webui_volume_password", url=webui.url, email=email, volume=volume) from error
        if access is None:
            raise WebUiError("webui_token_refused", url=webui.url)
        return access

    def prove(self, webui_id: str, report: Report, is_cancelled: Cancelled = never) -> bool:
        """A doctor's round; the job fails with the first bad news, which is then also on the page. That the vendor's
        published account works on a volume that was there is said there, and does not keep a chat from working. Raises
        AppError."""
        self._tell(report, 3, "prove", self._store.webuis.get(webui_id))
        found = self._doctor.examine(webui_id)
        checks = found.report.checks if found.report else ()
        failed = (check for check in checks if check.state is CheckState.BAD and check.code != "published_account")
        bad = next((check.finding for check in failed if check.finding), None)
        if bad is not None:
            raise AppError(bad.code, **bad.params)
        return True

    # ------------------------------------------------------------ parts

    def _cancelled(self, webui: WebUi) -> bool:
        container_id = self._store.webuis.get(webui.id).container_id
        if container_id is not None:
            try:
                self._engine.stop(container_id, _STOP_TIMEOUT_S)
            except (EngineUnavailable, NotFoundError):
                return False
        return False

    def _tell(
        self,
        report: Report,
        step: int,
        stage: str,
        webui: WebUi,
        *,
        done: int | None = None,
        total: int | None = None,
        unit: str = "seconds",
    ) -> None:
        now = self._clock.now()
        elapsed_s = max(int((now - webui.created_at).total_seconds()), 0)
        detail: dict[str, Param] = {"stage": stage, "elapsed_s": elapsed_s}
        counted = elapsed_s if done is None else done
        report(Progress(step, f"webui_{stage}", counted, total, unit, None, None, now, detail))
