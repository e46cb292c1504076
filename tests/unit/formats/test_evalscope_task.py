"""Tasks for EvalScope: what reaches it, and what is shown of it."""

from __future__ import annotations

import ast
import json
from dataclasses import replace

import pytest

from core.domain.evaluation import (
    Dataset,
    DatasetChoice,
    DatasetKind,
    DatasetOrigin,
    EvaluationRequest,
    Hub,
    Limit,
    PlannedDataset,
    Sampling,
    Subset,
)
from core.formats import evalscope_task
from tests.fakes import samples

PLACE = evalscope_task.Place("/data/tree", "/data/questions", "/cache")
GSM8K = Dataset(
    "gsm8k", "GSM8K", DatasetOrigin.EVALSCOPE, DatasetKind.BENCHMARK, "llm", (Subset("main", 1319),), 1319, 4
)
OWN = Dataset(
    "own-sums", "Sums", DatasetOrigin.OWN, DatasetKind.NUMERIC, "llm", (Subset("all", 3),), 3, version=2, revision="r"
)


def config(dataset: Dataset = GSM8K, choice: DatasetChoice | None = None, **changes: object) -> dict[str, object]:
    asked = choice or DatasetChoice(dataset.key)
    request = replace(EvaluationRequest("ep-1", (asked,)), **changes)  # type: ignore[arg-type]
    planned = PlannedDataset(asked, dataset, None, None, None)
    return evalscope_task.task_config(request, planned, samples.endpoint(), None, PLACE)


def test_every_parameter_reaches_the_task() -> None:
    found = config(
        choice=DatasetChoice("gsm8k", ("main",), few_shot=0, local_path="/data/gsm8k"),
        sampling=Sampling(0.6, 0.95, 20, min_p=0.1, presence_penalty=1.5, repetition_penalty=1.05),
        max_tokens=512,
        batch_size=7,
        repeats=2,
        timeout_s=90.0,
        stream=False,
        seed=9,
        thinking=False,
        thinking_key="thinking",
        hub=Hub.HUGGINGFACE,
        limit=Limit(count=10),
        sandbox=True,
    )
    assert found["dataset_args"] == {"gsm8k": {"subset_list": ["main"], "few_shot_num": 0, "local_path": "/data/gsm8k"}}
    assert found["generation_config"] == {
        "max_tokens": 512,
        "temperature": 0.6,
        "top_p": 0.95,
        "top_k": 20,
        "presence_penalty": 1.5,
        "repetition_penalty": 1.05,
        "seed": 9,
        "stream": False,
        "timeout": 90.0,
        "retries": 2,
        "retry_interval": 5,
        "extra_body": {"min_p": 0.1, "chat_template_kwargs": {"thinking": False}},
    }
    assert (found["eval_batch_size"], found["repeats"], found["limit"], found["seed"]) == (7, 2, 10, 9)
    assert found["dataset_hub"] == "huggingface"
    assert found["sandbox"] == {
        "enabled": True,
        "engine": "docker",
        "default_config": {"network_enabled": False},  # code that a model wrote has nobody to talk to
    }
    assert (found["ignore_errors"], found["no_timestamp"], found["work_dir"]) == (True, True, "/data/tree")


def test_no_key_is_ever_in_it() -> None:
    assert "key" not in json.dumps(config()).lower().replace("thinking_key", "")


def test_without_a_choice_the_dataset_keeps_its_own_subsets_and_shots() -> None:
    assert config()["dataset_args"] == {"gsm8k": {}}


def test_own_numbers_are_judged_as_gsm8k_judges() -> None:
    found = config(OWN)
    assert found["datasets"] == ["gsm8k"]
    assert found["dataset_args"] == {
        "gsm8k": {
            "subset_list": ["all"],
            "local_path": "/data/questions",
            "few_shot_num": 0,
            "prompt_template": "{question}",
        }
    }
    choice = config(replace(OWN, kind=DatasetKind.CHOICE))
    assert choice["datasets"] == ["general_mcq"]


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        (Limit(), None),
        (Limit(count=1), 1),
        (Limit(share=0.1), 0.1),
        (Limit(share=1.0), None),  # EvalScope would read 1.0 as one sample
        (Limit(share=0.0), None),
    ],
)
def test_a_limit_is_a_count_or_a_true_share(limit: Limit, value: float | None) -> None:
    found = evalscope_task.limit_value(limit)
    assert found == value and type(found) is type(value)


def test_another_endpoint_judges() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("simple_qa"),), judge_endpoint_id="ep-2")
    planned = PlannedDataset(request.datasets[0], replace(GSM8K, key="simple_qa"), None, None, None)
    judge = samples.endpoint(id="ep-2", base_url="http://127.0.0.1:9000/v1", served_name="judge")
    found = evalscope_task.task_config(request, planned, samples.endpoint(), judge, PLACE)
    (model,) = found["judge"]["models"]
    assert (model["model_id"], model["api_url"]) == ("judge", "http://127.0.0.1:9000/v1")


@pytest.mark.parametrize(("context", "room"), [(4096, 1024), (8191, 2047), (8192, None), (None, None)])
def test_a_judge_of_a_short_context_has_room_for_the_question(context: int | None, room: int | None) -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("simple_qa"),), judge_endpoint_id="ep-2")
    planned = PlannedDataset(request.datasets[0], replace(GSM8K, key="simple_qa"), None, None, None)
    check = replace(samples.endpoint().check, max_model_len=context)
    judge = samples.endpoint(id="ep-2", check=check)
    (model,) = evalscope_task.task_config(request, planned, samples.endpoint(), judge, PLACE)["judge"]["models"]
    assert model.get("generation_config", {}).get("max_tokens") == room


def test_folders_are_named_after_the_model_whatever_its_name() -> None:
    assert evalscope_task.model_id("Qwen/Qwen3-8B") == "Qwen3-8B"
    assert evalscope_task.model_id("模型 v1") == "-v1"
    assert evalscope_task.model_id("/") == "model"


def test_tasks_are_merged_where_nothing_but_the_dataset_differs() -> None:
    mmlu = config(replace(GSM8K, key="mmlu"))
    one, other = evalscope_task.merged([config(), mmlu, config(OWN)])
    assert (one["datasets"], other["datasets"]) == (["gsm8k", "mmlu"], ["gsm8k"])  # ours bears GSM8K's name, too
    assert set(one["dataset_args"]) == {"gsm8k", "mmlu"}
    assert len(evalscope_task.merged([config(), {**mmlu, "limit": 3}])) == 2


def test_the_python_call_says_the_same() -> None:
    found = config(max_tokens=512, limit=Limit(share=0.5))
    text = evalscope_task.python_calls([found], evalscope_task.Keys(endpoint=True))
    (call,) = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.keywords]
    told = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg != "api_key"}
    assert told == {name: found[name] for name in told}
    assert {"generation_config", "datasets", "api_url", "limit", "eval_batch_size"} <= set(told)
    assert 'api_key=os.environ["SEATRIAL_ENDPOINT_KEY"]' in text


def test_the_command_line_says_the_same() -> None:
    found = config(max_tokens=512, limit=Limit(share=0.5))
    words = evalscope_task.cli_call(found, evalscope_task.Keys())
    assert words[:2] == ("evalscope", "eval")
    assert json.loads(words[words.index("--generation-config") + 1]) == found["generation_config"]
    assert words[words.index("--limit") + 1] == "0.5"
    assert "--ignore-errors" in words and "--work-dir" not in words and "--config" not in words


def test_a_judges_key_is_named_and_never_written() -> None:
    request = EvaluationRequest("ep-1", (DatasetChoice("simple_qa"),), judge_endpoint_id="ep-2")
    planned = PlannedDataset(request.datasets[0], replace(GSM8K, key="simple_qa"), None, None, None)
    found = evalscope_task.task_config(request, planned, samples.endpoint(), samples.endpoint(id="ep-2"), PLACE)
    keys = evalscope_task.Keys(judge=True)
    text = evalscope_task.python_calls([found], keys)
    assert "'api_key': os.environ[\"SEATRIAL_JUDGE_KEY\"]" in text and text.startswith("import os\n")
    ast.parse(text)
    assert any('"api_key": "$SEATRIAL_JUDGE_KEY"' in word for word in evalscope_task.cli_call(found, keys))
    assert "api_key" not in evalscope_task.python_calls([found], evalscope_task.Keys())
