"""The command ``seatrial``: one file of this package per subcommand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import NoReturn

COMMANDS: Mapping[str, str] = {
    "up": "cli.up",
    "check": "cli.check",
    "bench": "cli.bench",
    "import": "cli.import_results",
    "runs": "cli.results",
    "run": "cli.results",
    "export": "cli.export",
    "compare": "cli.compare",
    "baseline": "cli.compare",
    "gate": "cli.compare",
    "eval": "cli.eval",
    "leaderboard": "cli.leaderboard",
    "deploy": "cli.deploy",
    "deployments": "cli.deployments",
    "catalog": "cli.catalog",
    "download": "cli.download",
    "user": "cli.user",
    "webui": "cli.webui",
    "worker": "cli.worker",
}


class _Refused(Exception):
    """What argparse says no to, and the parser whose usage goes with it."""

    def __init__(self, parser: argparse.ArgumentParser, message: str) -> None:
        self.parser = parser
        self.message = message


class _Parser(argparse.ArgumentParser):
    """Raises _Refused where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        raise _Refused(self, message)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; its exit code. 2 for bad input, by argparse's own rule."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = _Parser(prog="seatrial", description="Launch a model, put it through its trials.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _modules(words):
        import_module(module).add_parser(commands)
    try:
        arguments = parser.parse_args(words)
    except _Refused as refused:
        _end_with_usage(refused, as_json=_asks_for_json(words))
    code: int = arguments.run(arguments)
    return code


def _asks_for_json(words: Sequence[str]) -> bool:
    """``--json``, or ``--format json`` in either spelling."""
    return "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)


def _end_with_usage(refused: _Refused, *, as_json: bool) -> NoReturn:
    """Exit code 2, the usage on stderr; who asked for a document reads one."""
    if as_json:
        from cli.output import print_json

        print_json({"error": {"code": "arguments_bad", "detail": refused.message, "findings": []}})
        sys.stdout.flush()
    argparse.ArgumentParser.error(refused.parser, refused.message)


def _modules(words: Sequence[str]) -> tuple[str, ...]:
    """Only the file of the command that is named: ``up`` is not to wait for what the others import."""
    named = COMMANDS.get(words[0]) if words else None
    return (named,) if named else tuple(dict.fromkeys(COMMANDS.values()))


if __name__ == "__main__":
    sys.exit(main())
