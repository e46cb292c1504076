"""``seatrial download``: a model's weights into a folder, through the same plan, job and child as the page."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from cli.output import BAD_INPUT, FAILED, guarded, print_findings, print_json, reason_document, record, texts
from cli.watch import watch
from core.bootstrap import App, compose
from core.domain.access import LOCAL_OPERATOR
from core.domain.finding import Finding, blocking
from core.domain.job import JobState, JobView
from core.domain.weights import DownloadPlan, DownloadRequest, WeightsSource

_SOURCES = (WeightsSource.HUGGINGFACE.value, WeightsSource.MODELSCOPE.value)


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """``download REPO [--from HUB] [--to FOLDER] [--revision R] [--endpoint URL] [--only GLOB] [--dry-run]``."""
    parser = commands.add_parser("download", help="fetch a model's weights, or go on with what was begun")
    parser.add_argument("repo", metavar="REPO", help="owner/name, or the link of its page")
    parser.add_argument("--from", dest="source", choices=_SOURCES, default=_SOURCES[0], help="the hub")
    parser.add_argument("--to", dest="folder", default="", metavar="FOLDER", help="the model's own folder")
    parser.add_argument("--revision", default="", help="branch, tag or commit (default: the newest)")
    parser.add_argument("--endpoint", default="", metavar="URL", help="the hub's address, for example a mirror")
    parser.add_argument("--only", dest="patterns", action="append", default=[], metavar="GLOB", help="repeatable")
    parser.add_argument("--dry-run", action="store_true", help="nothing is fetched")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=lambda told: guarded(lambda: run(told), as_json=told.json))


def run(arguments: argparse.Namespace) -> int:
    """0 when every file is there and verified, 1 where not, 2 for bad input or a blocked plan."""
    app = compose()
    plan = app.weights.plan(_request(arguments))
    blocks = blocking(plan.findings)
    if arguments.dry_run:
        print_findings(plan.findings)
        _write(plan, as_json=arguments.json)
        return BAD_INPUT if blocks else 0
    print_findings([finding for finding in plan.findings if finding not in blocks])
    begun = app.weights.start(LOCAL_OPERATOR, plan)
    request, t = plan.request, texts()
    print(t("cli.download.started", repo=request.repo, folder=request.folder), file=sys.stderr)
    return _report(app, watch(app, begun), as_json=arguments.json)


def _request(arguments: argparse.Namespace) -> DownloadRequest:
    return DownloadRequest(
        source=WeightsSource(arguments.source),
        repo=arguments.repo,
        folder=arguments.folder,
        revision=arguments.revision,
        endpoint=arguments.endpoint,
        patterns=tuple(arguments.patterns),
    )


def _write(plan: DownloadPlan, *, as_json: bool) -> None:
    t = texts()
    if as_json:
        print_json(plan_document(plan))
        return
    print(plan.request.folder)
    print(t("cli.download.size", size=t.size(plan.expected_bytes), free=t.size(plan.free_bytes)))


def plan_document(plan: DownloadPlan) -> dict[str, Any]:
    """What would be done."""
    return {
        "request": record(DownloadRequest, plan.request),
        "command": list(plan.command),
        "expected_bytes": plan.expected_bytes,
        "there_bytes": plan.there_bytes,
        "free_bytes": plan.free_bytes,
        "findings": [record(Finding, finding) for finding in plan.findings],
    }


def _report(app: App, view: JobView, *, as_json: bool) -> int:
    folder, t = app.store.weights.by_job(view.job.id), texts()
    done = view.state is JobState.DONE
    if as_json:
        print_json(
            {
                "folder": folder.path,
                "commit": folder.commit,
                "files": len(folder.files),
                "size_bytes": folder.total_bytes,
                "verified_at": folder.verified_at.isoformat() if folder.verified_at else None,
                "job": {"id": view.job.id, "state": view.state.value, "reason": reason_document(view.job.reason)},
            }
        )
    elif done:
        size, count = t.size(folder.total_bytes), len(folder.files)
        print(t("cli.download.done", repo=folder.repo, folder=folder.path, files=count, size=size))
    if view.job.reason is not None:
        print(t.reason(view.job.reason), file=sys.stderr)
    return 0 if done else FAILED
