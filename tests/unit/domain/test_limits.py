"""Which cells of a grid a deployment can serve."""

from __future__ import annotations

from core.domain.limits import LeftOut, ServingLimits, grid_workloads, left_out_by_reason
from core.domain.workload import LengthGrid
from tests.fakes import samples

VENDOR = LengthGrid((128, 8192, 32768, 54272, 65536), (1024, 8192), 56320, 65536, 4)
LOADS = samples.workload((1, 2, 4), requests=20)


def cells(grid: LengthGrid, limits: ServingLimits) -> set[tuple[int, int, int | None]]:
    kept, _ = grid_workloads(LOADS, grid, limits)
    return {(one.input_tokens, one.output_tokens, point.concurrency) for one in kept for point in one.points}


def test_the_vendors_two_rules() -> None:
    found = cells(VENDOR, ServingLimits())
    assert {one for one in found if one[0] == 8192} == {
        (8192, 1024, 1),
        (8192, 1024, 2),
        (8192, 1024, 4),
        (8192, 8192, 1),
        (8192, 8192, 2),
        (8192, 8192, 4),
    }, "8192 + 8192 is just a quarter of 65536"
    assert {one for one in found if one[0] == 32768} == {(32768, 1024, 1), (32768, 8192, 1)}
    assert {one for one in found if one[0] >= 54272} == {(54272, 1024, 1), (54272, 8192, 1)}


def test_the_deployments_own_limits_come_on_top() -> None:
    limits = ServingLimits(max_model_len=16384, max_input=8000)
    assert {one[0] for one in cells(VENDOR, limits)} == {128}
    _, left_out = grid_workloads(LOADS, VENDOR, ServingLimits(max_model_len=9000))
    assert LeftOut(128, 8192, 1, "grid_over_context", 9000) not in left_out
    assert LeftOut(8192, 1024, 1, "grid_over_context", 9000) in left_out
    assert sum(left_out_by_reason(left_out).values()) == len(left_out)


def test_the_points_that_are_left_are_numbered_anew() -> None:
    kept, _ = grid_workloads(LOADS, LengthGrid((32768,), (1024,), None, 65536, 4), ServingLimits())
    (workload,) = kept
    assert [(point.index, point.concurrency) for point in workload.points] == [(0, 1)]
