"""``seatrial import``: results of other tools into the history."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cli.output import FAILED, guarded, print_json, texts
from core.bootstrap import compose
from core.domain.access import LOCAL_OPERATOR
from core.formats.import_files import FILE_LIMIT_BYTES, Refusal
from core.services.imports import ImportPlan
from render.refusals import refusal_words

_ENDINGS = (".json", ".jsonl", ".zip")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``import FILE... [--label TEXT] [--note TEXT] [--json]``."""
    parser = commands.add_parser("import", help="take over results of vLLM bench, EvalScope perf, GuideLLM or AIPerf")
    parser.add_argument("files", nargs="+", metavar="FILE", help="JSON, JSON lines, a folder, or a zip of one")
    parser.add_argument("--label", default="", help="the version that was measured")
    parser.add_argument("--note", default="")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=arguments.json))


def run(arguments: argparse.Namespace) -> int:
    """0 when every file was imported, or was there already; 1 when some were refused; 2 when there was nothing."""
    app = compose()
    files = list(_contents(arguments.files))
    plan = app.imports.plan([file for file in files if not isinstance(file, Refusal)])
    plan = replace(plan, refused=(*plan.refused, *(file for file in files if isinstance(file, Refusal))))
    _print_refusals(plan)
    ids = app.imports.save(LOCAL_OPERATOR, plan, version_label=arguments.label, note=arguments.note)
    if arguments.json:
        refused = [{"file": one.file, "line": one.line, "code": one.code, **(one.params or {})} for one in plan.refused]
        print_json({"runs": list(ids), "refused": refused})
    else:
        _print_runs(plan)
    return FAILED if plan.refused else 0


def _print_runs(plan: ImportPlan) -> None:
    t = texts()
    for one in plan.runs:
        key = "cli.import.known" if one.known_as else "cli.import.saved"
        print(t(key, run=one.run_id, model=one.first.point.model, points=len(one.found)))


def _print_refusals(plan: ImportPlan) -> None:
    t = texts()
    for one in plan.refused:
        print(t("cli.import.refused", file=one.file, reason=refusal_words(one, t)), file=sys.stderr)


def _contents(names: Sequence[str]) -> Iterator[tuple[str, bytes] | Refusal]:
    """Name and content; a folder stands for the results in it. A file that cannot be read is refused by itself."""
    for name in names:
        path = Path(name)
        found = sorted(one for one in path.rglob("*") if one.suffix in _ENDINGS) if path.is_dir() else [path]
        for file in found:
            try:
                with file.open("rb") as opened:
                    yield str(file), opened.read(4 * FILE_LIMIT_BYTES)
            except OSError as error:
                yield Refusal(str(file), "unreadable", params={"detail": error.strerror or ""})
