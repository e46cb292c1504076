"""``seatrial catalog``: the models, profiles and platforms that Seatrial knows."""

from __future__ import annotations

import argparse
import sys

from cli.output import FAILED, guarded, print_json, print_table, record, texts
from core.adapters.catalog_files import load_catalog
from core.domain.catalog import Catalog, CatalogEntry
from core.errors import BadInput
from core.settings import read_settings


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``catalog list [--json]``, ``catalog show KEY``, ``catalog lint``."""
    parser = commands.add_parser("catalog", help="models and profiles: list, show, lint")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    listing = verbs.add_parser("list", help="every model in every tested profile")
    show = verbs.add_parser("show", help="one entry, as JSON")
    show.add_argument("key", metavar="KEY", help="<model>.<profile>, for example deepseek-r1-0528.tp32-pp2")
    listing.add_argument("--json", action="store_true")
    verbs.add_parser("lint", help="file, path and reason of everything that was not understood")
    parser.set_defaults(run=lambda arguments: guarded(lambda: run(arguments), as_json=False))


def run(arguments: argparse.Namespace) -> int:
    """0; 1 where lint found something."""
    catalog = load_catalog(read_settings().catalog)
    if arguments.verb == "lint":
        return _lint(catalog)
    if arguments.verb == "show":
        _show(catalog, arguments.key)
    else:
        _list(catalog, arguments.json)
    return 0


def _lint(catalog: Catalog) -> int:
    t = texts()
    for problem in catalog.problems:
        print(t("cli.catalog.problem", file=problem.file, path=problem.path, reason=problem.reason), file=sys.stderr)
    if not catalog.problems:
        print(t("cli.catalog.clean", count=sum(1 for _ in catalog.entries())))
    return FAILED if catalog.problems else 0


def _show(catalog: Catalog, key: str) -> None:
    entry = catalog.entry(key)
    if entry is None:
        raise BadInput("catalog_key_unknown", field="key", value=key)
    print_json({"key": entry.key, **record(CatalogEntry, entry)})


def _list(catalog: Catalog, as_json: bool) -> None:
    entries = sorted(catalog.entries(), key=lambda entry: entry.key)
    if as_json:
        print_json({"entries": [_row(entry) for entry in entries]})
        return
    t = texts()
    heads = [t(f"cli.catalog.{name}") for name in ("key", "devices", "context", "input", "concurrency")]
    rows = [
        [t.number(value) if not isinstance(value, str) else value for value in _row(entry).values()]
        for entry in entries
    ]
    print_table(heads, rows)


def _row(entry: CatalogEntry) -> dict[str, str | int | None]:
    profile = entry.profile
    return {
        "key": entry.key,
        "devices": profile.devices,
        "max_model_len": profile.max_model_len,
        "max_input_len": profile.max_input_len,
        "max_concurrency": profile.max_concurrency,
    }
