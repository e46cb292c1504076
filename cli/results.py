"""``seatrial runs`` and ``seatrial run ID``: what was measured."""

from __future__ import annotations

import argparse

from cli.output import guarded, print_json, print_table, record, texts
from core.bootstrap import compose
from core.domain.benchmark import Measurement, RunKind, RunRow
from core.domain.history import Facet, RunFilter, Shelf
from core.services.results import RunDetail
from render.answers import warning_lines
from render.documents import run_document
from render.provenance import run_line
from render.texts import Texts
from render.version_words import version_name

PAGE = 50
_FILTERS = {
    "model": Facet.MODEL,
    "kind": Facet.KIND,
    "platform": Facet.PLATFORM,
    "profile": Facet.PROFILE,
    "image": Facet.IMAGE,
    "tag": Facet.TAG,
    "person": Facet.PERSON,
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``runs [--model NAME] [--tag NAME] ... [--search WORDS] [--limit N] [--json]`` and ``run ID [--json]``."""
    runs = commands.add_parser("runs", help="the latest runs")
    for name, facet in _FILTERS.items():
        runs.add_argument(f"--{name}", metavar="NAME", help=f"only runs of this {facet.name.lower()}")
    runs.add_argument("--search", default="", metavar="WORDS", help="in names, tags, notes and ids")
    runs.add_argument("--archived", action="store_true", help="what was put out of the lists")
    runs.add_argument("--limit", type=int, default=PAGE, metavar="N")
    run = commands.add_parser("run", help="one run, whole")
    run.add_argument("id", metavar="ID")
    for one in (runs, run):
        one.add_argument("--json", action="store_true", help="one JSON document on standard output")
    runs.set_defaults(run=lambda arguments: guarded(lambda: _runs(arguments), as_json=arguments.json))
    run.set_defaults(run=lambda arguments: guarded(lambda: _run(arguments), as_json=arguments.json))


def _runs(arguments: argparse.Namespace) -> int:
    asked = {facet: getattr(arguments, name) for name, facet in _FILTERS.items()}
    where = RunFilter(
        facets={facet: value for facet, value in asked.items() if value},
        text=arguments.search,
        shelf=Shelf.ARCHIVED if arguments.archived else Shelf.CURRENT,
    )
    page = compose().results.runs(0, max(1, arguments.limit), where)
    if arguments.json:
        print_json({"runs": [record(RunRow, row) for row in page.rows], "total": page.total})
        return 0
    t = texts()
    if not page.rows:
        print(t("cli.runs.none"))
        return 0
    heads = [
        t(f"cli.runs.{name}") for name in ("id", "when", "model", "state", "workload", "points", "best", "ttft", "tool")
    ]
    print_table(heads, [_row(t, row) for row in page.rows])
    return 0


def _row(t: Texts, row: RunRow) -> list[str]:
    return [
        row.id,
        t.when(row.created_at),
        version_name(row.model, row.version_label, row.origin),
        t(f"run.{row.state.value}"),
        row.workload_label or t.number(None),
        f"{row.points_done}/{row.points_total}",
        t.percent(row.score) if row.kind is RunKind.EVALUATION else t.tokens_per_s(row.best_output_tokens_per_s),
        t.ms(row.lowest_ttft_p50_ms),
        row.tool,
    ]


def _run(arguments: argparse.Namespace) -> int:
    detail = compose().results.run(arguments.id)
    if arguments.json:
        print_json(run_document(detail))
    else:
        print_run(texts(), detail)
    return 0


def print_run(t: Texts, detail: RunDetail) -> None:
    """What was measured with which tool, a table of the points, and how to measure them again."""
    run = detail.run
    print(f"{run.id}  {run.model}  {t(f'run.{run.state.value}')}")
    print(" · ".join(part for part in run_line(run, detail.measurements, t) if part))
    names = ("load", "succeeded", "failed", "output", "ttft_p50", "ttft_p99", "tpot", "e2el")
    print_table([t(f"cli.run.{name}") for name in names], [_point(t, point) for point in detail.measurements])
    for line in warning_lines(detail.measurements, t):
        print(line)
    print(" ".join(run.command))


def _point(t: Texts, point: Measurement) -> list[str]:
    load = f"{point.rate_per_s:g}/s" if point.rate_per_s else str(point.concurrency)
    return [
        load,
        str(point.requests.succeeded),
        str(point.requests.failed),
        t.tokens_per_s(point.output_tokens_per_s),
        t.ms(point.ttft_ms.p50 if point.ttft_ms else None),
        t.ms(point.ttft_ms.p99 if point.ttft_ms else None),
        t.ms(point.tpot_ms.mean if point.tpot_ms else None),
        t.ms(point.e2el_ms.mean if point.e2el_ms else None),
    ]
