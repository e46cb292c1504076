"""``seatrial deploy``: the same plan as the page's, started, or with --dry-run only written down."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

from cli.deploy_options import request_of
from cli.deployments import reach_document
from cli.output import BAD_INPUT, FAILED, guarded, print_findings, print_json, reason_document, record, texts
from cli.watch import watch
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.container import ContainerSpec
from core.domain.deployment import DeploymentPlan, DeploymentRequest
from core.domain.finding import Finding, blocking
from core.domain.job import JobState, JobView
from core.errors import BadInput, EngineError
from core.formats import compose as compose_file
from core.formats import docker_cli

_SET_HELP = "tp, pp, max_model_len, mtp, reasoning_parser, tag, env.NAME ..., or a vLLM flag: --set=--max-num-seqs=4"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``deploy --profile KEY --weights PATH [--set name=value ...] [--dry-run] [--format docker|compose|json]``."""
    parser = commands.add_parser("deploy", help="start a model in a container, or only write the command down")
    parser.add_argument("--profile", metavar="KEY", help="of seatrial catalog list, or a team's own; fills everything")
    parser.add_argument("--platform", metavar="ID", help="where the model runs on several, or has no profile")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=_SET_HELP)
    parser.add_argument("--override", action="append", default=[], metavar="CODE", help="set a derived block aside")
    parser.add_argument("--image", help="with its tag")
    parser.add_argument("--weights", metavar="PATH", help="the model's folder on this machine; its parent is mounted")
    parser.add_argument("--served-name", metavar="NAME", help="what the API calls the model (default: the folder)")
    parser.add_argument("--version-label", metavar="TEXT", help="what comparisons call this version")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    parser.add_argument("--open", dest="with_key", action="store_false", default=None, help="ask for no key")
    _add_container(parser)
    parser.add_argument("--from-command", metavar="FILE", help="begin with a docker run line (-: standard input)")
    parser.add_argument("--as-guide", action="store_true", help="without what a deployment adds; with --dry-run")
    parser.add_argument("--dry-run", action="store_true", help="nothing is started")
    parser.add_argument("--format", choices=("docker", "compose", "json"), default="docker", help="what is written")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument("serve_args", nargs="*", metavar="VLLM_ARG", help="after --, as vllm serve takes them")
    parser.set_defaults(run=lambda told: guarded(lambda: run(told), as_json=told.format == "json"))


def _add_container(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--container-name", metavar="NAME", help="default: vllm_service")
    parser.add_argument("--port", dest="host_port", type=int, metavar="N", help="on this machine (default: 8000)")
    parser.add_argument("--container-port", type=int, metavar="N", help="inside the container (default: 8000)")
    parser.add_argument("--devices", metavar="LIST", help="such as 0-7 (default: the lowest that are free)")
    parser.add_argument("--host-ip", metavar="IP", help="listen on this address only")
    parser.add_argument("--privileged", action="store_true", default=None)
    parser.add_argument("--shm-size", metavar="SIZE", help="for example 256g")
    parser.add_argument("--ipc", metavar="MODE", help="default: host")
    parser.add_argument("--restart", metavar="POLICY", help="default: unless-stopped")
    parser.add_argument("--arguments-only", action="store_true", help="the image's entrypoint is the server itself")


def run(arguments: argparse.Namespace) -> int:
    """0 when the model answers, 1 when it does not, 2 for bad input or a blocked plan. A dry run writes the plan
    whatever was found, and ends with 2 where a start would be refused."""
    if arguments.as_guide and not arguments.dry_run:
        raise BadInput("as_guide_starts_nothing", field="as_guide")
    app = compose()
    request, not_held = request_of(arguments, app)
    _learn_flags(app, request.image)
    plan = app.deployments.plan(request)
    if not_held:
        print(texts()("cli.deploy.not_held", options=" ".join(not_held)), file=sys.stderr)
    if arguments.dry_run:
        print_findings(plan.findings)
        _write(as_guide(plan) if arguments.as_guide else plan, arguments.format)
        return BAD_INPUT if blocking(plan.findings) else 0
    print_findings([finding for finding in plan.findings if finding not in blocking(plan.findings)])
    view = watch(app, app.deployments.start(LOCAL_OPERATOR, plan))
    return _report(app, view, arguments.format == "json")


def _learn_flags(app: App, image: str) -> None:
    """The image's own word about arguments goes before the general list; it is asked once, which takes up to a
    minute."""
    with suppress(EngineError):
        image_id = app.containers.image_digest(image) if image else None
        if image_id is not None and app.inside.must_ask(image_id):
            print(texts()("cli.deploy.asking_image", image=image), file=sys.stderr)
            app.inside.learn_flags(LOCAL_OPERATOR, image)


# ---------------------------------------------------------------- what is written


def as_guide(plan: DeploymentPlan) -> DeploymentPlan:
    """The same in its three spellings, without what a deployment adds."""
    spec = docker_cli.as_guide(plan.spec)
    return replace(
        plan, spec=spec, docker_run=docker_cli.render_shell(spec), compose=compose_file.render(spec), added=()
    )


def _write(plan: DeploymentPlan, form: str) -> None:
    if form == "json":
        print_json(plan_document(plan))
    else:
        print((plan.compose if form == "compose" else plan.docker_run).rstrip())


def plan_document(plan: DeploymentPlan) -> dict[str, Any]:
    """The three spellings of one container, and what was found."""
    return {
        "docker_run": plan.docker_run,
        "compose": plan.compose,
        "spec": record(ContainerSpec, plan.spec),
        "added": list(plan.added),
        "request": record(DeploymentRequest, plan.request),
        "findings": [record(Finding, finding) for finding in plan.findings],
    }


def _report(app: App, view: JobView, as_json: bool) -> int:
    found, t = app.deployments.get(view.job.deployment_id or ""), texts()
    deployment, endpoint = found.deployment, found.endpoint
    if as_json:
        print_json(
            {
                "deployment_id": deployment.id,
                "state": deployment.state.value,
                "container_id": deployment.container_id,
                "base_url": endpoint.base_url if endpoint else None,
                **reach_document(found if endpoint else None),
                "served_name": deployment.served_name,
                "job": {"id": view.job.id, "state": view.state.value, "reason": reason_document(view.job.reason)},
            }
        )
    elif endpoint is not None:
        print(t("cli.deploy.ready", name=endpoint.served_name, url=found.reach.url if found.reach else ""))
        if found.reach and found.reach.is_local:
            print(t("page.deployment.local_only"))
    if view.job.reason is not None:
        print(t.reason(view.job.reason), file=sys.stderr)
    return 0 if view.state is JobState.DONE else FAILED
