"""``seatrial webui``: connect an Open WebUI to what serves here, disconnect it, and look whether it still works."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cli.check import key_from
from cli.output import BAD_INPUT, FAILED, guarded, print_findings, print_json, record, texts
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import UrlError, canonical_url
from core.domain.finding import Finding, blocking
from core.domain.webui import Access, Change, Check, CheckState, ConnectPlan, UpstreamRequest, WebUi, WebUiInfo, Wishes
from core.errors import BadInput, NotFoundError
from core.services.endpoints import Offer
from core.services.webui import Applied
from render.webui_words import change_text, check_text, finding_in_words

_USERS = {"keep": None, "allow": True, "forbid": False}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``webui connect --webui URL --endpoint ID|URL ...``, ``webui disconnect`` and ``webui doctor [--webui URL]``."""
    parser = commands.add_parser("webui", help="connect an Open WebUI, disconnect it, or check one")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    connect = verbs.add_parser("connect", help="connect services; what is connected already is left alone")
    _add_sign_in(connect, required=True)
    connect.add_argument("--endpoint", action="append", required=True, metavar="ID|URL", help="may be repeated")
    connect.add_argument(
        "--key-env",
        action="append",
        default=[],
        metavar="[URL=]NAME",
        help="the variable with the key of an endpoint given as a URL; may be repeated, for one URL each",
    )
    connect.add_argument(
        "--first-account", action="store_true", help="make --email the first account of one that has none"
    )
    connect.add_argument("--loud", action="store_true", help="leave the hidden calls on")
    connect.add_argument("--private", action="store_true", help="leave the models to administrators")
    connect.add_argument("--user-connections", choices=tuple(_USERS), default="keep")
    connect.add_argument("--keep-token", action="store_true", help="keep the sign-in, encrypted, for checks")
    _add_output(connect)
    connect.set_defaults(run=lambda told: guarded(lambda: run_connect(told), as_json=told.json))
    disconnect = verbs.add_parser("disconnect", help="take services out of an Open WebUI; the others stay")
    _add_sign_in(disconnect, required=True)
    disconnect.add_argument(
        "--endpoint", action="append", required=True, metavar="ID|URL|MODEL", help="may be repeated"
    )
    _add_output(disconnect)
    disconnect.set_defaults(run=lambda told: guarded(lambda: run_disconnect(told), as_json=told.json))
    doctor = verbs.add_parser("doctor", help="every check again, the trial chat included")
    _add_sign_in(doctor, required=False)
    doctor.add_argument("--json", action="store_true", help="one JSON document on standard output")
    doctor.set_defaults(run=lambda told: guarded(lambda: run_doctor(told), as_json=told.json))


def _add_sign_in(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--webui", required=required, metavar="URL", help="its address")
    parser.add_argument("--email", help="an administrator's; the password is in the variable of --password-env")
    parser.add_argument("--password-env", metavar="NAME", default="WEBUI_PASSWORD", help="default: WEBUI_PASSWORD")
    parser.add_argument("--token-env", metavar="NAME", help="the variable with a token, in place of a password")


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="nothing is written, neither there nor here")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")


# ---------------------------------------------------------------- connect


def run_connect(told: argparse.Namespace) -> int:
    """0 when a chat through it works, 1 when it does not, 2 for bad input or a blocked plan. A dry run ends with 2
    where connecting would be refused. What is given as a URL is attached once nothing stands against the plan."""
    app = compose()
    info = app.webui.connect.look(told.webui)
    access = _access(app, info, told)
    requests, offers = _services(app, told.endpoint, _keys(told.key_env, told.endpoint))
    wishes = Wishes(not told.loud, not told.private, _USERS[told.user_connections])
    plan = app.webui.connect.plan(info, access, requests, wishes, offers)
    if told.dry_run or blocking(plan.findings):
        return _show(plan, as_json=told.json)
    for offer in offers:
        app.endpoints.take(LOCAL_OPERATOR, offer)
    applied = app.webui.connect.apply(LOCAL_OPERATOR, plan, access)
    if told.keep_token:
        app.webui.connect.keep_token(LOCAL_OPERATOR, applied.webui.id, access)
    return _tell(plan, applied, app.webui.doctor.examine(applied.webui.id, access), as_json=told.json)


def _tell(plan: ConnectPlan, applied: Applied, webui: WebUi, *, as_json: bool) -> int:
    """What was written, what of it did not stay, and how it stands."""
    if as_json:
        not_taken = [record(Change, change) for change in applied.not_taken]
        told = {"writes": applied.writes, "not_taken": not_taken}
        print_json({**_plan_document(plan), **told, **_report_document(webui)})
        return _code(webui)
    t = texts()
    _print_plan(plan)
    print(t("cli.webui.written" if not applied.not_taken else "cli.webui.sent", count=applied.writes))
    for change in applied.not_taken:
        print(f"  {t('cli.webui.not_taken', change=change_text(t, change))}")
    _print_report(webui)
    return _code(webui)


def _access(app: App, info: WebUiInfo, told: argparse.Namespace) -> Access:
    if told.token_env:
        return app.webui.connect.use_token(LOCAL_OPERATOR, info, key_from(told.token_env) or "")
    if info.onboarding and info.signs_in:
        return _first_account(app, info, told)
    if told.email or not info.signs_in:
        password = key_from(told.password_env) if info.signs_in else ""
        return app.webui.connect.sign_in(LOCAL_OPERATOR, info, told.email or "", password or "")
    known = next((one for one in app.webui.connect.list() if one.url == info.url), None)
    kept = app.webui.connect.kept_access(known.id, renew=not getattr(told, "dry_run", False)) if known else None
    if kept is None:
        raise BadInput("webui_no_sign_in", field="email")
    return kept


def _first_account(app: App, info: WebUiInfo, told: argparse.Namespace) -> Access:
    """Its administrator, with the person's own password. Raises BadInput (webui_no_account_yet: url, email) where that
    is not asked for, or nothing may be written."""
    if not getattr(told, "first_account", False) or told.dry_run:
        raise BadInput("webui_no_account_yet", field="email", url=info.url, email=told.email or "--email")
    password = key_from(told.password_env)
    return app.webui.connect.sign_up(LOCAL_OPERATOR, info, told.email or "", password)[0]


def _keys(named: list[str], endpoints: list[str]) -> dict[str, str]:
    """The variable of each endpoint that is given as a URL. Raises BadInput (webui_key_for_nobody: value) for the
    key of an address that was not given."""
    keys: dict[str, str] = {}
    for text in named:
        url, _, variable = text.rpartition("=")
        meant = [one for one in endpoints if not url or _spelling(one) == _spelling(url)]
        if not meant:
            raise BadInput("webui_key_for_nobody", field="key_env", value=url)
        keys |= {one: variable for one in meant if url or one not in keys}
    return keys


def _spelling(text: str) -> str:
    try:
        return canonical_url(text)
    except UrlError:
        return text


def _services(app: App, given: list[str], keys: dict[str, str]) -> tuple[list[UpstreamRequest], list[Offer]]:
    """An id, or an address: of an endpoint that is there, or of one that answers and could be attached."""
    requests: list[UpstreamRequest] = []
    offers: list[Offer] = []
    for text in given:
        known = _by_id(app, text) or (None if text in keys else _at_address(app, text))
        if known is None:
            offers.append(app.endpoints.offer(LOCAL_OPERATOR, text, key=key_from(keys.get(text))))
        requests.append(UpstreamRequest(known or offers[-1].endpoint.id))
    return requests, offers


def _by_id(app: App, text: str) -> str | None:
    """An endpoint's id; None where only an address can be meant. Raises NotFoundError."""
    try:
        return app.endpoints.get(text).id
    except NotFoundError:
        if "." not in text and ":" not in text:
            raise
    return None


def _at_address(app: App, text: str) -> str | None:
    """The one endpoint that is attached there, with the key that it has."""
    there = [one.id for one in app.endpoints.list() if one.base_url == _spelling(text)]
    return there[0] if len(there) == 1 else None


def _show(plan: ConnectPlan, *, as_json: bool) -> int:
    if as_json:
        print_json(_plan_document(plan))
    else:
        _print_plan(plan)
    return BAD_INPUT if blocking(plan.findings) else 0


def _print_plan(plan: ConnectPlan) -> None:
    t = texts()
    print_findings(finding_in_words(t, finding) for finding in plan.findings)
    if blocking(plan.findings):
        return  # what it would change without the services that stand against it, nobody has asked
    print(t("cli.webui.changes", count=len(plan.changes)) if plan.changes else t("cli.webui.nothing"))
    for change in plan.changes:
        print(f"  {change_text(t, change)}")
    for url in plan.kept:
        print(f"  {t('cli.webui.keeps', url=url)}")


def _plan_document(plan: ConnectPlan) -> dict[str, Any]:
    """Without keys."""
    return {
        "webui": record(WebUiInfo, plan.info),
        "services": [
            {"endpoint_id": one.endpoint_id, "url": one.url, "model": one.served_name} for one in plan.upstreams
        ],
        "leaving": [one.endpoint_id for one in plan.leaving],
        "changes": [record(Change, change) for change in plan.changes],
        "kept": list(plan.kept),
        "findings": [record(Finding, finding) for finding in plan.findings],
    }


# ---------------------------------------------------------------- disconnect


def run_disconnect(told: argparse.Namespace) -> int:
    """0 when they are out and what stays works, 1 when that does not, 2 for bad input."""
    app = compose()
    info = app.webui.connect.look(told.webui)
    webui = next((one for one in app.webui.connect.list() if one.url == info.url), None)
    if webui is None:
        print(texts()("cli.webui.none"), file=sys.stderr)
        return BAD_INPUT
    access = _access(app, info, told)
    leaving = [_connected(webui, text) for text in told.endpoint]
    plan = app.webui.connect.plan_leaving(webui.id, access, leaving)
    if told.dry_run:
        return _show(plan, as_json=told.json)
    applied = app.webui.connect.apply(LOCAL_OPERATOR, plan, access)
    return _tell(plan, applied, app.webui.doctor.examine(webui.id, access), as_json=told.json)


def _connected(webui: WebUi, text: str) -> str:
    """The endpoint's id of a service that is named by it, by its address there or its model. Raises NotFoundError."""
    for one in webui.connected:
        if text in {one.endpoint_id, one.served_name} or _spelling(text) == _spelling(one.url):
            return one.endpoint_id
    raise NotFoundError(kind="service", id=text)


# ---------------------------------------------------------------- doctor


def run_doctor(told: argparse.Namespace) -> int:
    """0 where every Open WebUI that is asked about works, 1 where one does not, 2 where none is known."""
    app = compose()
    wanted = app.webui.connect.look(told.webui).url if told.webui else None
    found = [one for one in app.webui.connect.list() if wanted in {None, one.url}]
    if not found:
        print(texts()("cli.webui.none"), file=sys.stderr)
        return BAD_INPUT
    examined = [_examined(app, one, told) for one in found]
    if told.json:
        print_json({"webuis": [{"id": one.id, "url": one.url, **_report_document(one)} for one in examined]})
    else:
        for one in examined:
            print(f"{one.name}  {one.url}")
            _print_report(one)
    return max(_code(one) for one in examined)


def _examined(app: App, webui: WebUi, told: argparse.Namespace) -> WebUi:
    signs_in = told.email or told.token_env
    access = _access(app, app.webui.connect.look(webui.url), told) if signs_in else None
    return app.webui.doctor.examine(webui.id, access)


def _print_report(webui: WebUi) -> None:
    t = texts()
    for check in webui.report.checks if webui.report else ():
        print(f"  {t(f'webui_state.{check.state.value}')}: {check_text(t, check)}")
        if check.finding is not None:
            print(f"    {t.finding(finding_in_words(t, check.finding))}")
    for change in webui.report.drift if webui.report else ():
        print(f"    {change_text(t, change)}")


def _report_document(webui: WebUi) -> dict[str, Any]:
    report = webui.report
    return {
        "state": report.state.value if report else None,
        "checks": [record(Check, check) for check in report.checks] if report else [],
        "drift": [record(Change, change) for change in report.drift] if report else [],
    }


def _code(webui: WebUi) -> int:
    return FAILED if webui.report is None or webui.report.state is CheckState.BAD else 0
