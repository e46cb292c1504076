"""Install into this Python's environment with uv, three times as fast as pip; where uv is not to be had, with pip.

    python fast_pip.py ARGUMENTS OF "pip install" ...
    python fast_pip.py --uv-only ...            arguments that only uv knows: no falling back

uv reads neither pip's files nor its variables, so the index settings that pip reports are handed to it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
}
COMMA_SEPARATED = {"find-links"}


def uv_settings(pip_config: str) -> dict[str, str]:
    """uv's variables for what ``pip config list`` printed; later lines win there, and here."""
    found: dict[str, str] = {}
    for line in pip_config.splitlines():
        match = re.fullmatch(r"(?:global|install|:env:)\.([\w-]+)=(['\"])(.*)\2", line.strip())
        if match and match[1] in UV_NAMES:
            values = re.split(r"\s+|\\n", match[3].strip())
            found.setdefault(match[1], "")
            found[match[1]] = ("," if match[1] in COMMA_SEPARATED else " ").join(value for value in values if value)
    return {UV_NAMES[name]: value for name, value in found.items()}


def uv_environment(pip_config: str, env: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: what the person set for uv itself wins over pip's settings."""
    base = {"UV_INDEX_STRATEGY": "unsafe-best-match", **uv_settings(pip_config)}
    return {**base, **env}


def main(argv: Sequence[str]) -> int:
    """The exit code of the install."""
    uv_only = bool(argv) and argv[0] == "--uv-only"
    arguments = list(argv[1:] if uv_only else argv)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    if _ensure_uv(pip):
        listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False).stdout
        target = [] if "--target" in arguments else ["--python", sys.executable]
        command = [sys.executable, "-m", "uv", "pip", "install", *target, *arguments]
        if subprocess.run(command, env=uv_environment(listed, os.environ), check=False).returncode == 0:
            return 0
        print("uv could not install this" + ("" if uv_only else "; trying pip"), file=sys.stderr)
    if uv_only:
        return 1
    return subprocess.run([*pip, "install", *arguments], check=False).returncode


def _ensure_uv(pip: Sequence[str]) -> bool:
    if subprocess.run([sys.executable, "-m", "uv", "--version"], capture_output=True, check=False).returncode == 0:
        return True
    return subprocess.run([*pip, "install", "-qq", "uv>=0.5"], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
