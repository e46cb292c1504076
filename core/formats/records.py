"""Domain objects to JSON text and back: what the database keeps whole, and what child processes are handed."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class RecordError(ValueError):
    """A stored text does not fit its type: it was written by a newer version, or damaged."""


def dumps(kind: type[T], value: T) -> str:
    """JSON of a frozen dataclass; times in ISO 8601 with their offset, names as the fields'."""
    return _adapter(kind).dump_json(value).decode()  # type: ignore[arg-type]  # a class is hashable


def loads(kind: type[T], text: str) -> T:
    """The object again. Unknown fields are left out, missing ones take their defaults. Raises RecordError."""
    try:
        loaded: T = _adapter(kind).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        raise RecordError(f"{getattr(kind, '__name__', kind)}: {error.error_count()} fields do not fit") from error
    return loaded


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
