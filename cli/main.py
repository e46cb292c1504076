"""The command ``seatrial``: one subcommand per file of this package."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from types import ModuleType

from cli import bench, catalog, check, results, up, user, worker

COMMANDS: tuple[ModuleType, ...] = (up, check, bench, results, catalog, user, worker)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand; its exit code. 2 for bad input, by argparse's own rule."""
    parser = argparse.ArgumentParser(prog="seatrial", description="Launch a model, put it through its trials.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_parser(commands)
    arguments = parser.parse_args(argv)
    code: int = arguments.run(arguments)
    return code


if __name__ == "__main__":
    sys.exit(main())
