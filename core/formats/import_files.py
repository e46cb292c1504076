"""Files of results, whatever wrote them: told apart by what is in them, put together where one result has several
files, refused one by one with line and reason."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from core.formats import import_evalscope as evalscope
from core.formats.import_aiperf import is_aiperf, read_aiperf
from core.formats.import_guidellm import is_guidellm, read_guidellm
from core.formats.import_reading import ImportedPoint, Unreadable, checked, load_json, understood
from core.formats.import_vllm import is_vllm, read_vllm

FILE_LIMIT_BYTES = 64 << 20
_ARCHIVE_LIMIT_BYTES = 256 << 20
_ARCHIVE_FILES = 1_000
_KEPT_ENDINGS = (".json", ".jsonl")


@dataclass(frozen=True)
class Refusal:
    """A file, or a line of it, that is not imported. Sentence: [import] ``refused_<code>``."""

    file: str
    code: str
    line: int | None = None
    params: Mapping[str, str | int | float | None] | None = None


@dataclass(frozen=True)
class Found:
    """One point, and the files it was read from (name, content)."""

    point: ImportedPoint
    files: tuple[tuple[str, bytes], ...]


def read_results(files: Sequence[tuple[str, bytes]]) -> tuple[tuple[Found, ...], tuple[Refusal, ...]]:
    """Everything that can be imported of some files, and everything that cannot. An archive (zip) stands for the JSON
    files in it. Names may be paths: files of one folder belong together."""
    found: list[Found] = []
    refused: list[Refusal] = []
    folders: dict[str, _EvalScope] = {}
    for name, content in _unpacked(files, refused):
        for one in _file(name, content, folders):
            (found if isinstance(one, Found) else refused).append(one)  # type: ignore[arg-type]
    for folder in folders.values():
        one = folder.result()
        (found if isinstance(one, Found) else refused).append(one)  # type: ignore[arg-type]
    return tuple(_each_once(found, refused)), tuple(refused)


def _each_once(found: Sequence[Found], refused: list[Refusal]) -> Iterator[Found]:
    """No two measurements are equal to the last digit: a copy would pass for a repeat, and a spread of nothing."""
    seen: dict[tuple[object, ...], list[Found]] = {}
    for one in found:
        measured = one.point.measurement
        alike = seen.setdefault((one.point.model, measured.started_at, measured.duration_s), [])
        if any(one.point == other.point for other in alike):
            refused.append(Refusal(one.files[0][0], "twice"))
        else:
            alike.append(one)
            yield one


def _unpacked(files: Sequence[tuple[str, bytes]], refused: list[Refusal]) -> Iterator[tuple[str, bytes]]:
    for name, content in files:
        try:
            if content[:4] == b"PK\x03\x04":
                yield from _archive(name, content, refused)
            elif len(content) > FILE_LIMIT_BYTES:
                raise Unreadable("too_large", limit_mib=FILE_LIMIT_BYTES >> 20)
            else:
                yield name, content
        except Unreadable as problem:
            refused.append(_refusal(name, problem))


def _archive(name: str, content: bytes, refused: list[Refusal]) -> Iterator[tuple[str, bytes]]:
    """What it says of its sizes is checked, and what comes out of it is bounded; a damaged file in it spoils no
    other."""
    with _opened(), zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [one for one in archive.infolist() if one.filename.lower().endswith(_KEPT_ENDINGS)]
        if len(entries) > _ARCHIVE_FILES or sum(one.file_size for one in entries) > _ARCHIVE_LIMIT_BYTES:
            raise Unreadable("too_large", limit_mib=_ARCHIVE_LIMIT_BYTES >> 20)
        for entry in entries:
            try:
                data = _extracted(archive, entry)
            except Unreadable as problem:
                refused.append(_refusal(f"{name}/{entry.filename}", problem))
            else:
                yield f"{name}/{entry.filename}", data


def _extracted(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Raises Unreadable (too_large, bad_archive)."""
    with _opened(), archive.open(entry) as file:
        data = file.read(FILE_LIMIT_BYTES + 1)
    if len(data) > FILE_LIMIT_BYTES:
        raise Unreadable("too_large", limit_mib=FILE_LIMIT_BYTES >> 20)
    return data


@contextmanager
def _opened() -> Iterator[None]:
    """Raises Unreadable (bad_archive). RuntimeError: it wants a password; NotImplementedError: a compression that
    zipfile does not know."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unreadable("bad_archive", detail=str(error)) from error


class _EvalScope:
    """The parts of one folder."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.files: list[tuple[str, bytes]] = []

    def result(self) -> Found | Refusal:
        """Once all files were seen."""
        try:
            with understood():
                return Found(checked(evalscope.read_evalscope(self.parts)), tuple(self.files))
        except Unreadable as problem:
            return _refusal(self.files[0][0], problem)


def _file(name: str, content: bytes, folders: dict[str, _EvalScope]) -> Iterator[Found | Refusal]:
    try:
        documents = _documents(content)
    except Unreadable as problem:
        yield _refusal(name, problem)
        return
    if len(documents) > 1 and not any(_is_known(document) for _, document in documents):
        yield Refusal(name, "foreign")
        return
    for line, document in documents:
        if isinstance(document, Unreadable):
            yield _refusal(name, document)
            continue
        part = evalscope.part_of(document)
        if part is not None:
            folder = folders.setdefault(str(PurePosixPath(name).parent), _EvalScope())
            if part in folder.parts:
                yield Refusal(name, "evalscope_twice")
                continue
            folder.parts[part] = document
            folder.files.append((name, content))
            continue
        yield from _one(name, content, line, document)


def _is_known(document: Any) -> bool:
    """Whether it looks like a result of some tool."""
    tests = (is_aiperf, is_guidellm, is_vllm, evalscope.part_of)
    return not isinstance(document, Unreadable) and any(test(document) for test in tests)


def _one(name: str, content: bytes, line: int | None, document: Any) -> Iterator[Found | Refusal]:
    for point in _points(document):
        try:
            if isinstance(point, Unreadable):
                raise point
            with understood():
                sound = checked(point)
            yield Found(sound, ((name, content),))
        except Unreadable as problem:
            problem.line = problem.line or line
            yield _refusal(name, problem)


def _points(document: Any) -> Iterator[ImportedPoint | Unreadable]:
    try:
        with understood():
            if is_aiperf(document):
                yield read_aiperf(document)
            elif is_guidellm(document):
                yield from read_guidellm(document)
            elif is_vllm(document):
                yield read_vllm(document)
            else:
                yield Unreadable("foreign")
    except Unreadable as problem:
        yield problem


def _documents(content: bytes) -> list[tuple[int | None, Any]]:
    """One JSON document, or one in each line (vLLM's --append-result). Raises Unreadable (empty, not_text,
    not_json)."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable("not_text", offset=error.start) from error
    if not text.strip():
        raise Unreadable("empty")
    try:
        return [(None, load_json(text))]
    except Unreadable as problem:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2 or not all(line.lstrip().startswith("{") for _, line in lines):
            raise problem from None
    return [(number, _line(number, line)) for number, line in lines]


def _line(number: int, text: str) -> Any:
    try:
        return load_json(text)
    except Unreadable as problem:
        problem.line = number
        return problem


def _refusal(name: str, problem: Unreadable) -> Refusal:
    return Refusal(name, problem.code, problem.line, problem.params)
