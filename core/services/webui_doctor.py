"""The doctor: every check again, at any time and on a schedule, and what has drifted since."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.domain.finding import Finding, Severity, blocking
from core.domain.webui import (
    PUBLISHED_ACCOUNTS,
    Access,
    Change,
    Check,
    CheckState,
    Connected,
    Report,
    WebUi,
    WriteState,
)
from core.errors import AppError, EndpointError, WebUiError
from core.ports import Clock, EndpointClient, HostAddresses, WebUiAdmin, WebUiStore
from core.services.webui import WebUiService
from core.services.webui_address import address_for_colleagues
from core.services.webui_upstreams import Serving

LOG = logging.getLogger("seatrial.worker")
_INSIDE = ("route", "settings", "kept", "probe")
"""Checks that need somebody signed in."""
_GOOD, _BAD, _ATTENTION, _UNKNOWN = CheckState.GOOD, CheckState.BAD, CheckState.ATTENTION, CheckState.UNKNOWN


class WebUiDoctor:
    """Reads and asks; it writes nothing into an Open WebUI. On a schedule it asks no model anything: that would disturb
    a measurement, and the last answer stays on record."""

    def __init__(
        self,
        service: WebUiService,
        store: WebUiStore,
        admin: WebUiAdmin,
        client: EndpointClient,
        addresses: HostAddresses,
        clock: Clock,
    ) -> None:
        self._service = service
        self._store = store
        self._admin = admin
        self._client = client
        self._addresses = addresses
        self._clock = clock

    def examine(self, webui_id: str, access: Access | None = None, *, ask_model: bool = True) -> WebUi:
        """A whole round, stored with the record. Without ``access`` the kept one is used; without that, what needs an
        account is unknown."""
        webui = self._store.get(webui_id)
        checks, drift, version = self._round(webui, access, ask_model)
        report = Report(self._clock.now(), tuple(checks), drift, version or webui.version)
        found = replace(self._store.get(webui_id), report=report, version=webui.version or version)
        self._store.update(found)
        return found

    def examine_all(self) -> None:
        """For the worker's upkeep: each that is there, without asking a model."""
        for webui in self._store.list():
            try:
                self.examine(webui.id, ask_model=False)
            except AppError as error:
                LOG.warning("open webui %s: %s", webui.url, error)

    # ------------------------------------------------------------ one round

    def _round(
        self, webui: WebUi, access: Access | None, ask_model: bool
    ) -> tuple[list[Check], tuple[Change, ...], str | None]:
        try:
            info = self._admin.look(webui.url)
        except AppError as error:
            return [_bad("answers", error)], (), None
        checks = [Check("answers", _GOOD, {"version": info.version})]
        if webui.version and info.version != webui.version:
            params = {"before": webui.version, "version": info.version}
            checks.append(_check("same_version", _ATTENTION, "webui_version_changed", **params))
        checks.extend(self._handed_over(webui))
        if webui.written is WriteState.HALF:
            checks.append(_check("finished", _BAD, "webui_half_written"))
        serving = {one.connected.endpoint_id: one for one in self._service.serving(webui)}
        checks.extend(self._service_check(one, serving.get(one.endpoint_id)) for one in webui.connected)
        if info.signs_in:  # where nobody signs in, every password is taken, and none means anything
            checks.extend(self._published_account(webui) if ask_model else _earlier(webui, "published_account"))
        signed_in, found = self._signed_in(webui, access)
        checks.append(signed_in)
        if found is None:
            drift = webui.report.drift if webui.report else ()
            return [*checks, *_earlier(webui, *_INSIDE)], drift, info.version
        more, drift = self._inside(webui, found, serving, ask_model)
        return [*checks, *more], drift, info.version

    def _signed_in(self, webui: WebUi, access: Access | None) -> tuple[Check, Access | None]:
        try:
            found = self._service.confirmed(webui, access) if access else self._service.kept_access(webui.id)
        except (WebUiError, EndpointError) as error:
            return _bad("signed_in", error), None
        if found is None:
            return _check("signed_in", _UNKNOWN, "webui_no_token"), None
        return Check("signed_in", _GOOD, {"email": found.email}), found

    def _inside(
        self, webui: WebUi, access: Access, serving: Mapping[str, Serving], ask_model: bool
    ) -> tuple[list[Check], tuple[Change, ...]]:
        checks = [self._route(webui, access, one, serving.get(one.endpoint_id)) for one in webui.connected]
        drift: tuple[Change, ...] = ()
        try:
            drift = self._service.drift(webui, access)
            checks.extend(_settings_checks(drift, webui.not_taken))
        except (WebUiError, EndpointError) as error:
            checks.append(_bad("settings", error))
        if ask_model:
            checks.extend(self._probe(webui, access, one) for one in webui.connected)
        else:
            checks.extend(_earlier(webui, "probe"))
        return checks, drift

    # ------------------------------------------------------------ single questions

    def _handed_over(self, webui: WebUi) -> Iterator[Check]:
        """Does it answer where colleagues are sent? Asked from here, so a no is no more than a warning."""
        address = address_for_colleagues(webui, self._addresses)
        if address is None or address == webui.url:
            return
        if self._admin.is_healthy(address):
            yield Check("handed_over", _GOOD, {"url": address})
        else:
            yield _check("handed_over", _ATTENTION, "webui_address_silent", url=address)

    def _service_check(self, one: Connected, serving: Serving | None) -> Check:
        """From this side: is the endpoint there, and does it answer?"""
        params = {"name": one.served_name}
        if serving is None:
            return _check("service", _ATTENTION, "webui_service_gone", **params)
        endpoint = serving.endpoint
        if endpoint.id != one.endpoint_id:
            told = {"now": endpoint.served_name, "url": endpoint.base_url}
            return _check("service", _ATTENTION, "webui_service_renewed", **params, **told)
        if not self._client.is_healthy(endpoint.base_url):
            return _check("service", _BAD, "webui_service_silent", url=endpoint.base_url, **params)
        return Check("service", _GOOD, params)

    def _route(self, webui: WebUi, access: Access, one: Connected, serving: Serving | None) -> Check:
        """From inside: does Open WebUI reach it, with the key that the endpoint has now?"""
        params = {"name": one.served_name, "url": one.url}
        if serving is None:
            return Check("route", _UNKNOWN, params)
        try:
            models = self._admin.verify(webui.url, access, one.url, serving.key)
        except (WebUiError, EndpointError) as error:
            return _bad("route", error, **params)
        if one.served_name not in models:
            names = ", ".join(models[:10])
            told = {"upstream": one.url, "model": one.served_name, "names": names}
            return Check("route", _BAD, params, Finding("webui_route_no_model", Severity.BLOCK, None, told))
        return Check("route", _GOOD, params)

    def _probe(self, webui: WebUi, access: Access, one: Connected) -> Check:
        """The only proof: a chat as the browser asks it."""
        params = {"name": one.served_name}
        try:
            self._admin.listed(webui.url, access)
            self._admin.probe(webui.url, access, one.served_name)
        except (WebUiError, EndpointError) as error:
            return _bad("probe", error, **params)
        return Check("probe", _GOOD, params)

    def _published_account(self, webui: WebUi) -> Iterator[Check]:
        """One try each: the limit counts per address, so nobody else is locked out."""
        for email, password in PUBLISHED_ACCOUNTS:
            try:
                self._admin.sign_in(webui.url, email, password)
            except WebUiError as error:
                if error.code in {"webui_sign_in_refused", "webui_password_off"}:
                    yield Check("published_account", _GOOD, {"email": email})
            except EndpointError:
                return
            else:
                yield _check("published_account", _BAD, "webui_published_account", email=email)


def _earlier(webui: WebUi, *codes: str) -> Iterator[Check]:
    """What an earlier round found, with its time; what is not asked now is not forgotten."""
    names = {one.served_name for one in webui.connected}
    for check in webui.report.checks if webui.report else ():
        if check.code in codes and check.params.get("name") in {None, *names} and webui.report is not None:
            yield replace(check, at=check.at or webui.report.at)


def _settings_checks(drift: Sequence[Change], not_taken: Sequence[Change]) -> Iterator[Check]:
    """What somebody has changed, and apart from it what was never kept."""
    changed = [change for change in drift if change not in not_taken]
    if len(changed) < len(drift):
        finding = Finding("webui_not_kept", Severity.WARN, None, {"count": len(drift) - len(changed)})
        yield Check("kept", _ATTENTION, {}, finding)
    if changed:
        finding = Finding("webui_drifted", Severity.WARN, None, {"count": len(changed)})
        yield Check("settings", _ATTENTION, {}, finding)
    elif not drift:
        yield Check("settings", _GOOD)


def _check(code: str, state: CheckState, finding: str, **params: str) -> Check:
    severity = Severity.BLOCK if state is _BAD else Severity.WARN if state is _ATTENTION else Severity.NOTE
    return Check(code, state, params, Finding(finding, severity, None, params))


def _bad(code: str, error: AppError, **params: str) -> Check:
    findings = blocking((Finding(error.code, Severity.BLOCK, None, {**params, **error.params}),))
    return Check(code, _BAD, params, findings[0])
