"""A download as a job: the worker is killed in the middle of a file, and the next one goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from core.domain.access import LOCAL_OPERATOR
from core.domain.job import JobState
from core.domain.weights import PARTIAL_SUFFIX, DownloadRequest, WeightsSource
from tests.hub import REPO, local_hub, weights_files
from tests.live.job_site import job_site, until
from tests.live.servers import ROOT

SHARD = "model-00001-of-00002.safetensors"
FILES = weights_files(shard_bytes=3_000_000)


def test_a_killed_worker_costs_no_byte(tmp_path: Path) -> None:
    with local_hub(FILES, pause_s=0.01) as hub, job_site(tmp_path) as site:
        request = DownloadRequest(WeightsSource.HUGGINGFACE, REPO, str(tmp_path / "model"), endpoint=hub.url)
        job = site.app.weights.start(LOCAL_OPERATOR, site.app.weights.plan(request)).job
        partial = tmp_path / "model" / (SHARD + PARTIAL_SUFFIX)
        site.start_worker()
        until(lambda: partial.exists() and partial.stat().st_size > 600_000, 40, "some bytes to come")
        site.kill_worker()
        until(lambda: not site.app.tools.is_held(job.server_key), 10, "the child to die with its worker")
        had, hub.pause_s = partial.stat().st_size, 0.0
        hub.served.clear()
        site.start_worker()
        site.reaches(job.id, JobState.DONE, 60)
        assert (SHARD, had) in hub.served
        folder = site.app.store.weights.by_job(job.id)
        assert folder.verified_at is not None
        assert all((tmp_path / "model" / file.path).read_bytes() == FILES[file.path] for file in folder.files)


def test_web_and_worker_load_no_library_of_a_hub() -> None:
    code = "import core.bootstrap, core.worker, core.jobs.download, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert not {"huggingface_hub", "modelscope_hub", "modelscope"} & set(found.stdout.split())
