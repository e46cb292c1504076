"""Two containers side by side."""

from __future__ import annotations

from dataclasses import replace

from core.domain.container import PublishedPort
from core.formats.deployment import container_spec
from core.formats.spec_diff import SECRET, Difference, differences, options
from tests.guide import LONG_CONTEXT_REQUEST, WITH_MTP_REQUEST

ONE = container_spec(LONG_CONTEXT_REQUEST, "dep-1")


def test_the_guides_two_modes_differ_where_they_should() -> None:
    found = {one.name: (one.before, one.after) for one in differences(ONE, container_spec(WITH_MTP_REQUEST, "dep-2"))}
    assert found["--pipeline-parallel-size"] == ("2", None)
    assert found["--max-model-len"] == ("131072", "65536")
    assert found["-e LLM_MAX_PREFILL_SEQ_LEN"] == ("102400", None)
    assert "--speculative-config" in found
    assert "--name" not in found


def test_the_same_in_another_spelling_is_no_difference() -> None:
    again = replace(ONE, shm_size=str(256 * 1024**3), labels={"x": "y"}, detach=False, secret_env={"VLLM_API_KEY": ""})
    assert differences(ONE, again) == ()


def test_no_secret_is_shown() -> None:
    keyed = replace(ONE, command=(*ONE.command, "--api-key", "sk-very-secret"), secret_env={"HF_TOKEN": "ref"})
    assert "sk-very-secret" not in repr(options(keyed))
    assert options(keyed)["-e HF_TOKEN"] == SECRET


def test_ports_and_mounts_are_compared_by_where_they_lead() -> None:
    moved = replace(ONE, ports=(PublishedPort(9000, 8000),), mounts=())
    assert set(differences(ONE, moved)) == {
        Difference("-v /weights", "/path/to/model", None),
        Difference("-p 8000", "8000", "9000"),
    }
