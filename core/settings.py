"""Settings, read once from the environment. Every field says its variable and its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import RefusedError


@dataclass(frozen=True)
class Settings:
    """Where data live, where the app listens, and its limits."""

    home: Path
    """SEATRIAL_HOME (./data): database, artifacts, logs, locks, the key file."""
    database_url: str
    """SEATRIAL_DATABASE_URL (sqlite in home): any SQLAlchemy URL for the results."""
    jobs_url: str
    """SEATRIAL_JOBS_URL (sqlite in home): the job engine's own, disposable database."""
    host: str
    """SEATRIAL_HOST (127.0.0.1): any other address needs an operator account."""
    port: int
    """SEATRIAL_PORT (8501)."""
    artifact_limit_mib: int
    """SEATRIAL_ARTIFACT_LIMIT_MIB (512): the largest single artifact that is kept."""
    retention_days: int
    """SEATRIAL_RETENTION_DAYS (0: for ever): how long raw artifacts are kept. Results are never deleted."""
    secret_key: str | None
    """SEATRIAL_SECRET_KEY: encrypts endpoint keys; without it a key file (mode 0600) in home does."""
    docker_host: str | None
    """DOCKER_HOST (the local socket)."""
    simulated: bool
    """SEATRIAL_DEMO (off): the simulated vLLM is attached, and says so."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the app."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

    @property
    def logs(self) -> Path:
        """One log file per job, and the processes' own."""
        return self.home / "logs"

    @property
    def locks(self) -> Path:
        """Files whose kernel locks guard servers and the worker."""
        return self.home / "locks"

    @property
    def work(self) -> Path:
        """Children's task files and results before they are stored."""
        return self.home / "work"


def read_settings(env: Mapping[str, str] | None = None) -> Settings:
    """Settings from ``env`` (the process's own by default). Raises RefusedError (setting_bad: detail)."""
    source = os.environ if env is None else env
    home = Path(source.get("SEATRIAL_HOME") or "data").expanduser().resolve()
    return Settings(
        home=home,
        database_url=source.get("SEATRIAL_DATABASE_URL") or f"sqlite:///{home / 'seatrial.db'}",
        jobs_url=source.get("SEATRIAL_JOBS_URL") or f"sqlite:///{home / 'jobs.db'}",
        host=source.get("SEATRIAL_HOST") or "127.0.0.1",
        port=_number(source, "SEATRIAL_PORT", 8501),
        artifact_limit_mib=_number(source, "SEATRIAL_ARTIFACT_LIMIT_MIB", 512),
        retention_days=_number(source, "SEATRIAL_RETENTION_DAYS", 0),
        secret_key=source.get("SEATRIAL_SECRET_KEY") or None,
        docker_host=source.get("DOCKER_HOST") or None,
        simulated=source.get("SEATRIAL_DEMO", "") in {"1", "true", "yes"},
    )


def _number(source: Mapping[str, str], name: str, default: int) -> int:
    text = source.get(name) or str(default)
    if not text.isdecimal():
        raise RefusedError("setting_bad", detail=f"{name} must be a whole number, not {text!r}")
    return int(text)
