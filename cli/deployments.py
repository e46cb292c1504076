"""``seatrial deployments``: what runs, its logs, stop and remove."""

from __future__ import annotations

import argparse
from typing import Any

from cli.output import guarded, print_json, print_table, texts
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.deployment import DeploymentState, DeploymentView
from core.domain.devices import write_devices
from core.errors import BadInput, NotFoundError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``deployments list [--json] [--all]``, ``logs|stop|remove NAME``."""
    parser = commands.add_parser("deployments", help="what runs: list, logs, stop, remove")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="the newest first")
    listing.add_argument("--json", action="store_true")
    listing.add_argument("--all", action="store_true", help="removed ones too")
    logs = verbs.add_parser("logs", help="the end of a container's log")
    logs.add_argument("name", metavar="NAME", help="the container's name, or the deployment's id")
    logs.add_argument("--lines", type=int, default=200, metavar="N", help="default: 200")
    logs.add_argument("--search", default="", metavar="TEXT", help="only lines that hold this text")
    for verb, words in (("stop", "the container stays"), ("remove", "the container goes; its history stays")):
        one = verbs.add_parser(verb, help=words)
        one.add_argument("name", metavar="NAME", help="the container's name, or the deployment's id")
        one.add_argument("--cancel-jobs", action="store_true", help="cancel what runs on it first")
    parser.set_defaults(run=lambda told: guarded(lambda: run(told), as_json=getattr(told, "json", False)))


def run(arguments: argparse.Namespace) -> int:
    """0; 2 where it is refused, for instance because something runs on it."""
    app = compose()
    if arguments.verb == "list":
        _list(app, as_json=arguments.json, every=arguments.all)
        return 0
    view = _named(app, arguments.name)
    if arguments.verb == "logs":
        if arguments.lines < 1:
            raise BadInput("lines_bad", field="lines", value=arguments.lines)
        print(app.deployments.logs(view.deployment.id, arguments.lines, search=arguments.search).rstrip())
        return 0
    verb = app.deployments.stop if arguments.verb == "stop" else app.deployments.remove
    verb(LOCAL_OPERATOR, view.deployment.id, cancel_jobs=arguments.cancel_jobs)
    print(texts()(f"page.deployments.{arguments.verb}_done", name=view.deployment.name))
    return 0


def _named(app: App, name: str) -> DeploymentView:
    """By id, else the newest of that name; one that is not removed goes first."""
    found = [view for view in app.deployments.list() if name in {view.deployment.id, view.deployment.name}]
    living = [view for view in found if view.deployment.state is not DeploymentState.REMOVED]
    chosen = next(iter(living or found), None)
    if chosen is None:
        raise NotFoundError(kind="deployment", id=name)
    return chosen


def _list(app: App, *, as_json: bool, every: bool) -> None:
    views = [view for view in app.deployments.list() if every or view.deployment.state is not DeploymentState.REMOVED]
    if as_json:
        print_json({"deployments": [document(view) for view in views]})
        return
    t = texts()
    heads = [t(f"cli.deployments.{name}") for name in ("name", "state", "model", "port", "devices", "since")]
    print_table(heads, [_row(view) for view in views])


def _row(view: DeploymentView) -> list[str]:
    t, deployment = texts(), view.deployment
    ports = ", ".join(str(port.host_port) for port in deployment.spec.ports)
    devices = write_devices(deployment.request.devices) if deployment.request else ""
    state = t(f"deployment.{deployment.state}")
    return [deployment.name, state, deployment.served_name, ports, devices or "–", t.when(deployment.created_at)]


def reach_document(view: DeploymentView | None) -> dict[str, Any]:
    """The address for clients; both values null where nothing serves yet."""
    reach = view.reach if view else None
    return {"url": reach.url if reach else None, "this_machine_only": reach.is_local if reach else None}


def document(view: DeploymentView) -> dict[str, Any]:
    """One deployment as plain values."""
    deployment, endpoint = view.deployment, view.endpoint
    return {
        "id": deployment.id,
        "name": deployment.name,
        "state": deployment.state.value,
        "served_name": deployment.served_name,
        "version_label": deployment.version_label,
        "image": deployment.spec.image,
        "container_id": deployment.container_id,
        "base_url": endpoint.base_url if endpoint else None,
        **reach_document(view if endpoint else None),
        "profile": deployment.request.profile if deployment.request else None,
        "devices": list(deployment.request.devices) if deployment.request else [],
        "adopted": deployment.adopted,
        "created_at": deployment.created_at.isoformat(),
        "created_by": deployment.created_by,
        "reason": {"code": deployment.reason_code, **dict(deployment.reason_params)}
        if deployment.reason_code
        else None,
    }
