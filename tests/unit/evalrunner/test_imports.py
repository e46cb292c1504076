"""EvalScope takes five seconds and 185 MB to import: only its own child does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_neither_pages_nor_shell_nor_worker_load_evalscope() -> None:
    names = [
        *("core.bootstrap", "core.worker", "core.jobs.workflows", "core.jobs.evaluation", "core.jobs.datasets"),
        *("cli.eval", "ui.session", "ui.components.evaluation_form", "ui.components.dataset_table"),
        *("ui.components.question_upload", "render.evaluation_documents"),
    ]
    program = (
        f"import importlib, sys; [importlib.import_module(name) for name in {names!r}];"
        "from core.adapters.evaluation_files import EvaluationFiles;"
        "files = EvaluationFiles(); files.datasets(); files.shipped(); files.has_sandbox();"
        "print(sorted(name for name in ('evalscope', 'ms_enclave', 'datasets', 'modelscope') if name in sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert said.stdout == "[]\n", said.stderr
