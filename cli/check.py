"""``seatrial check URL``: what an endpoint is, and what is missing."""

from __future__ import annotations

import argparse
import os

from cli.output import FAILED, guarded, print_json, record, texts
from core.bootstrap import compose
from core.domain.endpoint import EndpointCheck
from core.errors import BadInput


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``check URL [--key-env NAME] [--model NAME] [--json]``."""
    parser = commands.add_parser(
        "check", help="look at an endpoint: reachable, models, limits, key, streaming, metrics"
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds the key")
    parser.add_argument("--model", metavar="NAME", help="the served name that should be there")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=arguments.json))


def run(arguments: argparse.Namespace) -> int:
    """0 where a benchmark could start, else 1."""
    check = compose().endpoints.check(arguments.url, key_from(arguments.key_env), arguments.model)
    if arguments.json:
        print_json({**record(EndpointCheck, check), "usable": check.usable})
    else:
        _print(check)
    return 0 if check.usable else FAILED


def key_from(variable: str | None) -> str | None:
    """The key in ``variable``. Raises BadInput (key_env_empty: field, value) where it is not set."""
    if variable is None:
        return None
    key = os.environ.get(variable)
    if not key:
        raise BadInput("key_env_empty", field="key_env", value=variable)
    return key


def _print(check: EndpointCheck) -> None:
    t = texts()
    facts = {
        "cli.check.models": ", ".join(model.id for model in check.served_models) or None,
        "cli.check.context": check.max_model_len,
        "cli.check.vocabulary": check.vocabulary_size,
        "cli.check.version": check.server_version,
        "cli.check.key": t(f"key_state.{check.key_state.value}"),
        "cli.check.streams": _said(t("word.yes"), t("word.no"), check.streams),
        "cli.check.reasons": _said(t("word.yes"), t("word.no"), check.reasons),
        "cli.check.metrics": _said(t("word.yes"), t("word.no"), check.has_metrics),
    }
    if check.simulated:
        print(t("app.simulated_help"))
    for key, value in facts.items():
        print(t(key, value=value))
    for finding in check.findings:
        print(f"{t(f'severity.{finding.severity.value}')}: {t.finding(finding)}")


def _said(yes: str, no: str, value: bool | None) -> str | None:
    return None if value is None else yes if value else no
