"""The command that is shown is the evaluation that runs."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from cli.eval import add_parser, options_of
from cli.main import COMMANDS
from core.domain.evaluation import DatasetChoice, EvaluationRequest, Hub, Limit, Sampling
from core.errors import BadInput
from core.formats.seatrial_eval import EvalOptions, argv, choices_of, limit_of, request_of
from tests.fakes import samples

REQUEST = EvaluationRequest(
    "ep-1",
    (DatasetChoice("gsm8k", ("main",), few_shot=0), DatasetChoice("ceval", ("a", "b"), local_path="/data/ceval")),
    limit=Limit(share=0.125),
    repeats=3,
    sampling=Sampling(0.6, 0.95, 20, presence_penalty=1.5),
    max_tokens=61440,
    batch_size=2,
    timeout_s=90.5,
    stream=False,
    seed=7,
    thinking=True,
    thinking_key="thinking",
    sandbox=True,
    hub=Hub.HUGGINGFACE,
)


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST,
        replace(REQUEST, limit=Limit(count=50), thinking=None, hub=Hub.MODELSCOPE, stream=True, sandbox=False),
        EvaluationRequest("ep-1", (DatasetChoice("arithmetic"),), sampling=Sampling(0.0)),
        EvaluationRequest("ep-1", (DatasetChoice("arithmetic"),), sampling=Sampling(None)),
    ],
)
def test_the_shown_command_makes_the_same_request(request_: EvaluationRequest) -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    options = options_of(parser.parse_args(argv(request_, samples.endpoint(), None)[1:]))
    base = EvaluationRequest("ep-1", (), sampling=Sampling(0.3), max_tokens=1, batch_size=1)
    told = request_of(options, base)
    if request_.thinking is None:
        told = replace(told, thinking_key=request_.thinking_key)
    assert told == request_


def test_the_command_exists() -> None:
    assert COMMANDS["eval"] == "cli.eval"


def test_a_key_is_named_by_its_variable() -> None:
    words = argv(REQUEST, samples.endpoint(key_ref="key-1"), samples.endpoint(id="ep-2", key_ref="key-2"))
    assert words[words.index("--key-env") + 1] == "SEATRIAL_KEY"
    assert words[words.index("--judge-key-env") + 1] == "SEATRIAL_JUDGE_KEY"


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (None, Limit()),
        ("10", Limit(count=10)),
        ("10%", Limit(share=0.1)),
        ("0.5%", Limit(share=0.005)),
        ("100%", Limit()),
    ],
)
def test_a_limit_is_a_number_or_a_share(text: str | None, limit: Limit) -> None:
    assert limit_of(text) == limit


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1.0", "0%", "101%", "ten", "", "10 %%"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        limit_of(text)
    assert (refused.value.code, refused.value.params["value"]) == ("limit_option_bad", text)


def test_datasets_are_read_with_their_parts() -> None:
    options = EvalOptions(("mmlu: a, b,a", "gsm8k"), few_shot=("mmlu=0",), folder=("gsm8k=/data/x",))
    assert choices_of(options) == (
        DatasetChoice("mmlu", ("a", "b"), few_shot=0),
        DatasetChoice("gsm8k", local_path="/data/x"),
    )


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (EvalOptions(("",)), "dataset_option_bad"),
        (EvalOptions(("gsm8k", "gsm8k:main")), "dataset_option_bad"),
        (EvalOptions(("gsm8k",), few_shot=("mmlu=3",)), "dataset_option_stray"),
        (EvalOptions(("gsm8k",), few_shot=("gsm8k=three",)), "dataset_option_stray"),
        (EvalOptions(("gsm8k",), folder=("gsm8k",)), "dataset_option_stray"),
    ],
)
def test_bad_datasets_are_refused(options: EvalOptions, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        choices_of(options)
    assert refused.value.code == code
