"""``seatrial compare``, ``baseline``, ``gate``: what changed between runs, and whether a version may pass."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path

from cli.output import BAD_INPUT, FAILED, guarded, print_error, print_json, print_table, record, texts
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.baseline import Baseline
from core.domain.comparison import Comparison
from core.domain.gate import GateResult, Outcome
from core.errors import AppError, BadInput
from render.comparison_files import comparison_csv
from render.comparison_report import comparison_report
from render.comparison_tables import change_table, comparison_document, comparison_markdown, gate_document
from render.comparisons import answers, basis, caution, gate_lines, names
from render.tables import Table
from render.texts import Texts

_CODES = {Outcome.PASSED: 0, Outcome.WORSE: FAILED, Outcome.UNUSABLE: BAD_INPUT}
_BASELINE = "baseline"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``compare RUN [RUN ...]``, ``baseline set RUN | show [RUN] | unset RUN``, ``gate RUN --against baseline|RUN``."""
    _add_compare(commands)
    _add_baseline(commands)
    _add_gate(commands)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("compare", help="runs side by side: every change with its interval")
    parser.add_argument("runs", nargs="+", metavar="RUN", help="the first is the baseline; one alone: its pinned one")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON document on standard output")
    form.add_argument("--csv", action="store_true", help="a line per candidate, figure and load")
    form.add_argument("--markdown", action="store_true", help="for a chat or a report")
    form.add_argument("--html", type=Path, metavar="FILE", help="one file with charts, in both languages")
    parser.set_defaults(run=lambda arguments: guarded(lambda: _compare(arguments), as_json=arguments.json))


def _add_baseline(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    verbs = commands.add_parser(_BASELINE, help="the run that a model and workload are compared with").add_subparsers(
        dest="verb", metavar="VERB", required=True
    )
    for name, words, many in (
        ("set", "pin a run", None),
        ("show", "what is pinned; with RUN: for its model and workload", "?"),
        ("unset", "leave a run's model and workload without one", None),
    ):
        verb = verbs.add_parser(name, help=words)
        verb.add_argument("id", metavar="RUN", nargs=many)
        verb.add_argument("--json", action="store_true", help="one JSON document on standard output")
    actions: dict[str, Callable[[argparse.Namespace], int]] = {"set": _set, "show": _show, "unset": _unset}
    for name, verb in verbs.choices.items():
        action = actions[name]
        verb.set_defaults(
            run=lambda arguments, action=action: guarded(lambda: action(arguments), as_json=arguments.json)
        )


def _add_gate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "gate", help="for pipelines: exit 0 passed, 1 worse than allowed, 2 not comparable or unusable"
    )
    parser.add_argument("id", metavar="RUN")
    parser.add_argument("--against", default=_BASELINE, metavar="baseline|RUN", help="default: the pinned baseline")
    parser.add_argument("--max-regression", default="3%", metavar="P", help="for example 3%% (the default)")
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=_gate)


# ------------------------------------------------------------ compare


def _compare(arguments: argparse.Namespace) -> int:
    app = compose()
    runs: list[str] = arguments.runs
    found = app.comparisons.compare(runs, runs[0] if len(runs) > 1 else None)
    t, config = texts(), app.comparisons.configuration(found)
    if arguments.json:
        print_json(comparison_document(found, config, t))
    elif arguments.html:
        return _write(arguments.html, comparison_report(found, config, t), t)
    elif arguments.csv:
        print(comparison_csv(found, t), end="")
    elif arguments.markdown:
        print(comparison_markdown(found, config, t), end="")
    else:
        _print_comparison(t, found)
    return 0


def _write(file: Path, content: str, t: Texts) -> int:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        print(t("cli.export.not_written", file=file, reason=error.strerror), file=sys.stderr)
        return FAILED
    return 0


def _print_comparison(t: Texts, found: Comparison) -> None:
    called = names(found.sides, t)
    for line in answers(found, t):
        print(line)
    for pair in found.pairs:
        print(f"\n{called[pair.candidate.run.id]}  {t(f'verdict.{pair.verdict.value}')}")
        if said := caution(pair, t):
            print(said)
        if pair.cells:
            _print_wide(change_table(pair, t))
            for line in basis(pair, t):
                print(line)


def _print_wide(table: Table) -> None:
    print_table(list(table.columns), [list(row) for row in zip(*table.columns.values(), strict=True)])


# ------------------------------------------------------------ baseline


def _set(arguments: argparse.Namespace) -> int:
    pinned = compose().comparisons.pin(LOCAL_OPERATOR, arguments.id)
    return _print_pinned(pinned, arguments.json)


def _show(arguments: argparse.Namespace) -> int:
    app = compose()
    if arguments.id:
        found = app.comparisons.baseline_of(arguments.id)
        return _print_pinned(found, arguments.json) if found else _none(app, arguments)
    every = app.comparisons.baselines()
    if arguments.json:
        print_json({"baselines": [record(Baseline, one) for one in every]})
        return 0
    t = texts()
    if not every:
        print(t("cli.baseline.none"))
        return 0
    heads = [t(f"cli.baseline.{name}") for name in ("model", "workload", "run", "when", "who")]
    rows = [[one.model, one.workload_label, one.run_id, t.when(one.pinned_at), one.pinned_by] for one in every]
    print_table(heads, rows)
    return 0


def _none(app: App, arguments: argparse.Namespace) -> int:
    """Nothing is pinned for that run."""
    if arguments.json:
        print_json({"baseline": None})
    else:
        head = app.store.runs.head(arguments.id)
        workload = head.workload_label or ""
        print(texts()("cli.baseline.none_for", model=head.model, workload=workload), file=sys.stderr)
    return FAILED


def _unset(arguments: argparse.Namespace) -> int:
    compose().comparisons.unpin(LOCAL_OPERATOR, arguments.id)
    if arguments.json:
        print_json({"baseline": None})
    return 0


def _print_pinned(pinned: Baseline, as_json: bool) -> int:
    if as_json:
        print_json({"baseline": record(Baseline, pinned)})
    else:
        told = {"model": pinned.model, "workload": pinned.workload_label, "run": pinned.run_id}
        print(texts()("cli.baseline.pinned", **told))
    return 0


# ------------------------------------------------------------ gate


def _gate(arguments: argparse.Namespace) -> int:
    """0 passed, 1 worse, 2 for all that is no decision: no such run, no baseline, not the same question."""
    return guarded(lambda: _decided(arguments), as_json=arguments.json)


def _decided(arguments: argparse.Namespace) -> int:
    """Any error is no decision: 1 would say that the version is worse."""
    try:
        return _judged(arguments)
    except AppError as error:
        print_error(error, arguments.json)
        return BAD_INPUT


def _judged(arguments: argparse.Namespace) -> int:
    limit = share_of(arguments.max_regression)
    against = None if arguments.against == _BASELINE else arguments.against
    app, t = compose(), texts()
    result = app.comparisons.gate(arguments.id, against, limit)
    if arguments.json:
        print_json(gate_document(result, t))
    else:
        for line in gate_lines(result, t):
            print(line)
        _explain(result, t)
    return _CODES[result.outcome]


def _explain(result: GateResult, t: Texts) -> None:
    """What weakens the decision and what it rests on, beside it: a floor above the limit hides what is below it."""
    said = [line for line in [caution(result.pair, t)] if line]
    for line in (*said, *(basis(result.pair, t) if result.pair.cells else ())):
        print(line, file=sys.stderr)


def share_of(text: str) -> float:
    """0.03 of ``3%``, ``3 %`` or ``0.03``. Raises BadInput (limit_bad: value)."""
    number = text.strip()
    is_percent = number.endswith("%")
    try:
        value = float(number.removesuffix("%").strip())
    except ValueError as error:
        raise BadInput("limit_bad", field="max_regression", value=text) from error
    share = value / 100.0 if is_percent else value
    if not math.isfinite(share) or not 0.0 <= share < 1.0:
        raise BadInput("limit_bad", field="max_regression", value=text)
    return share
