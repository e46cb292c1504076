"""Catalog files (YAML) to catalog objects. A bad entry is reported with file, path and reason, and skipped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from core.domain.catalog import Catalog, CatalogProblem, FlagList, FlagRule, SavedProfile, cross_check
from core.domain.deployment import DeploymentRequest
from core.domain.model import Model
from core.domain.platform import Image, Platform
from core.domain.profile import ProfileGroup

T = TypeVar("T")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_catalog(files: Iterable[tuple[str, str]]) -> Catalog:
    """A catalog from (relative path, text) pairs; the first folder of the path says what a file holds. A later file's
    entry replaces an earlier one of the same id, so that a team's own folder, read last, wins."""
    reading = _Reading()
    for path, text in files:
        reading.file(path, text)
    catalog = reading.catalog(())
    return reading.catalog(cross_check(catalog))


class _Reading:
    def __init__(self) -> None:
        self.platforms: dict[str, Platform] = {}
        self.images: dict[str, Image] = {}
        self.models: dict[str, Model] = {}
        self.groups: dict[str, ProfileGroup] = {}
        self.rules: dict[str, FlagRule] = {}
        self.flag_lists: dict[str, FlagList] = {}
        self.saved: dict[str, SavedProfile] = {}
        self.problems: list[CatalogProblem] = []

    def catalog(self, more: tuple[CatalogProblem, ...]) -> Catalog:
        problems = (*self.problems, *more)
        return Catalog(
            self.platforms,
            self.images,
            self.models,
            self.groups,
            self.rules,
            self.flag_lists,
            self.saved,
            problems,
        )

    def file(self, path: str, text: str) -> None:
        folder = path.split("/", 1)[0]
        readers: dict[str, Callable[[str, Mapping[str, Any]], None]] = {
            "platforms": self._platform,
            "images": self._image,
            "models": self._models,
            "profiles": self._group,
            "rules": self._rules,
            "flags": self._flags,
            "saved": self._saved,
        }
        if folder not in readers:
            return
        content = self._parse(path, text)
        if content is not None:
            readers[folder](path, content)

    def _parse(self, path: str, text: str) -> Mapping[str, Any] | None:
        try:
            content = yaml.load(text, Loader=Loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"line {mark.line + 1}" if mark else ""
            self.problems.append(CatalogProblem(path, where, getattr(error, "problem", None) or "not YAML"))
            return None
        if not isinstance(content, dict):
            self.problems.append(CatalogProblem(path, "", "must be a mapping"))
            return None
        return content

    def _build(self, kind: type[T], path: str, where: str, values: Mapping[str, Any]) -> T | None:
        known = set(kind.__dataclass_fields__)  # type: ignore[attr-defined]
        for name in sorted(set(values) - known):
            self.problems.append(CatalogProblem(path, f"{where}{name}", "unknown field"))
        try:
            accepted = {key: value for key, value in values.items() if key in known}
            built: T = _adapter(kind).validate_python(accepted)  # type: ignore[arg-type]
            return built
        except ValidationError as error:
            for detail in error.errors():
                location = ".".join(str(part) for part in detail["loc"])
                self.problems.append(CatalogProblem(path, f"{where}{location}", detail["msg"]))
            return None

    def _platform(self, path: str, content: Mapping[str, Any]) -> None:
        platform = self._build(Platform, path, "", content)
        if platform:
            self.platforms[platform.id] = platform

    def _image(self, path: str, content: Mapping[str, Any]) -> None:
        image = self._build(Image, path, "", content)
        if image:
            self.images[image.id] = image

    def _group(self, path: str, content: Mapping[str, Any]) -> None:
        group = self._build(ProfileGroup, path, "", content)
        if group:
            self.groups[group.group] = group

    def _flags(self, path: str, content: Mapping[str, Any]) -> None:
        found = self._build(FlagList, path, "", content)
        if found:
            self.flag_lists[found.vllm] = found

    def _saved(self, path: str, content: Mapping[str, Any]) -> None:
        key = path.rsplit("/", 1)[-1].removesuffix(".yaml").lower()
        found = self._build(SavedProfile, path, "", {"key": key, **content})
        if found:
            self.saved[found.key] = found

    def _models(self, path: str, content: Mapping[str, Any]) -> None:
        family = content.get("family")
        for where, values in self._rows(path, content, "models"):
            model = self._build(Model, path, where, {"family": family, **values})
            if model:
                self.models[model.key] = model

    def _rules(self, path: str, content: Mapping[str, Any]) -> None:
        for where, values in self._rows(path, content, "rules"):
            rule = self._build(FlagRule, path, where, values)
            if rule:
                self.rules[rule.id] = rule

    def _rows(self, path: str, content: Mapping[str, Any], name: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
        rows = content.get(name)
        if not isinstance(rows, list):
            self.problems.append(CatalogProblem(path, name, "must be a list"))
            return
        for index, row in enumerate(rows):
            if isinstance(row, dict):
                yield f"{name}[{index}].", row
            else:
                self.problems.append(CatalogProblem(path, f"{name}[{index}]", "must be a mapping"))


def write_saved(profile: SavedProfile) -> str:
    """The file of a saved profile; what is left at its default is left out."""
    request = _adapter(DeploymentRequest).dump_python(profile.request, mode="json", exclude_defaults=True)
    document = {"name": profile.name, "source": profile.source, "request": request}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
