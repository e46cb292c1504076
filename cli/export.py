"""``seatrial export RUN``: a run as one file, to be sent or read by another program."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cli.output import guarded, texts
from core.bootstrap import App, compose
from core.domain.workload import Slo
from core.services.results import RunDetail
from render.documents import points_csv, points_parquet, run_document, run_markdown
from render.report import run_report

STANDARD_OUTPUT = "-"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``export RUN --html|--csv|--json|--markdown|--parquet [-o FILE]`` and the limits of a service level."""
    parser = commands.add_parser("export", help="a run as one file")
    parser.add_argument("id", metavar="RUN")
    form = parser.add_mutually_exclusive_group(required=True)
    for name, does in HELP.items():
        form.add_argument(f"--{name}", dest="form", action="store_const", const=name, help=does)
    parser.add_argument("-o", "--output", default=STANDARD_OUTPUT, metavar="FILE", help="standard output by default")
    for name in ("ttft", "tpot", "e2el"):
        parser.add_argument(f"--slo-{name}", type=_positive, metavar="MS", help="a limit that the HTML file judges by")
    parser.add_argument("--slo-percentile", type=int, choices=(50, 90, 95, 99), default=95)
    parser.set_defaults(run=lambda arguments: guarded(lambda: _export(arguments), as_json=False))


HELP: Mapping[str, str] = {
    "html": "charts, tables and provenance in both languages; opens without a network",
    "csv": "a line per measured point",
    "json": "the run with everything it remembers",
    "markdown": "for a chat",
    "parquet": "a row per measured point",
}


def _export(arguments: argparse.Namespace) -> int:
    app = compose()
    made = FORMS[arguments.form](app, app.results.run(arguments.id), _slo(arguments))
    content = made.encode() if isinstance(made, str) else made
    if arguments.output == STANDARD_OUTPUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return 0
    try:
        Path(arguments.output).write_bytes(content)
    except OSError as error:
        print(texts()("cli.export.not_written", file=arguments.output, reason=error.strerror), file=sys.stderr)
        return 1
    return 0


def _html(app: App, detail: RunDetail, slo: Slo) -> str:
    limits = slo if slo.limits_ms else detail.run.workload.slo or slo
    found = app.results.capacity(detail, limits)
    return run_report(detail, texts(), found=found, point=app.results.best_point(detail))


def _json(app: App, detail: RunDetail, slo: Slo) -> str:
    return json.dumps(run_document(detail), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


FORMS: Mapping[str, Callable[[App, RunDetail, Slo], str | bytes]] = {
    "html": _html,
    "csv": lambda app, detail, slo: points_csv(detail),
    "json": _json,
    "markdown": lambda app, detail, slo: run_markdown(detail, texts()),
    "parquet": lambda app, detail, slo: points_parquet(detail),
}


def _slo(arguments: argparse.Namespace) -> Slo:
    return Slo(arguments.slo_percentile, arguments.slo_ttft, arguments.slo_tpot, arguments.slo_e2el)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError("milliseconds above 0")
    return value
