"""Every sentence exists in both languages, with the same parameters, for every code that core speaks."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core import errors
from core.domain.benchmark import RunState
from core.domain.deployment import DeploymentState
from core.domain.endpoint import KeyState, Origin
from core.domain.finding import Finding, Severity
from core.domain.job import JobKind, JobState, Reason
from render import texts
from render.texts import LANGUAGES, Texts, best_language, placeholders, sentences

CORE = Path(errors.__file__).parent
NAMES = {"page.benchmark.engine_vllm-bench"}  # the same in every language
KINDS = re.compile(r"NotFoundError\(kind=\"(\w+)\"")
HELPERS = {"Finding", "UrlError", "Reason", "_block", "_find", "_warn", "_note", "block", "warn", "note"}


def error_classes(base: type[errors.AppError] = errors.AppError) -> Iterator[type[errors.AppError]]:
    yield base
    for child in base.__subclasses__():
        yield from error_classes(child)


def codes_in_core() -> dict[str, str]:
    """Every literal code handed to an error, a finding or a helper that makes one, and where it stands."""
    makers = HELPERS | {cls.__name__ for cls in error_classes()}
    found: dict[str, str] = {}
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in makers and node.args:
                for code in _literals(node.args[0]):
                    found[code] = f"{path.relative_to(CORE.parent)}:{node.lineno}"
    return found


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def test_both_languages_have_the_same_keys() -> None:
    english, chinese = (set(sentences(language)) for language in LANGUAGES)
    assert sorted(english - chinese) == [], "missing in zh/"
    assert sorted(chinese - english) == [], "missing in en/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_files_of_a_language_hold_the_same_key(language: str) -> None:
    folder = Path(texts.__file__).parent / language
    keys = [key for file in sorted(folder.glob("*.toml")) for key in texts.flat(tomllib.loads(file.read_text("utf-8")))]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []


def test_both_languages_name_the_same_parameters() -> None:
    english, chinese = (sentences(language) for language in LANGUAGES)
    differing = [key for key in english if key in chinese and placeholders(english[key]) != placeholders(chinese[key])]
    assert differing == []


def test_no_chinese_sentence_was_left_in_english() -> None:
    english, chinese = (sentences(language) for language in LANGUAGES)
    same = [k for k in english if english[k] == chinese.get(k) and len(english[k].split()) > 2 and k not in NAMES]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_of_core_has_a_sentence(language: str) -> None:
    t = Texts(language)
    known = codes_in_core() | {cls.default_code: cls.__name__ for cls in error_classes()}
    missing = {code: where for code, where in known.items() if not (t.has(f"error.{code}") or t.has(f"finding.{code}"))}
    assert missing == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_has_a_word(language: str) -> None:
    t = Texts(language)
    groups = {
        "job": [*JobState, *JobKind],
        "run": RunState,
        "deployment": DeploymentState,
        "origin": Origin,
        "key_state": KeyState,
        "severity": Severity,
    }
    assert [
        f"{group}.{item}" for group, items in groups.items() for item in items if not t.has(f"{group}.{item}")
    ] == []


def test_an_error_says_what_happened_with_its_values() -> None:
    error = errors.PortTaken(port=8000, owner="vllm_service")
    assert Texts("en").error(error) == "Port 8000 is taken by vllm_service. Stop it, or choose another port."
    assert "8000" in Texts("zh").error(error)


def test_a_code_known_only_as_a_finding_can_fail_a_job_in_the_same_words() -> None:
    params = {"url": "http://a/v1"}
    said = Texts("en").finding(Finding("endpoint_refused", Severity.BLOCK, "url", params))
    assert (
        said
        == Texts("en").reason(Reason("endpoint_refused", params))
        == Texts("en").error(errors.Unreachable("endpoint_refused", **params))
    )
    assert "http://a/v1" in said


def test_a_missing_key_reads_as_itself_and_a_missing_parameter_as_a_dash() -> None:
    t = Texts("en")
    assert t("no.such.key") == "no.such.key"
    assert t("error.port_taken", port=None) == "Port – is taken by –. Stop it, or choose another port."


def test_words_follow_the_number() -> None:
    t = Texts("en")
    assert "1 blocking finding." in t("error.plan_blocked", count=1)
    assert "2 blocking findings." in t("error.plan_blocked", count=2)


@pytest.mark.parametrize(
    ("wish", "language"),
    [("zh-CN", "zh"), ("zh_TW", "zh"), ("en-GB", "en"), ("de,zh;q=0.8,en;q=0.5", "zh"), ("fr", "en"), (None, "en")],
)
def test_the_browsers_wish_decides_the_first_language(wish: str | None, language: str) -> None:
    assert best_language(wish) == language


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "There is no kept view v-1 any more. It may have been removed."),
        ("zh", "固定视图 v-1 已不存在，可能已被移除。"),
    ],
)
def test_what_is_not_there_is_named_in_the_readers_language(language: str, told: str) -> None:
    assert Texts(language).error(errors.NotFoundError(kind="view", id="v-1")) == told


def test_every_kind_of_thing_that_may_be_missing_has_a_name() -> None:
    found = {kind for path in CORE.rglob("*.py") for kind in KINDS.findall(path.read_text("utf-8"))}
    assert len(found) > 15
    for language in LANGUAGES:
        assert not [kind for kind in found if not Texts(language).has(f"thing.{kind}")]


def test_a_percent_sign_stands_apart_in_a_sentence_as_in_a_table() -> None:
    t = Texts("en")
    assert t("progress.dataset", dataset="gsm8k", score=0.8, output_tokens_per_s=21.4).startswith("gsm8k, 80.0 % right")
    assert t.percent(0.8) == "80.0 %"


def test_numbers_keep_three_figures_and_absent_is_a_dash() -> None:
    t = Texts("en")
    assert [t.number(v) for v in (0, 1.234, 12.34, 123.4, 12345.6, None)] == ["0", "1.23", "12.3", "123", "12,346", "–"]
    assert (t.ms(201.4), t.ms(12_500), t.percent(0.123), t.size(1536), t.size(12)) == (
        "201 ms",
        "12.5 s",
        "12.3 %",
        "1.50 KiB",
        "12 B",
    )


def test_spans_show_their_two_largest_units() -> None:
    assert [Texts("en").duration(s) for s in (0.42, 75.2, 3_725, None)] == ["0.4 s", "1 min 15 s", "1 h 2 min", "–"]
    assert Texts("zh").duration(3_725) == "1 小时 2 分钟"


def test_times_are_shown_in_the_readers_zone() -> None:
    at = datetime(2026, 11, 24, 20, 5, tzinfo=UTC)
    assert Texts("en").when(at) == "24 Nov 2026 20:05"
    assert Texts("zh", ZoneInfo("Asia/Shanghai")).when(at) == "2026-11-25 04:05"
    assert Texts("en").ago(at, at + timedelta(minutes=5)) == "5 min ago"
    assert Texts("zh").ago(at, at + timedelta(hours=3)) == "3 小时前"
