"""Open WebUI: look, plan, write, read back, undo. Nothing is written before the service has answered from inside it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from core.domain.access import Actor, Role
from core.domain.endpoint import UrlError, canonical_url, is_loopback, server_root
from core.domain.finding import Finding, Severity, blocking
from core.domain.webui import (
    Access,
    Area,
    Change,
    Connected,
    ConnectPlan,
    Documents,
    Undo,
    Upstream,
    UpstreamRequest,
    WebUi,
    WebUiInfo,
    WebUiSettings,
    Wishes,
    WriteState,
    is_published,
)
from core.domain.webui_rules import changes, kept, plan_findings, undone, wanted, without
from core.errors import AppError, BadInput, EndpointError, NotFoundError, PlanBlocked, StalePlan, WebUiError
from core.formats import records
from core.formats.openwebui import read_settings, write_settings
from core.ports import Clock, Secrets, WebUiAdmin, WebUiStore
from core.services.access import require
from core.services.endpoints import Offer
from core.services.webui_secrets import key_print, new_password, password_ref, token_ref, undo_ref
from core.services.webui_upstreams import Serving, UpstreamFinder

_TRIED_AGAIN_AFTER = timedelta(minutes=15)
"""Open WebUI counts sign-ins, 15 within 3 minutes for one e-mail, and then refuses the right password as well."""


@dataclass(frozen=True)
class Applied:
    """``writes``: how many documents were sent. ``not_taken``: what reads differently afterwards. ``settings``: how
    many single things were changed."""

    webui: WebUi
    writes: int
    not_taken: tuple[Change, ...] = ()
    settings: int = 0


class WebUiService:
    """Tokens are handed in with each call; one that is to be kept lies among the secrets."""

    def __init__(
        self, store: WebUiStore, admin: WebUiAdmin, finder: UpstreamFinder, secrets: Secrets, clock: Clock
    ) -> None:
        self._store = store
        self._admin = admin
        self._finder = finder
        self._secrets = secrets
        self._clock = clock
        self._refused_at: dict[str, datetime] = {}

    # ------------------------------------------------------------ reading

    def list(self) -> tuple[WebUi, ...]:
        """Those that we know, the oldest first."""
        return self._store.list()

    def get(self, webui_id: str) -> WebUi:
        """Raises NotFoundError."""
        return self._store.get(webui_id)

    def look(self, url: str) -> WebUiInfo:
        """What is at an address; one that was copied from a browser leads to its root. Raises BadInput (url_*),
        EndpointError, WebUiError (webui_not_one)."""
        root = base_url(url)
        try:
            return self._admin.look(root)
        except WebUiError:
            parts = urlsplit(root)
            if not parts.path:
                raise
            return self._admin.look(f"{parts.scheme}://{parts.netloc}")

    # ------------------------------------------------------------ accounts

    def sign_in(self, actor: Actor, info: WebUiInfo, email: str, password: str) -> Access:
        """As an administrator, tried once. Raises NotAllowed, BadInput (webui_email_empty), WebUiError."""
        require(actor, Role.OPERATOR)
        if info.signs_in and not (email.strip() and password):
            raise BadInput("webui_email_empty", field="email")
        return _as_admin(self._admin.sign_in(info.url, email.strip(), password), info.url)

    def sign_up(self, actor: Actor, info: WebUiInfo, email: str, password: str | None = None) -> tuple[Access, str]:
        """The first account of an Open WebUI that has none; its password, made here unless one is given, is to be shown
        once. Raises BadInput (webui_email_empty, webui_published_password); where somebody was faster WebUiError
        (webui_sign_up_closed)."""
        require(actor, Role.OPERATOR)
        if "@" not in email.strip():
            raise BadInput("webui_email_empty", field="email")
        if is_published(email, password):
            raise BadInput("webui_published_password", field="password", email=email)
        password = password or new_password()
        return _as_admin(self._admin.sign_up(info.url, "Admin", email.strip(), password), info.url), password

    def use_token(self, actor: Actor, info: WebUiInfo, token: str) -> Access:
        """A pasted token instead of a password, also as it stands in a header. Raises NotAllowed, BadInput
        (webui_token_empty), WebUiError."""
        require(actor, Role.OPERATOR)
        pasted = token.strip().removeprefix("Bearer").strip()
        if not pasted or not pasted.isascii():
            raise BadInput("webui_token_empty", field="token")
        return _as_admin(self._admin.who(info.url, pasted), info.url)

    def kept_access(self, webui_id: str, *, renew: bool = True) -> Access | None:
        """From a token, or the password of an administrator that we made, where one is kept and still counts. Without
        ``renew`` a token that the password gave is not kept: nothing is stored."""
        webui = self._store.get(webui_id)
        return self._by_token(webui) or self._renewed(webui, keep=renew)

    def confirmed(self, webui: WebUi, access: Access) -> Access:
        """A sign-in that still counts. Raises WebUiError (webui_token_refused, webui_not_admin), EndpointError."""
        return _as_admin(self._admin.who(webui.url, access.token), webui.url)

    def known_access(self, webui_id: str) -> Access | None:
        """The same for whoever only wants to know, as a page does each time it is drawn; None also where it does not
        answer or says no. A password that was refused is not tried again for a while."""
        webui = self._store.get(webui_id)
        try:
            return self._by_token(webui) or self._renewed_seldom(webui)
        except (WebUiError, EndpointError):
            return None

    def _by_token(self, webui: WebUi) -> Access | None:
        token = self._secrets.get(token_ref(webui.id)) if webui.token_kept else None
        if token is None:
            return None
        try:
            return _as_admin(self._admin.who(webui.url, token), webui.url)
        except WebUiError as error:
            if error.code != "webui_token_refused":
                raise
            return None

    def _renewed_seldom(self, webui: WebUi) -> Access | None:
        refused_at = self._refused_at.get(webui.id)
        if refused_at is not None and self._clock.now() - refused_at < _TRIED_AGAIN_AFTER:
            return None
        try:
            return self._renewed(webui, keep=True)
        except WebUiError:
            self._refused_at[webui.id] = self._clock.now()
            raise

    def _renewed(self, webui: WebUi, *, keep: bool) -> Access | None:
        password = self._secrets.get(password_ref(webui.id)) if webui.is_ours else None
        if password is None or webui.admin_email is None:
            return None
        access = _as_admin(self._admin.sign_in(webui.url, webui.admin_email, password), webui.url)
        if keep:
            self._secrets.put(token_ref(webui.id), access.token)
        return access

    def keep_token(self, actor: Actor, webui_id: str, access: Access | None) -> WebUi:
        """Keeps the token, so that checks on a schedule can sign in; None forgets it."""
        require(actor, Role.OPERATOR)
        if access is None:
            self._secrets.delete(token_ref(webui_id))
        else:
            self._secrets.put(token_ref(webui_id), access.token)
        return self._saved(replace(self._store.get(webui_id), token_kept=access is not None))

    def add_colleague(self, actor: Actor, webui_id: str, access: Access, name: str, email: str, *, admin: bool) -> str:
        """Makes an account; its password, to be shown once. Raises NotAllowed, BadInput, WebUiError."""
        require(actor, Role.OPERATOR)
        if not name.strip():
            raise BadInput("name_empty", field="colleague_name")
        if "@" not in email.strip():
            raise BadInput("webui_email_empty", field="colleague_email")
        url, password = self._store.get(webui_id).url, new_password()
        role = "admin" if admin else "user"
        self._admin.add_account(url, access, name.strip(), email.strip(), password, role)
        return password

    # ------------------------------------------------------------ planning

    def plan(
        self,
        info: WebUiInfo,
        access: Access,
        requests: Sequence[UpstreamRequest],
        wishes: Wishes,
        offers: Sequence[Offer] = (),
    ) -> ConnectPlan:
        """What connecting would change. Reads only: each service is asked from here and from inside first. ``offers``:
        services among the requests that are not stored; store them before applying. Raises EndpointError,
        WebUiError."""
        known = self._store.find(info.url)
        upstreams, findings = self._finder.find(info, access, requests, known.connected if known else (), offers)
        documents = self._read(info.url, access, [one.served_name for one in upstreams])
        return self._planned(info, upstreams, wishes, documents, self._admin.listed(info.url, access), findings)

    def plan_leaving(self, webui_id: str, access: Access, endpoint_ids: Sequence[str]) -> ConnectPlan:
        """What disconnecting would change. Reads only, and asks no service. Raises NotFoundError, EndpointError,
        WebUiError."""
        webui = self._store.get(webui_id)
        leaving = tuple(one for one in webui.connected if one.endpoint_id in endpoint_ids)
        if not leaving:
            raise NotFoundError(kind="service", id=", ".join(endpoint_ids))
        staying = tuple(one for one in webui.connected if one not in leaving)
        now = read_settings(self._read(webui.url, access, [one.served_name for one in leaving]))
        after = without(now, leaving, staying)
        return ConnectPlan(
            info=self._admin.look(webui.url),
            upstreams=(),
            wishes=webui.wishes,
            changes=changes(now, after),
            kept=kept(now, after),
            findings=(),
            before=now,
            after=after,
            fingerprint=_fingerprint(now, after),
            leaving=leaving,
        )

    def again(self, webui: WebUi) -> tuple[UpstreamRequest, ...]:
        """What connecting again asks for: what was begun, else each connected service, by what serves it now."""
        first = webui.written is WriteState.NONE and not webui.connected
        if first or webui.written is WriteState.HALF:
            return webui.wanted
        return tuple(serving.request for serving in self.serving(webui))

    def serving(self, webui: WebUi) -> tuple[Serving, ...]:
        """Each service that is connected and not gone, with the endpoint that serves it now."""
        return self._finder.serving(webui.connected)

    def plan_again(self, webui_id: str, access: Access) -> ConnectPlan:
        """What puts it right: drift, services deployed anew, a change that was cut off. Raises as ``plan``."""
        webui = self._store.get(webui_id)
        if webui.written is WriteState.HALF and webui.leaving:
            return self.plan_leaving(webui_id, access, webui.leaving)
        return self.plan(self._admin.look(webui.url), access, self.again(webui), webui.wishes)

    def _planned(
        self,
        info: WebUiInfo,
        upstreams: tuple[Upstream, ...],
        wishes: Wishes,
        documents: Documents,
        listed: Mapping[str, str],
        findings: tuple[Finding, ...] = (),
    ) -> ConnectPlan:
        now = read_settings(documents)
        after = wanted(now, upstreams, wishes, listed)
        own = plan_findings(now, upstreams, wishes)
        found = (*findings, *(one for one in own if not (findings and one.code == "webui_no_endpoint")))
        return ConnectPlan(
            info=info,
            upstreams=upstreams,
            wishes=wishes,
            changes=changes(now, after),
            kept=kept(now, after, upstreams),
            findings=found,
            before=now,
            after=after,
            fingerprint=_fingerprint(now, after),
        )

    def _read(self, url: str, access: Access, models: Sequence[str]) -> Documents:
        return self._admin.read(url, access, tuple(models))

    def drift(self, webui: WebUi, access: Access) -> tuple[Change, ...]:
        """What connecting the same services again would change now."""
        upstreams = tuple(serving.upstream for serving in self.serving(webui))
        if not upstreams:
            return ()
        info = WebUiInfo(webui.url, webui.version or "")
        documents = self._read(webui.url, access, [one.served_name for one in upstreams])
        listed = self._admin.listed(webui.url, access)
        return self._planned(info, upstreams, webui.wishes, documents, listed).changes

    # ------------------------------------------------------------ writing

    def apply(self, actor: Actor, plan: ConnectPlan, access: Access) -> Applied:
        """Writes what differs, reads it back, and remembers how to undo it. Where it fails half-way the record says
        so; planning and applying again finishes it. Raises NotAllowed, PlanBlocked, StalePlan, WebUiError,
        EndpointError."""
        require(actor, Role.OPERATOR)
        if blocks := blocking(plan.findings):
            raise PlanBlocked(blocks)
        documents = self._read(plan.info.url, access, plan.models)
        if _fingerprint(read_settings(documents), plan.after) != plan.fingerprint:
            raise StalePlan
        webui = self._record(actor, plan, access)
        writes = 0
        if plan.changes:
            webui = self._begin(webui, plan)
            writes = self._write(webui.url, access, documents, plan.after)
        return self._finished(webui, plan, access, writes)

    def _record(self, actor: Actor, plan: ConnectPlan, access: Access) -> WebUi:
        known = self._store.find(plan.info.url)
        if known is not None:
            email = known.admin_email if known.is_ours else access.email or known.admin_email
            return replace(known, version=plan.info.version, admin_email=email)
        webui = WebUi(
            id=f"ui-{uuid.uuid4().hex[:12]}",
            name=plan.info.name,
            url=plan.info.url,
            created_at=self._clock.now(),
            created_by=actor.name,
            version=plan.info.version,
            admin_email=access.email or None,
        )
        self._store.add(webui)
        return webui

    def _begin(self, webui: WebUi, plan: ConnectPlan) -> WebUi:
        """What it was like is kept before the first write; a change that was cut off earlier keeps its beginning."""
        undo = Undo(plan.before, plan.after, webui.connected)
        earlier = self._undo(webui.id) if webui.written is WriteState.HALF else None
        if earlier is not None:
            undo = replace(undo, before=_earlier(earlier.before, plan.before), connected=earlier.connected)
        self._secrets.put(undo_ref(webui.id), records.dumps(Undo, undo))
        asked = tuple(UpstreamRequest(one.endpoint_id, one.url, one.card) for one in plan.upstreams)
        return self._saved(
            replace(
                webui,
                written=WriteState.HALF,
                written_at=self._clock.now(),
                wanted=asked,
                leaving=tuple(one.endpoint_id for one in plan.leaving),
                wishes=plan.wishes,
            )
        )

    def _write(self, url: str, access: Access, documents: Documents, settings: WebUiSettings) -> int:
        edited, writes = write_settings(documents, settings), 0
        for area in Area:
            document = edited.areas.get(area)
            if document is not None and document != documents.areas.get(area):
                self._admin.write(url, access, area, document)
                writes += 1
        for model, card in edited.cards.items():
            before = documents.cards.get(model)
            if card != before:
                self._admin.write_card(url, access, model, card, new=before is None)
                writes += 1
        return writes

    def _finished(self, webui: WebUi, plan: ConnectPlan, access: Access, writes: int) -> Applied:
        not_taken = changes(read_settings(self._read(webui.url, access, plan.models)), plan.after)
        ours = {*(one.endpoint_id for one in plan.upstreams), *(one.endpoint_id for one in plan.leaving)}
        taken = {(upstream.replaces, upstream.was or upstream.served_name) for upstream in plan.upstreams}
        others = tuple(
            one for one in webui.connected if one.endpoint_id not in ours and (one.url, one.served_name) not in taken
        )
        state = WriteState.DONE if writes else webui.written
        webui = self._saved(
            replace(
                webui,
                wishes=plan.wishes,
                connected=(*others, *(self._connected(upstream) for upstream in plan.upstreams)),
                written=WriteState.DONE if state is WriteState.HALF else state,
                not_taken=not_taken,
            )
        )
        return Applied(webui, writes, not_taken, len(plan.changes) - len(not_taken))

    def _connected(self, upstream: Upstream) -> Connected:
        return Connected(
            upstream.endpoint_id,
            upstream.url,
            upstream.served_name,
            upstream.card,
            upstream.parses_tools,
            key_print(self._secrets, upstream.key),
        )

    # ------------------------------------------------------------ undoing

    def can_undo(self, webui: WebUi) -> bool:
        """Whether there is a change to take back."""
        return webui.written in {WriteState.DONE, WriteState.HALF} and self._undo(webui.id) is not None

    def undo(self, actor: Actor, webui_id: str, access: Access) -> Applied:
        """Takes the last change back, but for what others have changed since. Where it fails half-way the record says
        so; undoing again goes on. Raises NotAllowed, NotFoundError, WebUiError, EndpointError."""
        require(actor, Role.OPERATOR)
        webui, undo = self._store.get(webui_id), self._undo(webui_id)
        if undo is None or not self.can_undo(webui):
            raise NotFoundError(kind="undo", id=webui_id)
        models = tuple(sorted({*undo.before.cards, *undo.after.cards}))
        documents = self._admin.read(webui.url, access, models)
        target = undone(undo.before, undo.after, read_settings(documents))
        begun = replace(webui, written=WriteState.HALF, written_at=self._clock.now(), connected=undo.connected)
        webui = self._saved(begun)
        writes = self._write(webui.url, access, documents, target)
        not_taken = changes(read_settings(self._admin.read(webui.url, access, models)), target)
        # Up to 0.6 a chat finds only what was listed last, and open pages do not list again.
        with suppress(WebUiError, EndpointError):
            self._admin.listed(webui.url, access)
        self._secrets.delete(undo_ref(webui_id))
        state = WriteState.UNDONE
        webui = self._saved(replace(webui, written=state, connected=undo.connected, report=None, not_taken=not_taken))
        return Applied(webui, writes, not_taken)

    def _undo(self, webui_id: str) -> Undo | None:
        text = self._secrets.get(undo_ref(webui_id))
        return records.loads(Undo, text) if text else None

    # ------------------------------------------------------------ the record

    def set_public_url(self, actor: Actor, webui_id: str, url: str) -> WebUi:
        """What is handed to colleagues; empty: found out. Raises BadInput (url_*, webui_public_loopback)."""
        require(actor, Role.OPERATOR)
        public = base_url(url) if url.strip() else None
        if public is not None and is_loopback(urlsplit(public).hostname or ""):
            raise BadInput("webui_public_loopback", field="url", url=public)
        return self._saved(replace(self._store.get(webui_id), public_url=public))

    def forget(self, actor: Actor, webui_id: str) -> None:
        """Leaves it as it is and drops it from our list, with the token."""
        require(actor, Role.OPERATOR)
        webui = self._store.get(webui_id)
        for ref in (token_ref(webui_id), undo_ref(webui_id)):
            self._secrets.delete(ref)
        self._store.update(replace(webui, removed_at=self._clock.now(), token_kept=False))

    def _saved(self, webui: WebUi) -> WebUi:
        self._store.update(webui)
        return webui


def base_url(text: str) -> str:
    """Scheme, host, port and path, without a slash at the end. Raises BadInput (url_*)."""
    try:
        return server_root(canonical_url(text))
    except UrlError as error:
        raise BadInput(error.code, field="url", **error.params) from error


def failed(error: AppError, field: str | None = None) -> Finding:
    """An error as a finding that blocks."""
    return Finding(error.code, Severity.BLOCK, field, error.params)


def _as_admin(access: Access, url: str) -> Access:
    if access.role != "admin":
        raise WebUiError("webui_not_admin", url=url)
    return access


def _earlier(first: WebUiSettings, later: WebUiSettings) -> WebUiSettings:
    """The first state, with the cards that only the later plan has read."""
    return replace(first, cards={**later.cards, **first.cards})


def _fingerprint(before: WebUiSettings, after: WebUiSettings) -> str:
    text = records.dumps(WebUiSettings, before) + records.dumps(WebUiSettings, after)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
