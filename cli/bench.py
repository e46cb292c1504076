"""``seatrial bench``: a sweep from a shell, through the same services, plan and worker as the page."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields

from cli.check import key_from
from cli.output import FAILED, guarded, print_error, print_findings, print_json, reason_document, texts
from cli.results import print_run
from cli.watch import watch
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import BenchmarkRequest, Engine
from core.domain.workload_rules import workload_findings
from core.domain.endpoint import Endpoint
from core.domain.finding import Severity, blocking
from core.domain.job import JobState, JobView
from core.domain.workload import Api, Arrival, Workload
from core.errors import PlanBlocked
from core.formats.seatrial_bench import BenchOptions, workload_of
from render.documents import run_document


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``bench --url URL --model NAME --concurrency 1,16 --requests N --input-tokens N --output-tokens N ...``."""
    parser = commands.add_parser("bench", help="measure latency and throughput over concurrency or arrival rate")
    parser.add_argument("--url", required=True, help="the endpoint, with or without /v1")
    parser.add_argument("--model", metavar="NAME", help="the served name; the server's first one by default")
    _add_load(parser)
    parser.add_argument("--input-tokens", type=int, required=True, metavar="N")
    parser.add_argument("--output-tokens", type=int, required=True, metavar="N")
    parser.add_argument("--api", choices=[api.value for api in Api], default=Api.COMPLETIONS.value)
    parser.add_argument("--engine", choices=[engine.value for engine in Engine], default=Engine.SEATRIAL.value)
    parser.add_argument("--repeats", type=int, default=1, metavar="N")
    parser.add_argument("--timeout", type=float, default=600.0, metavar="S", help="per request, in seconds")
    parser.add_argument("--temperature", type=float, default=0.0, metavar="T")
    parser.add_argument("--stop-at-eos", action="store_true", help="let the model end its answers before N tokens")
    parser.add_argument("--seed", type=int, metavar="N", help="fresh and recorded by default")
    parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds the key")
    parser.add_argument("--note", default="")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=arguments.json))


def _add_load(parser: argparse.ArgumentParser) -> None:
    """Lists with commas make one load point per value; what else has several values has one per point."""
    parser.add_argument("--concurrency", metavar="LIST", help="closed loop: streams, for example 1,16,64 (default: 1)")
    parser.add_argument("--rate", metavar="LIST", help="open loop instead: arrivals per second, for example 0.5,2")
    parser.add_argument("--arrival", choices=[Arrival.POISSON.value, Arrival.CONSTANT.value], default="poisson")
    parser.add_argument("--requests", metavar="N", help="per point, at least the concurrency")
    parser.add_argument("--duration", metavar="S", help="seconds per point, instead of --requests")
    parser.add_argument("--warmup", default="1", metavar="N", help="requests before each point, not counted")


def run(arguments: argparse.Namespace) -> int:
    """0 when the work ended, failed requests included; 1 when it could not begin or end, or no request succeeded; 2 for
    bad input. Ctrl-C cancels the job and keeps the finished points."""
    workload = _workload(arguments)
    app = compose()
    try:
        endpoint = _attach(app, arguments)
    except PlanBlocked as error:  # the options are sound; the server is not
        print_error(error, arguments.json)
        return FAILED
    request = BenchmarkRequest(endpoint.id, workload, Engine(arguments.engine), arguments.note, arguments.seed)
    plan = app.benchmarks.plan(request)
    print_findings([finding for finding in plan.findings if finding.severity is not Severity.BLOCK])
    job = app.benchmarks.start(LOCAL_OPERATOR, plan)
    return _report(app, watch(app, job), arguments.json)


def _attach(app: App, arguments: argparse.Namespace) -> Endpoint:
    key = key_from(arguments.key_env)
    return app.endpoints.attach(
        LOCAL_OPERATOR, arguments.url, key=key, served_name=arguments.model, trial_may_fail=True
    )


def _workload(arguments: argparse.Namespace) -> Workload:
    """Raises BadInput and PlanBlocked before anybody is asked."""
    told = {field.name: getattr(arguments, field.name) for field in fields(BenchOptions)}
    found = workload_of(BenchOptions(**told))
    blocks = blocking(workload_findings(found))
    if blocks:
        raise PlanBlocked(blocks)
    return found


def _report(app: App, view: JobView, as_json: bool) -> int:
    run_id = view.job.run_id or ""
    detail = app.results.run(run_id)
    if as_json:
        job = {"id": view.job.id, "state": view.state.value, "reason": reason_document(view.job.reason)}
        print_json({**run_document(detail), "job": job})
    else:
        print_run(texts(), detail)
        if view.job.reason:
            print(texts().reason(view.job.reason), file=sys.stderr)
    answered = any(measurement.requests.succeeded for measurement in detail.measurements)
    return 0 if view.state is JobState.DONE and answered else FAILED
