"""What a command prints: sentences for a person, or one JSON document and nothing else."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from core.domain.finding import Finding
from core.domain.job import Reason
from core.errors import AppError, NotFoundError, PlanBlocked, RefusedError
from core.formats.records import dumps
from render.texts import Texts, best_language

T = TypeVar("T")
BAD_INPUT = 2
FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as shells count


def texts() -> Texts:
    """In the shell's language."""
    return Texts(best_language(os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")))


def print_json(document: Mapping[str, Any]) -> None:
    """One document on standard output; no NaN, no Infinity."""
    print(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False, default=str))


def record(kind: type[T], value: T) -> dict[str, Any]:
    """A domain object as plain JSON values, names as the fields'."""
    plain: dict[str, Any] = json.loads(dumps(kind, value))
    return plain


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as they need; the last one is not padded."""
    lines = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def guarded(work: Callable[[], int], *, as_json: bool) -> int:
    """``work``'s exit code; an AppError becomes its sentence on stderr: 2 where it was refused, or names what is not
    there, else 1. 130 after a Ctrl-C that nobody handled; a reader that hung up ends the command quietly."""
    try:
        code = work()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return FAILED
    except AppError as error:
        print_error(error, as_json)
        return BAD_INPUT if isinstance(error, RefusedError | NotFoundError) else FAILED


def print_findings(findings: Iterable[Finding]) -> None:
    """One line each on stderr, with how much it weighs."""
    t = texts()
    for finding in findings:
        weight = "component.set_aside" if finding.overridden else f"severity.{finding.severity.value}"
        print(f"{t(weight)}: {t.finding(finding)}", file=sys.stderr)


def reason_document(reason: Reason | None) -> dict[str, Any] | None:
    """Why a job failed, as a code and its values."""
    return None if reason is None else {"code": reason.code, **reason.params}


def print_error(error: AppError, as_json: bool) -> None:
    """Its sentence and its findings' on stderr; with ``as_json`` their codes as the document."""
    print(texts().error(error), file=sys.stderr)
    findings = error.findings if isinstance(error, PlanBlocked) else ()
    print_findings(findings)
    if as_json:
        codes = [{"code": finding.code, "field": finding.field, **finding.params} for finding in findings]
        print_json({"error": {"code": error.code, **error.params, "findings": codes}})
