"""The rules of serving: what a model, a profile, a platform and an image allow together.

Every number comes from the catalog; here is only the reasoning. A rule returns findings and never raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from core.domain.catalog import Catalog, FlagRule
from core.domain.finding import Finding, Severity
from core.domain.model import Model
from core.domain.platform import Image, Platform
from core.domain.profile import Profile

Params = dict[str, str | int | float | bool | None]
BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE


@dataclass(frozen=True, kw_only=True)
class PlatformChoice:
    """What a platform and its image are asked for, whatever the model. ``image`` None: no image that the catalog
    knows."""

    platform: Platform
    tag: str
    tp: int
    pp: int
    mtp: bool = False
    image: Image | None = None
    architecture: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()

    @property
    def devices_needed(self) -> int:
        """A rank is a device (a die): TP x PP."""
        return self.tp * self.pp


@dataclass(frozen=True, kw_only=True)
class ServingChoice(PlatformChoice):
    """What a person chose: counts of ranks, limits in tokens. ``devices_available`` None: not counted yet.
    ``max_model_len`` None: left to vLLM, which takes the model's own, ``own_model_len`` where that is known."""

    model: Model
    profile: Profile
    max_model_len: int | None
    own_model_len: int | None = None
    devices_available: int | None = None
    max_concurrency: int | None = None
    max_input_len: int | None = None


def check(choice: ServingChoice, catalog: Catalog) -> tuple[Finding, ...]:
    """Every finding about ``choice``, the blocking ones first. The limits are those of the profile of its sizes; on a
    platform that the model was not tested on they say nothing."""
    if choice.platform.id not in choice.model.platforms:
        return _blocks_first([_not_listed(choice), *_devices(choice), *check_platform(choice, catalog)])
    tested = tested_profile(choice, catalog)
    found = [
        *_parallelism(choice, catalog),
        *_devices(choice),
        *_other_profile(choice, tested),
        *_limits(choice, tested),
        *_extension(choice, catalog),
        *_mtp(choice, tested),
        *_environment(choice, tested, catalog),
        *check_platform(choice, catalog),
    ]
    return _blocks_first(found)


def check_platform(choice: PlatformChoice, catalog: Catalog) -> tuple[Finding, ...]:
    """What platform and image say by themselves: it holds for every model, also one that the catalog does not know."""
    found = [
        *_template(choice.platform),
        *_forbidden_environment(choice),
        *_flags(choice),
        *_image_rules(choice, catalog),
        *_architecture(choice),
    ]
    return _blocks_first(found)


def _blocks_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def tested_profile(choice: ServingChoice, catalog: Catalog) -> Profile:
    """The profile that was tested with these sizes: limits are a function of model, TP and PP, not of a name. Where
    none was, the chosen one."""
    sizes = (choice.tp, choice.pp)
    candidates = (choice.profile, *catalog.profiles(choice.model))
    return next((one for one in candidates if (one.tp, one.pp) == sizes), choice.profile)


def _not_listed(choice: ServingChoice) -> Finding:
    params: Params = {"model": choice.model.name, "platform": choice.platform.name}
    return Finding("model_not_listed_for_platform", WARN, "platform", params, choice.model.source)


def _parallelism(choice: ServingChoice, catalog: Catalog) -> Iterator[Finding]:
    group = catalog.groups.get(choice.model.profiles)
    source = group.source if group else choice.model.source
    tested = catalog.profiles(choice.model)
    sizes = sorted({profile.tp for profile in tested})
    if choice.tp not in sizes:
        params: Params = {"model": choice.model.name, "tp": choice.tp, "allowed": ", ".join(map(str, sizes))}
        yield Finding("tp_not_tested", BLOCK, "tp", params, source)
    elif choice.pp not in {profile.pp for profile in tested if profile.tp == choice.tp}:
        yield Finding("pp_not_tested", BLOCK, "pp", {"tp": choice.tp, "pp": choice.pp}, source)


def _devices(choice: ServingChoice) -> Iterator[Finding]:
    available, needed = choice.devices_available, choice.devices_needed
    if available is not None and needed > available:
        card = choice.platform.card
        params: Params = {"needed": needed, "available": available, "tp": choice.tp, "pp": choice.pp}
        derived = bool(card and card.dies_derived)
        source = (card.evidence if card else None) or choice.platform.source
        yield Finding("devices_short", BLOCK, "devices", params, source, derived)


def _other_profile(choice: ServingChoice, tested: Profile) -> Iterator[Finding]:
    if tested is not choice.profile:
        params: Params = {"profile": choice.profile.name, "sizes": tested.name, "tp": tested.tp, "pp": tested.pp}
        yield Finding("profile_of_sizes", NOTE, "profile", params, choice.model.source)


def _limits(choice: ServingChoice, profile: Profile) -> Iterator[Finding]:
    source = choice.model.source
    yield from _context(choice, profile)
    limit = profile.max_input_len
    if choice.max_input_len is not None and limit is not None and choice.max_input_len > limit:
        params: Params = {"value": choice.max_input_len, "limit": limit, "profile": profile.name}
        yield Finding("input_over_limit", BLOCK, "max_input_len", params, source)
    if choice.max_concurrency is not None and choice.max_concurrency > profile.max_concurrency:
        params = {"value": choice.max_concurrency, "limit": profile.max_concurrency}
        yield Finding("concurrency_over_limit", WARN, "max_concurrency", params, source)


def _context(choice: ServingChoice, profile: Profile) -> Iterator[Finding]:
    """A length that nobody sets is the model's own."""
    asked, own, source = choice.max_model_len, choice.own_model_len, choice.model.source
    params: Params = {"value": asked or own, "limit": profile.max_model_len, "profile": profile.name}
    if asked is not None and asked > profile.max_model_len:
        yield Finding("context_over_limit", BLOCK, "max_model_len", params, source)
    elif asked is None and own is not None and own > profile.max_model_len:
        yield Finding("context_unset_over_limit", BLOCK, "max_model_len", params, source)
    elif asked is None and own is None:
        yield Finding("context_not_set", WARN, "max_model_len", {"limit": profile.max_model_len}, source)


def _extension(choice: ServingChoice, catalog: Catalog) -> Iterator[Finding]:
    """A profile may be longer than the model is by itself: then the vendor's way to it is told. Where positions are
    scaled already, ``own_model_len`` is not known, or is the longer one."""
    asked, own = choice.max_model_len, choice.own_model_len
    if asked is None or own is None or asked <= own:
        return
    for rule in catalog.flag_rules.values():
        if rule.action == "extend" and choice.model.name in rule.models:
            params: Params = {"model": choice.model.name, "own": own, "vllm": rule.from_vllm, "words": rule.words}
            yield Finding("context_by_extension", NOTE, "max_model_len", params, rule.source)


def _mtp(choice: ServingChoice, profile: Profile) -> Iterator[Finding]:
    if not choice.mtp:
        return
    if choice.pp > 1:
        yield Finding("mtp_with_pp", BLOCK, "mtp", {"pp": choice.pp}, choice.model.source)
    elif not profile.mtp:
        params: Params = {"model": choice.model.name, "profile": profile.name}
        yield Finding("mtp_not_supported", BLOCK, "mtp", params, choice.model.source)


def _environment(choice: ServingChoice, profile: Profile, catalog: Catalog) -> Iterator[Finding]:
    own = {**choice.model.env, **profile.env}
    for name, value in own.items():
        if choice.env.get(name) != value:
            params: Params = {"name": name, "value": value, "profile": profile.name}
            yield Finding("env_expected", WARN, "env", params, choice.model.source)
    others = {name for other in catalog.profiles(choice.model) for name in other.env}
    for name in sorted(others - set(own)):
        if name in choice.env:
            params = {"name": name, "profile": profile.name}
            yield Finding("env_for_another_profile", WARN, "env", params, choice.model.source)


def _template(platform: Platform) -> Iterator[Finding]:
    """Its run line is a third party's, its image the team's to give."""
    if platform.tier == "template":
        yield Finding("platform_template", NOTE, "platform", {"platform": platform.name}, platform.source)


def _forbidden_environment(choice: PlatformChoice) -> Iterator[Finding]:
    for name in choice.platform.forbidden_env:
        if name in choice.env:
            yield Finding("env_forbidden", BLOCK, "env", {"name": name}, choice.platform.source)


def flag_names(args: tuple[str, ...]) -> tuple[str, ...]:
    """The flags in ``args`` without their values, underscores as dashes (vLLM takes both)."""
    flags = (arg.split("=", 1)[0] for arg in args if arg.startswith("--"))
    return tuple(flag.replace("_", "-") for flag in flags)


def _flags(choice: PlatformChoice) -> Iterator[Finding]:
    used = flag_names(choice.args)
    for flag in choice.platform.forbidden_flags:
        if flag in used:
            params: Params = {"flag": flag, "platform": choice.platform.name}
            source = choice.platform.forbidden_source or choice.platform.source
            yield Finding("flag_forbidden", BLOCK, "args", params, source)
    for flag in choice.platform.serve_always:
        if flag.split("=", 1)[0] not in used:
            params = {"flag": flag, "platform": choice.platform.name}
            yield Finding("flag_expected", WARN, "args", params, choice.platform.source)


def _image_rules(choice: PlatformChoice, catalog: Catalog) -> Iterator[Finding]:
    image = choice.image
    if image is not None and image.order and image.generation(choice.tag) is None:
        yield Finding("tag_unknown", NOTE, "image", {"tag": choice.tag, "repository": image.repository}, image.source)
    for rule in catalog.flag_rules.values():
        yield from _flag_rule(choice, rule)


def _flag_rule(choice: PlatformChoice, rule: FlagRule) -> Iterator[Finding]:
    used = flag_names(choice.args)
    modes = {"mtp": choice.mtp, "pp": choice.pp > 1}
    wanted = any(modes[mode] for mode in rule.when)
    params: Params = {"flag": rule.flag or "", "tag": choice.tag, "instead": rule.instead or ""}
    applies = _applies(choice, rule)
    if rule.action == "require" and applies is not None and rule.flag is not None:
        if applies and wanted and rule.flag not in used:
            yield Finding("flag_required_by_image", BLOCK, "args", params, rule.source)
        elif not applies and rule.flag in used:
            yield Finding("flag_unknown_to_image", WARN, "args", params, rule.source)
    elif rule.action == "removed" and applies and rule.flag in used:
        yield Finding("flag_removed", BLOCK, "args", params, rule.source)
    elif rule.action == "removed" and applies is None and rule.flag in used:
        since: Params = {**params, "vllm": rule.from_vllm or rule.from_tag or ""}
        yield Finding("flag_removed_since", WARN, "args", since, rule.source)
    elif rule.action == "rename" and applies and choice.mtp and any(f'"{rule.method}"' in arg for arg in choice.args):
        names = {"old": rule.method or "", "new": rule.renamed_to or ""}
        yield Finding("method_renamed", NOTE, "args", names, rule.source)
    elif rule.action == "caution" and applies and wanted and rule.max_input_len is not None:
        yield Finding("input_caution", WARN, "max_input_len", {"limit": rule.max_input_len}, rule.source)


def _applies(choice: PlatformChoice, rule: FlagRule) -> bool | None:
    """Whether the rule covers this image; None where the image's generation or version is not known."""
    image = choice.image
    if image is None or (rule.image is not None and image.id != rule.image):
        return None
    if rule.from_vllm is not None:
        version = _vllm_of(image, choice.tag)
        return None if version is None else _numbers(version) >= _numbers(rule.from_vllm)
    place = image.generation(choice.tag)
    if place is None:
        return None
    first = image.generation(rule.from_tag) if rule.from_tag else 0
    last = image.generation(rule.until_tag) if rule.until_tag else len(image.order)
    return first is not None and last is not None and first <= place <= last


def _vllm_of(image: Image, tag: str) -> str | None:
    listed = {item.tag: item.vllm for item in image.tags}
    if tag in listed:
        return listed[tag]
    bare = tag.removeprefix("v").split("-", 1)[0]
    return bare if bare.replace(".", "").isdecimal() else None


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split("+", 1)[0].split(".")[:3]
    return tuple(int(part) for part in parts if part.isdecimal())


def _architecture(choice: PlatformChoice) -> Iterator[Finding]:
    here = choice.architecture
    if here is None:
        return
    if here not in choice.platform.architectures:
        params: Params = {"architecture": here, "platform": choice.platform.name}
        yield Finding("architecture_unsupported", BLOCK, "platform", params, choice.platform.source)
    elif here == "aarch64" and choice.image is not None:
        yield from _arm_tag(choice, choice.image)


def _arm_tag(choice: PlatformChoice, image: Image) -> Iterator[Finding]:
    arm, tag = image.arm, choice.tag
    if arm.rule == "ask":
        yield Finding("arm_tag_unknown", WARN, "image", {"repository": image.repository}, image.source)
    elif arm.rule == "tag" and arm.tag is not None and tag != arm.tag:
        yield Finding("arm_tag_expected", WARN, "image", {"tag": tag, "expected": arm.tag}, image.source)
    elif arm.rule == "append" and arm.suffix is not None:
        if not tag.endswith(arm.suffix):
            params: Params = {"tag": tag, "expected": f"{tag}{arm.suffix}"}
            yield Finding("arm_tag_expected", WARN, "image", params, image.source)
        elif _after(image, tag, arm.stated_until):
            yield Finding("arm_tag_not_stated", WARN, "image", {"tag": tag}, image.source)


def _after(image: Image, tag: str, last: str | None) -> bool:
    place = image.generation(tag)
    limit = image.generation(last) if last else None
    return place is None or (limit is not None and place > limit)
