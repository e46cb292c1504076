"""``seatrial bench``: a sweep from a shell, through the same services, plan and worker as the page."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO

from cli.check import key_from
from cli.output import BAD_INPUT, FAILED, guarded, print_error, print_findings, print_json, reason_document, texts
from cli.results import print_run
from cli.watch import watch
from core.adapters.workload_files import load_presets
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.benchmark import MEASURING, BenchmarkPlan, BenchmarkRequest, Engine, GridPlan
from core.domain.endpoint import Endpoint
from core.domain.finding import Severity, blocking
from core.domain.job import JobState, JobView
from core.domain.limits import left_out_by_reason
from core.domain.workload import Api, Arrival, BenchFiles, Dataset, Slo, Workload
from core.domain.workload_rules import workload_findings
from core.errors import BadInput, PlanBlocked
from core.formats.seatrial_bench import BenchOptions, grid_of, preset_options, workload_of
from render.documents import run_document

_LINES_NAMED = 5


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``bench --url URL --model NAME --concurrency 1,16 --requests N --input-tokens N --output-tokens N ...``."""
    parser = commands.add_parser("bench", help="measure latency and throughput over concurrency or arrival rate")
    parser.add_argument("--url", required=True, help="the endpoint, with or without /v1")
    parser.add_argument("--model", metavar="NAME", help="the served name; the server's first one by default")
    parser.add_argument(
        "--label", default="", metavar="TEXT", help="the version that is measured; kept with the endpoint"
    )
    parser.add_argument("--preset", action=FromPreset, metavar="KEY", help="begin with it; options after it change it")
    _add_load(parser.add_argument_group("load"))
    _add_prompts(parser.add_argument_group("prompts"))
    _add_judgement(parser.add_argument_group("service level and stops"))
    _add_tool(parser.add_argument_group("tool and sampling"))
    parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds the key")
    parser.add_argument("--note", default="")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and what it says, and stop")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=arguments.json))


class FromPreset(argparse.Action):
    """Puts a preset's options where the typed ones go."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None
    ) -> None:
        presets = {preset.key: preset for preset in load_presets()}
        if values not in presets:
            parser.error(f"argument {option}: there is no {values}; there are {', '.join(presets)}")
        for name, value in preset_options(presets[str(values)]).items():
            setattr(namespace, name, value)


def _add_load(group: argparse._ArgumentGroup) -> None:
    """Lists with commas make one load point per value; what else has several values has one per point."""
    group.add_argument("--concurrency", metavar="LIST", help="closed loop: streams, for example 1,16,64 (default: 1)")
    group.add_argument("--staircase", metavar="LOW-HIGH", help="streams that double until throughput no longer grows")
    group.add_argument("--rate", metavar="LIST", help="open loop instead: arrivals per second, for example 0.5,2")
    group.add_argument("--arrival", choices=[Arrival.POISSON.value, Arrival.CONSTANT.value], default="poisson")
    group.add_argument("--requests", metavar="N", help="per point, at least the concurrency")
    group.add_argument("--duration", metavar="S", help="seconds per point, instead of --requests")
    group.add_argument("--warmup", default="1", metavar="N", help="requests before each point, not counted")
    group.add_argument("--repeats", type=int, default=1, metavar="N")


def _add_prompts(group: argparse._ArgumentGroup) -> None:
    lengths = "N, LOW-HIGH (evenly spread), or a list: a run for every pair"
    group.add_argument("--input-tokens", metavar="N", help=lengths)
    group.add_argument("--output-tokens", metavar="N", help=lengths)
    group.add_argument("--input-std", type=float, metavar="N", help="normally spread, with this standard deviation")
    group.add_argument("--output-std", type=float, metavar="N", help="the same for the output")
    group.add_argument("--max-input", type=int, metavar="N", help="of a list, leave out longer inputs")
    group.add_argument("--max-total", type=int, metavar="N", help="of a list, leave out pairs with more tokens")
    group.add_argument("--shared-by", type=int, default=1, metavar="N", help="streams that share --max-total, at most")
    group.add_argument("--prefix-share", type=float, default=0.0, metavar="S", help="0..1 of every prompt is the same")
    group.add_argument("--turns", type=int, default=1, metavar="N", help="requests of one conversation")
    group.add_argument("--dataset", metavar="FILE", help="prompts from ShareGPT's JSON or JSON lines")


def _add_judgement(group: argparse._ArgumentGroup) -> None:
    for name in ("ttft", "tpot", "e2el"):
        group.add_argument(f"--slo-{name}", type=float, metavar="MS")
    group.add_argument("--slo-percentile", type=int, default=Slo.percentile, metavar="P", help="50 to 99 (default: 95)")
    group.add_argument("--stop", default="", metavar="WHEN", help="peak, slo, or both with a comma")


def _add_tool(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--api", choices=[api.value for api in Api], default=Api.COMPLETIONS.value)
    group.add_argument("--engine", choices=[engine.value for engine in MEASURING], default=Engine.SEATRIAL.value)
    group.add_argument("--timeout", type=float, default=600.0, metavar="S", help="per request, in seconds")
    group.add_argument("--temperature", type=float, default=0.0, metavar="T")
    group.add_argument("--top-p", type=float, metavar="P")
    group.add_argument("--top-k", type=int, metavar="K")
    group.add_argument("--stop-at-eos", action="store_true", help="let the model end its answers before N tokens")
    group.add_argument("--seed", type=int, metavar="N", help="fresh and recorded by default")
    group.add_argument("--bench-host", default=BenchFiles.host, metavar="HOST", help="vllm bench: inside the container")
    group.add_argument("--result-dir", metavar="DIR", help="vllm bench: inside the container")
    group.add_argument("--result-filename", metavar="NAME", help="vllm bench: inside the container")


def run(arguments: argparse.Namespace) -> int:
    """0 when the work ended, failed requests included; 1 when it could not begin or end, or no request succeeded; 2 for
    bad input. Ctrl-C cancels the job and keeps the finished points."""
    options = _options(arguments)
    grid = grid_of(options)
    file = _opened(arguments.dataset)
    _check(workload_of(options))
    app = compose()
    dataset = _kept(app, file, arguments.dataset) if file else None
    workload = workload_of(options, dataset)
    try:
        endpoint = _attach(app, arguments)
    except PlanBlocked as error:  # the options are sound; the server is not
        print_error(error, arguments.json)
        return FAILED
    request = BenchmarkRequest(endpoint.id, workload, Engine(arguments.engine), arguments.note, arguments.seed)
    if grid is not None:
        return _run_grid(app, app.benchmarks.plan_grid(request, grid), arguments)
    plan = app.benchmarks.plan(request)
    if arguments.dry_run:
        return _print_plan(plan, plan.command, arguments.json)
    print_findings([finding for finding in plan.findings if finding.severity is not Severity.BLOCK])
    job = app.benchmarks.start(LOCAL_OPERATOR, plan)
    ended = watch(app, job)
    if not arguments.json:
        return _report(app, ended)
    print_json(_document(app, ended))
    return _code(app, ended)


def _run_grid(app: App, plan: GridPlan, arguments: argparse.Namespace) -> int:
    """Every pair of lengths, one run after another; with --json one document of all of them at the end."""
    t = texts()
    for (code, limit), count in left_out_by_reason(plan.left_out).items():
        print(t(f"page.benchmark.{code}", count=count, limit=limit), file=sys.stderr)
    if arguments.dry_run:
        return _print_plan(plan, plan.command, arguments.json)
    print_findings([finding for finding in plan.findings if finding.severity is not Severity.BLOCK])
    ended = _watch_each(app, app.benchmarks.start_grid(LOCAL_OPERATOR, plan))
    if not arguments.json:
        return max((_report(app, view) for view in ended), default=FAILED)
    views = list(ended)
    print_json({"runs": [_document(app, view) for view in views]})
    return max((_code(app, view) for view in views), default=FAILED)


def _watch_each(app: App, jobs: Sequence[JobView]) -> Iterator[JobView]:
    """One after another, as they end; one Ctrl-C is for all that are left."""
    for number, job in enumerate(jobs, start=1):
        ended = watch(app, job)
        yield ended
        if ended.state is JobState.CANCELLED:
            for left in jobs[number:]:
                app.jobs.cancel(LOCAL_OPERATOR, left.job.id)


def _print_plan(plan: BenchmarkPlan | GridPlan, command: Sequence[str], as_json: bool) -> int:
    """What would happen."""
    if as_json:
        findings = [{"code": one.code, "severity": one.severity.value, **one.params} for one in plan.findings]
        print_json({"command": list(command), "estimate_s": plan.estimate_s, "findings": findings})
    else:
        print(shlex.join(command))
        print(f"{texts()('page.benchmark.estimate')}: {texts().duration(plan.estimate_s)}")
        print_findings(plan.findings)
    return BAD_INPUT if blocking(plan.findings) else 0


def _attach(app: App, arguments: argparse.Namespace) -> Endpoint:
    key = key_from(arguments.key_env)
    return app.endpoints.attach(
        LOCAL_OPERATOR,
        arguments.url,
        key=key,
        served_name=arguments.model,
        version_label=arguments.label,
        trial_may_fail=True,
    )


def _options(arguments: argparse.Namespace) -> BenchOptions:
    """Raises BadInput (bench_needs_lengths). A file's prompts bring their own input lengths."""
    if arguments.dataset and arguments.input_tokens is None:
        arguments.input_tokens = "1"
    if arguments.input_tokens is None or arguments.output_tokens is None:
        raise BadInput("bench_needs_lengths", field="input_tokens")
    return BenchOptions(**{field.name: getattr(arguments, field.name) for field in fields(BenchOptions)})


def _check(workload: Workload) -> None:
    """Raises PlanBlocked before anybody is asked."""
    blocks = blocking(workload_findings(workload))
    if blocks:
        raise PlanBlocked(blocks)


def _kept(app: App, file: BinaryIO, name: str) -> Dataset:
    """What is no prompt in it is left out and named. Raises BadInput (prompts_*)."""
    with file:
        dataset, found = app.benchmarks.add_prompts(LOCAL_OPERATOR, Path(name).name, file)
    if found.bad:
        lines = ", ".join(str(one.line) for one in found.bad[:_LINES_NAMED])
        said = texts()("page.benchmark.dataset_left_out", count=len(found.bad), lines=lines)
        print(f"{name}: {said}", file=sys.stderr)
    return dataset


def _opened(name: str | None) -> BinaryIO | None:
    """Raises BadInput (result_file_unreadable)."""
    try:
        return None if name is None else Path(name).open("rb")  # read to its end and closed by _kept
    except OSError as error:
        raise BadInput("result_file_unreadable", file=name, detail=error.strerror or "") from error


def _report(app: App, view: JobView) -> int:
    print_run(texts(), app.results.run(view.job.run_id or ""))
    if view.job.reason:
        print(texts().reason(view.job.reason), file=sys.stderr)
    return _code(app, view)


def _document(app: App, view: JobView) -> dict[str, Any]:
    job = {"id": view.job.id, "state": view.state.value, "reason": reason_document(view.job.reason)}
    return {**run_document(app.results.run(view.job.run_id or "")), "job": job}


def _code(app: App, view: JobView) -> int:
    answered = any(found.requests.succeeded for found in app.results.run(view.job.run_id or "").measurements)
    return 0 if view.state is JobState.DONE and answered else FAILED
