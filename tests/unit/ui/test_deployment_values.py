"""A request as the fields of its form, and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.catalog_files import CatalogFolder
from core.services.catalog import CatalogService, ProfileChoice
from tests.fakes.clock import FakeClock
from tests.guide import MODES
from ui.deployment_values import BLANK, request_of, values_of

CATALOG = CatalogService(CatalogFolder(Path("/nonexistent")), FakeClock(), {})


@pytest.mark.parametrize("asked", [request for _, request in MODES])
def test_the_guide_goes_through_the_form_unchanged(asked: object) -> None:
    assert request_of(values_of(asked)) == (asked, ())  # type: ignore[arg-type]


def test_every_platform_goes_through_the_form_unchanged() -> None:
    for platform in CATALOG.catalog().platforms:
        filled = CATALOG.fill(ProfileChoice(platform=platform, weights="/w/x"))
        named = replace(filled, served_name="x")
        again, unread = request_of(values_of(named))
        assert unread == ()
        assert replace(again, profile=named.profile, platform=named.platform) == replace(
            named, restart=named.restart or "no"
        )


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("devices", "a-b", "devices_bad"),
        ("tp", "two", "count_bad"),
        ("tp", "0", "count_bad"),
        ("max_model_len", "9" * 13, "count_bad"),
        ("host_port", "80o1", "count_bad"),
        ("env", "LONELY", "env_line_bad"),
        ("serve_args", "--x 'open", "args_unbalanced"),
        ("docker_options", "--memory 8g", "docker_options_bad"),
        ("docker_options", "--name x", "docker_options_bad"),
        ("docker_options", "--device 'open", "docker_options_bad"),
        ("docker_options", "ubuntu", "docker_options_bad"),
    ],
)
def test_what_cannot_be_read_is_said_beside_its_field(field: str, text: str, code: str) -> None:
    _, unread = request_of({**values_of(BLANK), field: text})
    assert [(one.code, one.field) for one in unread] == [(code, field)]


def test_other_options_over_several_lines() -> None:
    values = {**values_of(BLANK), "docker_options": "--device /dev/kfd \\\n -v /a:/b:ro\n--cap-add SYS_NICE"}
    request, unread = request_of(values)
    assert unread == ()
    assert (request.device_nodes, request.cap_add) == (("/dev/kfd",), ("SYS_NICE",))
    assert request.mounts[0].read_only


def test_numbers_are_read_as_they_are_typed() -> None:
    typed = {
        **values_of(BLANK),
        "tp": " 4",
        "pp": "",
        "max_model_len": "64K",
        "host_port": "",
        "container_port": "9000",
    }
    request, unread = request_of(typed)
    assert unread == ()
    assert request.serve_args == ("--tensor-parallel-size", "4", "--max-model-len", "65536")
    assert (request.host_port, request.container_port) == (8000, 9000)
