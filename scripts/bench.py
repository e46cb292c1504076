"""Every bench in turn, whatever the one before said: ``python scripts/bench.py [FOLDER]``. Tables on the terminal, JSON
in the folder (build/). Exit 1 at the end where any of them missed a limit or could not be run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BENCHES: tuple[tuple[str, ...], ...] = (
    ("overhead",),
    ("deploy",),
    ("history", "--keep", "build/a-long-history"),
    ("browser", "--keep", "build/a-long-history"),
    ("statistics",),
    ("evaluations", "--pages"),
    ("fidelity",),
)


def main(folder: Path, benches: Sequence[tuple[str, ...]] = BENCHES, scripts: Path = ROOT / "scripts") -> int:
    """The exit code; the names of those that missed go to the terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    missed = []
    for name, *options in benches:
        print(f"\n== {name}", flush=True)
        command = [sys.executable, str(scripts / f"bench_{name}.py"), *options, "--json", str(folder / f"{name}.json")]
        if subprocess.run(command, cwd=ROOT).returncode != 0:
            missed.append(name)
    print(f"\nA limit was missed: {', '.join(missed)}" if missed else "\nEvery limit was kept.")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build")))
