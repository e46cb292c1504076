"""What every reader of another tool's result shares: what comes out, why a file is refused, which numbers are none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from core.domain.benchmark import UNKNOWN_VERSION, Distribution, Engine, Measurement, RequestCounts
from core.domain.workload import Api, Arrival, LoadPoint

NEVER = datetime.fromtimestamp(0, UTC)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)")
_DISTRIBUTIONS = ("ttft_ms", "tpot_ms", "itl_ms", "e2el_ms")
_LAST_S = 4e9
_HALF_A_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_MOST = 2**31 - 1
"""No tool has counted more; a database's usual whole number ends here."""
_LONGEST_S = 1e9


class Unreadable(Exception):
    """A result that is refused. ``code`` names the sentence [import] ``refused_<code>``; ``line`` where it is known."""

    def __init__(self, code: str, *, line: int | None = None, **params: str | int | float | None) -> None:
        super().__init__(code)
        self.code = code
        self.line = line
        self.params = params


@dataclass(frozen=True)
class ImportedPoint:
    """One load point of a foreign result. ``notes``: what was converted, and what was refused of it; they become the
    measurement's warnings. ``requests``: one line per request as our own generator writes them, where it tells them."""

    engine: Engine
    model: str
    point: LoadPoint
    measurement: Measurement
    api: Api = Api.COMPLETIONS
    base_url: str | None = None
    command: tuple[str, ...] = ()
    requests: str | None = None
    temperature: float | None = None
    ignore_eos: bool | None = None

    @property
    def lengths(self) -> tuple[int, int]:
        """Mean tokens in and out."""
        count = max(1, self.measurement.requests.succeeded)
        return round(self.measurement.input_tokens / count), round(self.measurement.output_tokens / count)


@contextmanager
def understood() -> Iterator[None]:
    """What a reader stumbles over is why its file is refused: Raises Unreadable (not_understood)."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, KeyError, OverflowError) as error:
        raise Unreadable("not_understood", detail=f"{type(error).__name__}: {error}"[:200]) from error


def load_json(text: str) -> Any:
    """JSON; NaN and Infinity, which Python's writers leave in it, become null, and half a character, which no file and
    no database takes, a question mark. Raises Unreadable (not_json)."""
    try:
        found = json.loads(text, parse_constant=lambda name: None)
        if _HALF_A_CHARACTER.search(text):
            found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
        return found
    except json.JSONDecodeError as error:
        raise Unreadable("not_json", line=error.lineno, detail=error.msg) from error
    except ValueError as error:
        raise Unreadable("not_json", detail=str(error).partition(":")[0]) from error
    except RecursionError as error:
        raise Unreadable("not_json", detail="nested too deeply") from error


def number(values: Any, *names: str) -> float | None:
    """A finite number that is not negative, by its path; None for anything else. No count, time or rate is negative:
    where a tool writes one (EvalScope: -1000 and -1), it stands for nothing."""
    found = dig(values, *names)
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found) or found < 0:
        return None
    return float(found)


def need(values: Any, *names: str) -> float:
    """The same, where nothing goes without it. Raises Unreadable (missing)."""
    found = number(values, *names)
    if found is None:
        raise Unreadable("missing", field=" / ".join(names))
    return found


def dig(values: Any, *names: str) -> Any:
    """What lies at the end of a path of names; None where it breaks off."""
    for name in names:
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def distribution(n: float | None, values: Mapping[str, float | None], factor: float = 1.0) -> Distribution | None:
    """From a summary: mean, min, max, p50, p90, p95, p99 and, where it is told, std. None where one of them is absent,
    or where they are in no order."""
    named = {name: values.get(name) for name in ("mean", "min", "max", "p50", "p90", "p95", "p99")}
    known = {name: value * factor for name, value in named.items() if value is not None}
    if not n or len(known) != len(named):
        return None
    ordered = [known[name] for name in ("min", "p50", "p90", "p95", "p99", "max")]
    if ordered != sorted(ordered):
        return None
    std = values.get("std")
    return Distribution(n=int(n), std=None if std is None else std * factor, **known)


def text_of(values: Any, *names: str) -> str:
    """A text by its path; empty where there is none. Without NUL, which PostgreSQL does not take."""
    found = dig(values, *names)
    return found.replace("\0", "") if isinstance(found, str) else ""


def when(text: Any) -> datetime:
    """A moment, as UTC where it has no offset; NEVER where it is none."""
    if isinstance(text, int | float) and not isinstance(text, bool) and isfinite(text) and 0 < text < _LAST_S:
        return datetime.fromtimestamp(text, UTC)
    compact = _COMPACT.fullmatch(str(text))
    try:
        found = datetime.fromisoformat("{}-{}-{}T{}:{}:{}".format(*compact.groups()) if compact else str(text))
    except ValueError:
        return NEVER
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found if 0 < found.timestamp() < _LAST_S else NEVER


def closed(concurrency: float | None, requests: int) -> LoadPoint:
    """A closed loop of so many streams."""
    return LoadPoint(0, concurrency=int(concurrency) if concurrency else None, requests=requests, warmup=0)


def open_loop(rate_per_s: float, concurrency: float | None, requests: int, arrival: Arrival) -> LoadPoint:
    """Arrivals at a rate."""
    cap = int(concurrency) if concurrency else None
    return LoadPoint(0, arrival, cap, rate_per_s=rate_per_s, requests=requests, warmup=0)


def measured(
    point: LoadPoint,
    *,
    tool: str,
    tool_version: str,
    started_at: datetime,
    duration_s: float,
    requests: RequestCounts,
    input_tokens: float,
    output_tokens: float,
    distributions: Mapping[str, Distribution | None],
    notes: Iterable[str] = (),
    seed: int | None = None,
) -> Measurement:
    """A measurement whose rates are ours: over the whole duration, of what succeeded. Raises Unreadable
    (no_duration)."""
    if duration_s <= 0:
        raise Unreadable("no_duration")
    return Measurement(
        point_index=0,
        repeat=0,
        tool=tool,
        tool_version=tool_version or UNKNOWN_VERSION,
        seed=seed,
        started_at=started_at,
        duration_s=duration_s,
        concurrency=point.concurrency,
        rate_per_s=point.rate_per_s,
        requests=requests,
        input_tokens=round(input_tokens),
        output_tokens=round(output_tokens),
        requests_per_s=requests.succeeded / duration_s,
        output_tokens_per_s=output_tokens / duration_s,
        total_tokens_per_s=(input_tokens + output_tokens) / duration_s,
        **{name: distributions.get(name) for name in _DISTRIBUTIONS},  # type: ignore[arg-type]
        warnings=tuple(notes),
    )


def checked(found: ImportedPoint) -> ImportedPoint:
    """Nothing that is not a number comes any further. Raises Unreadable (bad_number, no_duration, missing)."""
    one = found.measurement
    if one.duration_s == 0:
        raise Unreadable("no_duration")
    values: list[float] = [one.duration_s, one.requests_per_s, one.output_tokens_per_s, one.total_tokens_per_s]
    for name in _DISTRIBUTIONS:
        part: Distribution | None = getattr(one, name)
        values += [] if part is None else [part.mean, part.min, part.max, part.p50, part.p90, part.p95, part.p99]
        values += [part.std] if part is not None and part.std is not None else []
    if not all(isfinite(value) and value >= 0 for value in values) or one.duration_s > _LONGEST_S:
        raise Unreadable("bad_number")
    counts = (one.requests.succeeded, one.requests.failed, one.concurrency, found.point.requests, one.seed)
    if any(count is not None and not 0 <= count <= _MOST for count in (*counts, *found.lengths)):
        raise Unreadable("bad_number")
    if not found.model:
        raise Unreadable("missing", field="model")
    return found


def request_lines(records: Sequence[Mapping[str, Any]]) -> str:
    """Lines as our own generator's requests.jsonl; what a tool does not tell of a request is null."""
    empty = dict.fromkeys(("started_s", "late_ms", "ttft_ms", "e2el_ms", "tpot_ms", "input_tokens", "output_tokens"))
    rest: dict[str, Any] = {"failure": None, "detail": "", "process": 0, "itl_ms": []}
    lines = [{"index": index, **empty, **rest, **record} for index, record in enumerate(records)]
    return "".join(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n" for line in lines)


def with_notes(found: ImportedPoint, *notes: str) -> ImportedPoint:
    """The same with more warnings."""
    return replace(found, measurement=replace(found.measurement, warnings=(*found.measurement.warnings, *notes)))
