"""``seatrial leaderboard``: who stands where, one table for every set of conditions."""

from __future__ import annotations

import argparse

from cli.output import guarded, print_json, print_table, texts
from core.bootstrap import compose
from core.domain.accuracy_statistics import DEFAULT_MARGIN
from core.domain.leaderboard import Board
from render.evaluation_documents import board_document
from render.score_words import board_answer, conditions_words, interval_words, lead_name, parity_words, rank_words
from render.texts import Texts


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``leaderboard [--dataset KEY] [--margin POINTS] [--json]``."""
    parser = commands.add_parser("leaderboard", help="scores of models and versions, like ranked with like")
    parser.add_argument("--dataset", metavar="KEY", help="only its boards")
    parser.add_argument(
        "--margin", type=float, default=DEFAULT_MARGIN * 100, metavar="POINTS", help="parity with published scores"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.set_defaults(run=lambda arguments: guarded(lambda: _run(arguments), as_json=arguments.json))


def _run(arguments: argparse.Namespace) -> int:
    results = compose().leaderboard
    keys = [head.key for head in results.boards() if arguments.dataset in {None, head.conditions.dataset}]
    found = [results.board(key, arguments.margin / 100) for key in keys]
    boards = [board for board in found if board is not None]
    if arguments.json:
        print_json({"margin_points": arguments.margin, "boards": [board_document(board) for board in boards]})
        return 0
    t = texts()
    if not boards:
        print(t("cli.leaderboard.none"))
    for board in boards:
        _print(board, t)
    return 0


def _print(board: Board, t: Texts) -> None:
    print(board_answer(board, t))
    print(conditions_words(board.conditions, t))
    names = ("rank", "version", "score", "ci", "n", "published", "run")
    print_table([t(f"cli.leaderboard.{name}") for name in names], _rows(board, t))
    print()


def _rows(board: Board, t: Texts) -> list[list[str]]:
    return [
        [
            t("page.leaderboard.partial") if row.lead.is_partial else rank_words(row, t),
            lead_name(row.lead),
            t.percent(row.lead.score),
            interval_words(None if row.lead.ci_low is None else (row.lead.ci_low, row.lead.ci_high or 0.0), t),
            t.number(row.lead.n),
            ", ".join(
                f"{beside.reference.platform} {t.percent(beside.reference.score)} ({parity_words(beside.parity, t)})"
                for beside in row.references
                if beside.parity
            ),
            row.lead.run_id,
        ]
        for row in board.rows
    ]
