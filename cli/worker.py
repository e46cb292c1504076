"""``seatrial worker``: the process that does the work, in the foreground."""

from __future__ import annotations

import argparse

from cli.output import guarded, print_error


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``worker``."""
    parser = commands.add_parser("worker", help="do the work of the queue until Ctrl-C; one per data folder")
    parser.set_defaults(run=lambda arguments: guarded(_run, as_json=False))


def _run() -> int:
    from core.worker import main  # the job engine takes a second to import, and no other command needs it

    return main(lambda error: print_error(error, as_json=False))
