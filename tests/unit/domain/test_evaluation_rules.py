"""What is said of an evaluation before it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    DatasetKind,
    DatasetOrigin,
    EvaluationRequest,
    Limit,
    Need,
    Sampling,
    SamplingPreset,
    Subset,
)
from core.domain.evaluation_rules import (
    Surroundings,
    advised_sampling,
    evaluation_findings,
    fitting_max_tokens,
    plan_dataset,
)
from core.domain.finding import Finding, Severity
from core.domain.limits import ServingLimits
from tests.fakes import samples

BLOCK, WARN, NOTE = Severity.BLOCK, Severity.WARN, Severity.NOTE


def dataset(key: str = "mmlu", **changes: Any) -> Dataset:
    base = Dataset(
        key=key,
        name=key.upper(),
        origin=DatasetOrigin.EVALSCOPE,
        kind=DatasetKind.BENCHMARK,
        category="llm",
        subsets=(Subset("anatomy", 135), Subset("law", 9)),
        samples=144,
        prompt_chars=700.0,
        longest_chars=7000.0,
        languages=("en",),
    )
    return replace(base, **changes)


def found(
    around: Surroundings | None = None, known: Mapping[str, Dataset] | None = None, **changes: Any
) -> dict[str, Finding]:
    request = replace(EvaluationRequest("ep-1", (DatasetChoice("mmlu"),), max_tokens=512), **changes)
    listed = known if known is not None else {"mmlu": dataset()}
    told = evaluation_findings(request, samples.endpoint(), listed, around or Surroundings())
    return {one.code: one for one in told}


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        (Limit(), 144),
        (Limit(count=10), 19),  # 10 of the first subset, 9 of the second
        (Limit(share=0.1), 13),  # int(13.5) + int(0.9)
    ],
)
def test_questions_are_counted_as_evalscope_limits_them(limit: Limit, count: int) -> None:
    planned = plan_dataset(DatasetChoice("mmlu"), dataset(), limit, repeats=2)
    assert (planned.questions, planned.requests) == (count, 2 * count)


def test_a_size_that_is_not_known_stays_unknown() -> None:
    unknown = dataset(subsets=(Subset("a", 5), Subset("b")), samples=50)
    assert plan_dataset(DatasetChoice("mmlu"), unknown, Limit(), 1).questions == 50
    assert plan_dataset(DatasetChoice("mmlu"), unknown, Limit(count=3), 1).questions is None
    assert plan_dataset(DatasetChoice("mmlu", ("a",)), unknown, Limit(count=3), 1).questions == 3


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"datasets": ()}, "eval_no_datasets", "datasets"),
        ({"datasets": (DatasetChoice("mmlu"), DatasetChoice("mmlu"))}, "eval_dataset_twice", "datasets"),
        ({"datasets": (DatasetChoice("mmlo"),)}, "eval_dataset_unknown", "datasets"),
        ({"datasets": (DatasetChoice("nothing-like-it"),)}, "eval_dataset_strange", "datasets"),
        ({"datasets": (DatasetChoice("mmlu", ("lawn",)),)}, "eval_subset_unknown", "datasets"),
        ({"datasets": (DatasetChoice("mmlu", few_shot=-1),)}, "eval_too_small", "few_shot"),
        ({"limit": Limit(count=0)}, "eval_too_small", "limit"),
        ({"limit": Limit(share=1.0)}, "eval_share_bad", "limit"),
        ({"limit": Limit(share=-0.1)}, "eval_share_bad", "limit"),
        ({"limit": Limit(count=1, share=0.1)}, "eval_limit_twice", "limit"),
        ({"limit": Limit(share=0.001)}, "eval_share_empty", "limit"),
        ({"repeats": 0}, "eval_too_small", "repeats"),
        ({"max_tokens": 0}, "eval_too_small", "max_tokens"),
        ({"batch_size": 0}, "eval_too_small", "batch_size"),
        ({"timeout_s": float("nan")}, "eval_too_small", "timeout_s"),
        ({"sampling": Sampling(-0.1)}, "eval_too_small", "temperature"),
        ({"sampling": Sampling(0.6, top_p=0.0)}, "eval_top_p_bad", "top_p"),
        ({"judge_endpoint_id": "gone"}, "eval_judge_unknown", "judge_endpoint_id"),
    ],
)
def test_what_cannot_be_is_blocked_at_its_field(changes: dict[str, Any], code: str, field: str) -> None:
    one = found(**changes)[code]
    assert (one.severity, one.field) == (BLOCK, field)


def test_near_names_are_offered() -> None:
    assert found(datasets=(DatasetChoice("mmlo"),))["eval_dataset_unknown"].params["near"] == "mmlu"
    subset = found(datasets=(DatasetChoice("mmlu", ("lawn",)),))["eval_subset_unknown"]
    assert subset.params["near"] == "law"


@pytest.mark.parametrize(
    ("need", "changes", "code", "severity"),
    [
        (Need.SANDBOX, {}, "eval_needs_sandbox", BLOCK),
        (Need.JUDGE, {}, "eval_needs_judge", BLOCK),
        (Need.EXTRA, {}, "eval_extra_missing", BLOCK),
        (Need.AGENT, {}, "eval_agent", BLOCK),
        (Need.IMAGES, {}, "eval_needs_images", WARN),
    ],
)
def test_what_a_dataset_needs_is_said(need: Need, changes: dict[str, Any], code: str, severity: Severity) -> None:
    assert found(known={"mmlu": dataset(needs=(need,))}, **changes)[code].severity is severity


def test_code_is_run_in_a_sandbox_that_works_or_not_at_all() -> None:
    known = {"mmlu": dataset(needs=(Need.SANDBOX,))}
    broken = Surroundings(sandbox="eval_sandbox_no_engine")
    assert found(broken, known, sandbox=True)["eval_sandbox_no_engine"].severity is BLOCK
    assert not {"eval_needs_sandbox", "eval_sandbox_no_engine"} & set(found(known=known, sandbox=True))


def test_the_context_bounds_max_tokens() -> None:
    """A usual prompt has 700 / 3.5 + 64 tokens; the longest 1.3 times 7000 / 3.5 + 64."""

    def limited(context: int, **changes: Any) -> dict[str, Finding]:
        return found(Surroundings(limits=ServingLimits(max_model_len=context)), **changes)

    over = limited(4096, max_tokens=4000)["eval_over_context"]
    assert (over.severity, over.params["prompt"], over.params["room"]) == (BLOCK, 264, 3832)
    some = limited(4096, max_tokens=2000)["eval_some_over_context"]
    assert (some.severity, some.params["room"]) == (WARN, 4096 - 2684)
    assert limited(2600, max_tokens=100)["eval_prompts_over_context"].severity is WARN
    assert not {"eval_over_context", "eval_some_over_context"} & set(limited(8192, max_tokens=2000))


def test_fitting_leaves_room_for_the_longest_prompt_or_half_of_the_context() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("mmlu"),), max_tokens=61440)
    known = {"mmlu": dataset()}
    assert fitting_max_tokens(request, known, None) == 61440
    assert fitting_max_tokens(request, known, 8192) == 8192 - 2684
    assert fitting_max_tokens(request, known, 4096) == 2048
    assert fitting_max_tokens(replace(request, max_tokens=100), known, 4096) == 100


def test_a_batch_beyond_the_profile_is_blocked_with_its_source() -> None:
    limits = ServingLimits(max_concurrency=4, name="deepseek-r1.tp32", source="usage limits")
    over = found(Surroundings(limits=limits), batch_size=5)["eval_batch_over"]
    assert (over.severity, over.params["most"], over.source) == (BLOCK, 4, "usage limits")
    assert "eval_batch_over" not in found(Surroundings(limits=limits), batch_size=4)


def test_thinking_wants_room() -> None:
    assert found(thinking=True)["eval_short_for_reasoning"].severity is WARN
    assert "eval_short_for_reasoning" not in found(thinking=False)
    assert "eval_short_for_reasoning" not in found(thinking=True, max_tokens=8192)


def test_folders_are_looked_at_before_evalscope_takes_them_for_names() -> None:
    choice = (DatasetChoice("mmlu", local_path="/typo"),)
    around = Surroundings(folders={"/typo": "eval_folder_missing"})
    assert found(around, datasets=choice)["eval_folder_missing"].severity is BLOCK
    assert not {"eval_from_hub", "eval_folder_missing"} & set(found(datasets=choice))


def test_what_comes_from_a_hub_is_said_once_for_all() -> None:
    known = {"mmlu": dataset(), "gsm8k": dataset("gsm8k")}
    both = (DatasetChoice("mmlu"), DatasetChoice("gsm8k"))
    told = found(known=known, datasets=both)["eval_from_hub"]
    assert (told.params["keys"], told.params["hub"]) == ("mmlu, gsm8k", "ModelScope")
    assert "eval_from_hub" not in found(Surroundings(cached=frozenset(known)), known, datasets=both)
    assert "eval_from_hub" not in found(known={"mmlu": dataset(origin=DatasetOrigin.OWN)})


def test_a_share_that_leaves_a_subset_out_is_said() -> None:
    """Of nine samples a tenth is none: EvalScope rounds down."""
    told = found(limit=Limit(share=0.1))["eval_share_empty"]
    assert (told.severity, told.params["subset"]) == (WARN, "law")


def test_few_questions_and_limits_are_noted() -> None:
    told = found(limit=Limit(count=10))
    assert told["eval_limited"].severity is NOTE
    assert (told["eval_few_questions"].params["count"], told["eval_few_questions"].params["points"]) == (19, 22)
    assert "eval_few_questions" not in found()


@pytest.mark.parametrize(
    ("judge", "code", "severity"),
    [
        (samples.endpoint(), "eval_judge_itself", WARN),
        (samples.endpoint(id="ep-2"), "eval_judge_same_server", WARN),
    ],
)
def test_a_judge_that_is_not_independent(judge: Any, code: str, severity: Severity) -> None:
    assert found(Surroundings(judge=judge), judge_endpoint_id=judge.id)[code].severity is severity


PRESETS = (
    SamplingPreset("r1", "DeepSeek-R1", "deepseek[-_.]?r1", Sampling(0.6, 0.95, preset="r1"), 61440, "readme"),
    SamplingPreset("greedy", "Greedy", "", Sampling(0.0, preset="greedy"), 4096, "here"),
)


def test_the_vendors_sampling_is_advised_by_name() -> None:
    assert advised_sampling("DeepSeek-R1-0528", PRESETS) is PRESETS[0]
    assert advised_sampling("tiny", PRESETS) is PRESETS[1]
    around = Surroundings(advised=PRESETS[0])
    assert found(around)["eval_sampling_differs"].params["preset"] == "DeepSeek-R1"
    assert "eval_sampling_differs" not in found(around, sampling=Sampling(0.6, 0.95))
    assert "eval_sampling_differs" not in found(Surroundings(advised=PRESETS[1]), sampling=Sampling(0.7))


def test_what_the_platform_refuses_is_said_before_every_answer_is_an_error() -> None:
    around = Surroundings(limits=ServingLimits(refused_sampling=("min_p",), platform="Vastai VA16"))
    told = found(around, sampling=Sampling(0.6, min_p=0.0))["eval_sampling_refused"]
    assert (told.severity, told.params) == (WARN, {"names": "min_p", "platform": "Vastai VA16"})
    assert "eval_sampling_refused" not in found(around, sampling=Sampling(0.6))


def test_greedy_repeats_repeat_themselves() -> None:
    assert found(repeats=4)["eval_greedy_repeats"].severity is WARN
    assert "eval_greedy_repeats" not in found(repeats=4, sampling=Sampling(0.6))
