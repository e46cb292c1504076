"""Settings, read once from the environment. Every field says its variable and its default."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import RefusedError

_LAST_PORT = 65_535


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
    weights: tuple[Path, ...]
    """SEATRIAL_WEIGHTS (weights in home; several with a colon between): folders that hold models' folders. Downloads go
    into the first. Inside a container they must be mounted under the very same paths: then they can be looked into."""
    in_container: bool
    """SEATRIAL_IN_CONTAINER (off; our own image sets it): folders, ports and devices seen here are not the host's, but
    for the folders of SEATRIAL_WEIGHTS and the devices in SEATRIAL_HOST_DEV."""
    host_dev: Path | None
    """SEATRIAL_HOST_DEV (none): inside a container, where the host's /dev is mounted, so that devices are counted."""
    host_profile: str | None
    """SEATRIAL_HOST_PROFILE (none): a simulated host of catalog/hosts, such as va16-64, in place of this machine."""
    hf_endpoint: str
    """HF_ENDPOINT (https://huggingface.co): where Hugging Face models are fetched, for example a mirror."""
    download_workers: int
    """SEATRIAL_DOWNLOAD_WORKERS (4): files that are fetched at once."""
    modelscope_endpoint: str
    """SEATRIAL_MODELSCOPE_ENDPOINT (https://modelscope.cn)."""

    public_host: str | None = None
    """SEATRIAL_PUBLIC_HOST (the address of the way out): this machine's name or address, as colleagues reach it."""
    registries: tuple[tuple[str, str], ...] = ()
    """SEATRIAL_REGISTRIES (each image's own): ``vastai=mirror.example:5000,ghcr=...``, hosts for image prefixes."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the app."""
        return self.host in {"127.0.0.1", "::1", "localhost"}

    @property
    def has_default_database(self) -> bool:
        """Whether results lie in the data folder's own file."""
        return self.database_url == _default_database(self.home)

    @property
    def logs(self) -> Path:
        """One log file per job, and the processes' own."""
        return self.home / "logs"

    @property
    def locks(self) -> Path:
        """Files whose kernel locks guard servers and the worker."""
        return self.home / "locks"

    @property
    def catalog(self) -> Path:
        """The team's own platforms, models and profiles, which win over ours."""
        return self.home / "catalog"

    @property
    def datasets(self) -> Path:
        """What evaluations fetched from hubs."""
        return self.home / "datasets"

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
        database_url=source.get("SEATRIAL_DATABASE_URL") or _default_database(home),
        jobs_url=source.get("SEATRIAL_JOBS_URL") or f"sqlite:///{home / 'jobs.db'}",
        host=source.get("SEATRIAL_HOST") or "127.0.0.1",
        port=_port(source, "SEATRIAL_PORT", 8501),
        artifact_limit_mib=_number(source, "SEATRIAL_ARTIFACT_LIMIT_MIB", 512),
        retention_days=_number(source, "SEATRIAL_RETENTION_DAYS", 0),
        secret_key=source.get("SEATRIAL_SECRET_KEY") or None,
        docker_host=source.get("DOCKER_HOST") or None,
        simulated=source.get("SEATRIAL_DEMO", "") in {"1", "true", "yes"},
        weights=_folders(source.get("SEATRIAL_WEIGHTS")) or (home / "weights",),
        in_container=source.get("SEATRIAL_IN_CONTAINER", "") in {"1", "true", "yes"},
        host_dev=_folder(source.get("SEATRIAL_HOST_DEV")),
        host_profile=source.get("SEATRIAL_HOST_PROFILE") or None,
        hf_endpoint=(source.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/"),
        download_workers=_number(source, "SEATRIAL_DOWNLOAD_WORKERS", 4),
        modelscope_endpoint=(source.get("SEATRIAL_MODELSCOPE_ENDPOINT") or "https://modelscope.cn").rstrip("/"),
        registries=_pairs(source, "SEATRIAL_REGISTRIES"),
        public_host=source.get("SEATRIAL_PUBLIC_HOST") or None,
    )


def _default_database(home: Path) -> str:
    return f"sqlite:///{home / 'seatrial.db'}"


def _number(source: Mapping[str, str], name: str, default: int) -> int:
    text = source.get(name) or str(default)
    if not text.isdecimal():
        raise RefusedError("setting_bad", detail=f"{name} must be a whole number, not {text!r}")
    return int(text)


def _port(source: Mapping[str, str], name: str, default: int) -> int:
    port = _number(source, name, default)
    if not 1 <= port <= _LAST_PORT:
        raise RefusedError("setting_bad", detail=f"{name} must be 1 to {_LAST_PORT}, not {port}")
    return port


def _pairs(source: Mapping[str, str], name: str) -> tuple[tuple[str, str], ...]:
    parts = [part.strip() for part in (source.get(name) or "").split(",") if part.strip()]
    for part in parts:
        if "=" not in part:
            raise RefusedError("setting_bad", detail=f"{name} must read name=host,name=host, not {part!r}")
    return tuple((part.partition("=")[0], part.partition("=")[2]) for part in parts)


def _folders(text: str | None) -> tuple[Path, ...]:
    found = (_folder(part.strip()) for part in (text or "").split(":"))
    return tuple(folder for folder in found if folder is not None)


def _folder(text: str | None) -> Path | None:
    return Path(text).expanduser().absolute() if text else None
