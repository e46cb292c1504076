"""``seatrial webui``: connect an Open WebUI to what serves here, and look whether it still works."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cli.check import key_from
from cli.output import BAD_INPUT, FAILED, guarded, print_findings, print_json, record, texts
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Endpoint
from core.domain.finding import Finding, blocking
from core.domain.webui import Access, Change, Check, CheckState, ConnectPlan, UpstreamRequest, WebUi, WebUiInfo, Wishes
from core.errors import BadInput, NotFoundError
from render.webui_words import change_text, check_text, finding_in_words

_USERS = {"keep": None, "allow": True, "forbid": False}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``webui connect --webui URL --endpoint ID|URL ...`` and ``webui doctor [--webui URL]``."""
    parser = commands.add_parser("webui", help="connect an Open WebUI, or check one")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    connect = verbs.add_parser("connect", help="connect services; what is connected already is left alone")
    _add_sign_in(connect, required=True)
    connect.add_argument("--endpoint", action="append", required=True, metavar="ID|URL", help="may be repeated")
    connect.add_argument("--key-env", metavar="NAME", help="the variable with the key of an endpoint given as a URL")
    connect.add_argument("--loud", action="store_true", help="leave the hidden calls on")
    connect.add_argument("--private", action="store_true", help="leave the models to administrators")
    connect.add_argument("--user-connections", choices=tuple(_USERS), default="keep")
    connect.add_argument("--keep-token", action="store_true", help="keep the sign-in, encrypted, for checks")
    connect.add_argument("--dry-run", action="store_true", help="nothing is written into Open WebUI")
    connect.add_argument("--json", action="store_true", help="one JSON document on standard output")
    connect.set_defaults(run=lambda told: guarded(lambda: run_connect(told), as_json=told.json))
    doctor = verbs.add_parser("doctor", help="every check again, the trial chat included")
    _add_sign_in(doctor, required=False)
    doctor.add_argument("--json", action="store_true", help="one JSON document on standard output")
    doctor.set_defaults(run=lambda told: guarded(lambda: run_doctor(told), as_json=told.json))


def _add_sign_in(parser: argparse.ArgumentParser, *, required: bool) -> None:
    parser.add_argument("--webui", required=required, metavar="URL", help="its address")
    parser.add_argument("--email", help="an administrator's; the password is in the variable of --password-env")
    parser.add_argument("--password-env", metavar="NAME", default="WEBUI_PASSWORD", help="default: WEBUI_PASSWORD")
    parser.add_argument("--token-env", metavar="NAME", help="the variable with a token, in place of a password")


# ---------------------------------------------------------------- connect


def run_connect(told: argparse.Namespace) -> int:
    """0 when a chat through it works, 1 when it does not, 2 for bad input or a blocked plan. A dry run ends with 2
    where connecting would be refused."""
    app = compose()
    info = app.webui.connect.look(told.webui)
    access = _access(app, info, told)
    endpoints = [_endpoint(app, text, told.key_env) for text in told.endpoint]
    wishes = Wishes(not told.loud, not told.private, _USERS[told.user_connections])
    plan = app.webui.connect.plan(info, access, [UpstreamRequest(one.id) for one in endpoints], wishes)
    if told.dry_run or blocking(plan.findings):
        return _show(plan, as_json=told.json)
    applied = app.webui.connect.apply(LOCAL_OPERATOR, plan, access)
    if told.keep_token:
        app.webui.connect.keep_token(LOCAL_OPERATOR, applied.webui.id, access)
    webui = app.webui.doctor.examine(applied.webui.id, access)
    if told.json:
        print_json({**_plan_document(plan), "writes": applied.writes, **_report_document(webui)})
    else:
        _print_plan(plan)
        print(texts()("cli.webui.written", count=applied.writes))
        _print_report(webui)
    return _code(webui)


def _access(app: App, info: WebUiInfo, told: argparse.Namespace) -> Access:
    if told.token_env:
        return app.webui.connect.use_token(LOCAL_OPERATOR, info, key_from(told.token_env) or "")
    if told.email or not info.signs_in:
        password = key_from(told.password_env) if info.signs_in else ""
        return app.webui.connect.sign_in(LOCAL_OPERATOR, info, told.email or "", password or "")
    known = next((one for one in app.webui.connect.list() if one.url == info.url), None)
    kept = app.webui.connect.kept_access(known.id) if known else None
    if kept is None:
        raise BadInput("webui_no_sign_in", field="email")
    return kept


def _endpoint(app: App, text: str, key_env: str | None) -> Endpoint:
    """An id, or an address that is attached first."""
    try:
        return app.endpoints.get(text)
    except NotFoundError:
        if "." not in text and ":" not in text:
            raise
    return app.endpoints.attach(LOCAL_OPERATOR, text, key=key_from(key_env))


def _show(plan: ConnectPlan, *, as_json: bool) -> int:
    if as_json:
        print_json(_plan_document(plan))
    else:
        _print_plan(plan)
    return BAD_INPUT if blocking(plan.findings) else 0


def _print_plan(plan: ConnectPlan) -> None:
    t = texts()
    print_findings(finding_in_words(t, finding) for finding in plan.findings)
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
        "changes": [record(Change, change) for change in plan.changes],
        "kept": list(plan.kept),
        "findings": [record(Finding, finding) for finding in plan.findings],
    }


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
