#!/usr/bin/env python3
"""An OCI runtime in front of runc that asks for no capability this machine withholds from root.

runc gets the same arguments; before that, CAP_SYS_RESOURCE is taken out of the container's or the exec's own JSON.
"""

import json
import os
import sys
from pathlib import Path

WITHHELD = "CAP_SYS_RESOURCE"


def option(arguments: list[str], *names: str) -> str | None:
    """The value of ``--name value`` or ``--name=value``."""
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names:
            return value if equals else arguments[index + 1]
    return None


def drop_capability(path: Path) -> None:
    """Rewrites a config.json (the process is under "process") or an exec's process.json (it is the whole file)."""
    document = json.loads(path.read_text())
    sets = document.get("process", document).get("capabilities") or {}
    for name, held in sets.items():
        sets[name] = [capability for capability in held if capability != WITHHELD]
    path.write_text(json.dumps(document))


def main() -> None:
    """Never returns: becomes runc."""
    arguments = sys.argv[1:]
    bundle, process = option(arguments, "--bundle", "-b"), option(arguments, "--process", "-p")
    for path in (Path(bundle) / "config.json" if bundle else None, Path(process) if process else None):
        if path and path.is_file():
            drop_capability(path)
    os.execvp("runc", ["runc", *arguments])


main()
