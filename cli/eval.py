"""``seatrial eval``: an evaluation from a shell, through the same services, plan and worker as the page."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from cli.check import key_from
from cli.output import FAILED, guarded, print_error, print_findings, print_json, print_table, reason_document, texts
from cli.watch import watch
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.endpoint import Endpoint
from core.domain.evaluation import EvaluationRequest, Hub, ScoreRow
from core.domain.finding import Severity
from core.domain.job import JobState, JobView
from core.errors import BadInput, PlanBlocked
from core.formats.seatrial_eval import EvalOptions, choices_of, request_of
from core.services.datasets import DatasetFilter, DatasetRow
from render.evaluation_documents import evaluation_document, health_lines
from render.score_words import interval_words
from render.texts import Texts

_NUMBERS = {"temperature": float, "top_p": float, "top_k": int, "min_p": float}
_PENALTIES = ("presence_penalty", "repetition_penalty")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``eval --url URL --model NAME --dataset KEY[:subset,...] ...``, ``eval --list``, ``eval import DIR``."""
    parser = commands.add_parser("eval", help="measure how well a model answers")
    parser.add_argument("action", nargs="?", choices=["import"], help="take in what EvalScope has written elsewhere")
    parser.add_argument("source", nargs="?", metavar="DIR", help="with import: EvalScope's output folder")
    parser.add_argument("--label", metavar="TEXT", default="", help="with import: the version that was evaluated")
    parser.add_argument("--list", action="store_true", help="the datasets to choose from")
    parser.add_argument("--search", metavar="TEXT", default="", help="with --list: only those with these words")
    parser.add_argument("--offline", action="store_true", help="with --list: only those that need no network")
    parser.add_argument("--url", help="the endpoint, with or without /v1")
    parser.add_argument("--model", metavar="NAME", help="the served name; the server's first one by default")
    _add_datasets(parser)
    _add_sampling(parser)
    _add_rest(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: _run(arguments), as_json=arguments.json))


def _add_datasets(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dataset", action="append", default=[], metavar="KEY[:SUBSET,...]", help="repeatable; see --list")
    add("--limit", metavar="N|P%", help="of each subset: the first N samples, or a share such as 10%%")
    add("--few-shot", action="append", default=[], metavar="KEY=N", help="worked examples before each question")
    add("--folder", action="append", default=[], metavar="KEY=DIR", help="a local snapshot of the dataset's repository")
    add("--hub", choices=[hub.value for hub in Hub], default=Hub.MODELSCOPE.value)
    add("--repeats", type=int, default=1, metavar="N")


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--sampling", default="auto", metavar="auto|none|PRESET", help="auto: as the model's vendor advises")
    for name, kind in _NUMBERS.items():
        add(f"--{name.replace('_', '-')}", type=kind, metavar="X")
    for name in _PENALTIES:
        add(f"--{name.replace('_', '-')}", type=float, metavar="X")
    add("--max-tokens", type=int, metavar="N", help="of one answer, reasoning included")
    add("--thinking", choices=["on", "off"], help="the model's own default where nothing is said")
    add("--thinking-key", metavar="NAME", help="the chat template's word for it")


def _add_rest(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--batch-size", type=int, metavar="N", help="requests in flight")
    add("--timeout", type=float, default=600.0, metavar="S", help="per request, in seconds")
    add("--no-stream", action="store_true", help="ask for whole answers")
    add("--seed", type=int, default=42, metavar="N")
    add("--judge-url", help="an endpoint that judges free answers")
    add("--judge-model", metavar="NAME")
    add("--judge-key-env", metavar="NAME", help="the environment variable that holds the judge's key")
    add("--sandbox", action="store_true", help="run code that the model wrote in a container")
    add("--key-env", metavar="NAME", help="the environment variable that holds the key")
    add("--note", default="")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.action == "import":
        return _import(arguments)
    if arguments.list:
        return _list(arguments)
    if not arguments.url:
        raise BadInput("eval_url_missing", field="url")
    return _evaluate(arguments)


# ---------------------------------------------------------------- the list


def _list(arguments: argparse.Namespace) -> int:
    rows = compose().datasets.list(DatasetFilter(text=arguments.search, offline_only=arguments.offline))
    if arguments.json:
        print_json({"datasets": [_entry(row) for row in rows]})
        return 0
    t = texts()
    names = ("key", "here", "samples", "subsets", "shots", "category", "needs")
    print_table([t(f"cli.eval.{name}") for name in names], [_cells(t, row) for row in rows])
    return 0


def _entry(row: DatasetRow) -> dict[str, object]:
    dataset = row.dataset
    return {
        "key": dataset.key,
        "name": dataset.name,
        "shipped": dataset.origin.value == "shipped",
        "origin": dataset.origin.value,
        "offline": row.is_here,
        "samples": dataset.samples,
        "subsets": [{"name": subset.name, "samples": subset.samples} for subset in dataset.subsets],
        "few_shot": dataset.few_shot,
        "category": dataset.category,
        "tags": list(dataset.tags),
        "metric": dataset.metric,
        "languages": list(dataset.languages),
        "needs": [need.value for need in dataset.needs],
        "repo_id": dataset.repo_id,
        "version": dataset.version,
        "revision": dataset.revision,
    }


def _cells(t: Texts, row: DatasetRow) -> list[str]:
    dataset = row.dataset
    return [
        dataset.key,
        t("cli.eval.yes") if row.is_here else "",
        t.number(dataset.samples),
        str(len(dataset.subsets)),
        str(dataset.few_shot),
        t(f"dataset.category_{dataset.category}"),
        ", ".join(t(f"dataset.need_{need}") for need in dataset.needs),
    ]


# ---------------------------------------------------------------- an evaluation


def _evaluate(arguments: argparse.Namespace) -> int:
    """0 when the work ended and something was scored; 1 when it could not begin or end, or no answer was produced; 2
    for bad input. Ctrl-C cancels the job and keeps what was answered."""
    options = options_of(arguments)
    choices_of(options)  # what is typed wrongly is said before anybody is asked
    app = compose()
    try:
        endpoint = _attach(app, arguments.url, arguments.model, arguments.key_env)
        judge = _judge(app, arguments)
    except PlanBlocked as error:  # the options are sound; the server is not
        print_error(error, arguments.json)
        return FAILED
    plan = app.evaluations.plan(_request(app, options, endpoint, judge))
    print_findings([finding for finding in plan.findings if finding.severity is not Severity.BLOCK])
    job = app.evaluations.start(LOCAL_OPERATOR, plan)
    return _report(app, watch(app, job), arguments.json)


def options_of(arguments: argparse.Namespace) -> EvalOptions:
    """What was typed."""
    return EvalOptions(**{field.name: _typed(arguments, field.name) for field in fields(EvalOptions)})


def _typed(arguments: argparse.Namespace, name: str) -> Any:
    value = getattr(arguments, name)
    return tuple(value) if isinstance(value, list) else value


def _request(app: App, options: EvalOptions, endpoint: Endpoint, judge: Endpoint | None) -> EvaluationRequest:
    base = app.evaluations.defaults(endpoint.id, sampling_key=options.sampling)
    request = request_of(options, base)
    fitted = app.evaluations.fitted(request, endpoint)
    return replace(
        request,
        max_tokens=request.max_tokens if options.max_tokens is not None else fitted.max_tokens,
        batch_size=request.batch_size if options.batch_size is not None else fitted.batch_size,
        judge_endpoint_id=judge.id if judge else None,
    )


def _attach(app: App, url: str, model: str | None, key_env: str | None) -> Endpoint:
    key = key_from(key_env)
    return app.endpoints.attach(LOCAL_OPERATOR, url, key=key, served_name=model, trial_may_fail=True)


def _judge(app: App, arguments: argparse.Namespace) -> Endpoint | None:
    if not arguments.judge_url:
        return None
    return _attach(app, arguments.judge_url, arguments.judge_model, arguments.judge_key_env)


def _report(app: App, view: JobView, as_json: bool) -> int:
    detail = app.evaluation_results.evaluation(view.job.run_id or "")
    rows = [row for found in detail.datasets for row in found.rows]
    if as_json:
        job = {"id": view.job.id, "state": view.state.value, "reason": reason_document(view.job.reason)}
        print_json({**evaluation_document(detail), "job": job})
    else:
        _print_scores(texts(), rows)
        for line in health_lines(detail, texts()):
            print(line, file=sys.stderr)
        if view.job.reason:
            print(texts().reason(view.job.reason), file=sys.stderr)
    return 0 if view.state is JobState.DONE and any(row.score is not None for row in rows) else FAILED


def _print_scores(t: Texts, rows: list[ScoreRow]) -> None:
    names = ("dataset", "subset", "score", "ci", "n", "truncated", "overflow", "errored")
    lines = [
        [
            row.dataset,
            row.subset or "",
            t("score.no_score") if row.score is None else t.percent(row.score),
            interval_words(row.ci95, t),
            *(t.number(getattr(row, name)) for name in ("n", "truncated", "overflow", "errored")),
        ]
        for row in rows
        if row.is_primary
    ]
    print_table([t(f"page.evaluation.column_{name}") for name in names], lines)


# ---------------------------------------------------------------- made elsewhere


def _import(arguments: argparse.Namespace) -> int:
    if not arguments.source:
        raise BadInput("eval_source_missing", field="source")
    folder = Path(arguments.source).expanduser()
    found = compose().evaluation_import.import_folder(LOCAL_OPERATOR, folder, arguments.label)
    if arguments.json:
        rows = [
            {"run_id": one.run_id, "model": one.model, "datasets": list(one.datasets), "new": one.is_new}
            for one in found
        ]
        print_json({"evaluations": rows})
        return 0
    t = texts()
    for one in found:
        word = t("cli.eval.imported") if one.is_new else t("cli.eval.known")
        print(f"{one.run_id}  {one.model}  {', '.join(one.datasets)}  {word}")
    return 0
