"""The command ``seatrial``: one file of this package per subcommand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; its exit code. 2 for bad input, by argparse's own rule."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="seatrial", description="Launch a model, put it through its trials.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in _modules(words):
        import_module(module).add_parser(commands)
    arguments = parser.parse_args(words)
    code: int = arguments.run(arguments)
    return code


def _modules(words: Sequence[str]) -> tuple[str, ...]:
    """Only the file of the command that is named: ``up`` is not to wait for what the others import."""
    named = COMMANDS.get(words[0]) if words else None
    return (named,) if named else tuple(dict.fromkeys(COMMANDS.values()))


if __name__ == "__main__":
    sys.exit(main())
