from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

from core.domain.benchmark import ClientHealth, Measurement, SteadyState
from core.domain.metrics import FAILURE_KINDS, METRICS, WARNINGS
from core.formats.vllm_metrics import summary
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
    server = {key for key in METRICS if key.startswith("server_metrics.")}
    assert set(METRICS) == own | steady | client | server


def test_what_is_said_of_the_servers_view_is_what_is_kept():
    counted = dict.fromkeys(
        (
            "prefix_cache_queries_total",
            "prefix_cache_hits_total",
            "num_preemptions_total",
            "spec_decode_num_drafts_total",
            "spec_decode_num_draft_tokens_total",
            "spec_decode_num_accepted_tokens_total",
        ),
        1.0,
    )
    looks = [{"num_requests_running": 1.0, "num_requests_waiting": 1.0, "kv_cache_usage_perc": 0.5}]
    told = {key.removeprefix("server_metrics.") for key in METRICS if key.startswith("server_metrics.")}
    assert told <= set(summary(looks, counted))


def test_every_kind_of_failure_is_explained():
    kinds = {value for name, value in vars(failures).items() if name.isupper()}
    assert kinds | {"http_<status>"} == set(FAILURE_KINDS)


def test_every_warning_is_explained():
    said = set()
    folders = (ROOT / "core" / name for name in ("loadgen", "jobs", "formats"))
    for path in (path for folder in folders for path in sorted(folder.glob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in WARNINGS}
    assert said == set(WARNINGS)
