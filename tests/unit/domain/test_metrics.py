from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

from core.domain.benchmark import ClientHealth, Measurement, SteadyState
from core.domain.metrics import FAILURE_KINDS, METRICS, WARNINGS
from core.loadgen import failures
from scripts.metrics_doc import DOCUMENT, document

ROOT = Path(__file__).resolve().parents[3]
IDENTITY = {
    "point_index",
    "repeat",
    "tool",
    "tool_version",
    "seed",
    "started_at",
    "concurrency",
    "rate_per_s",
    "steady",
    "client",
    "server_metrics",
    "warnings",
}


def test_the_document_is_current():
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run scripts/metrics_doc.py"


def test_every_figure_of_a_measurement_is_declared_and_no_other():
    own = {field.name for field in fields(Measurement)} - IDENTITY
    steady = {f"steady.{field.name}" for field in fields(SteadyState)}
    client = {f"client.{field.name}" for field in fields(ClientHealth)}
    assert set(METRICS) == own | steady | client


def test_every_kind_of_failure_is_explained():
    kinds = {value for name, value in vars(failures).items() if name.isupper()}
    assert kinds | {"http_<status>"} == set(FAILURE_KINDS)


def test_every_warning_is_explained():
    said = set()
    for name in ("reduce.py", "run.py", "calibration.py"):
        tree = ast.parse((ROOT / "core" / "loadgen" / name).read_text(encoding="utf-8"))
        said |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in WARNINGS}
    assert said == set(WARNINGS)
