"""What the charts draw: their data, their words, and that they look right outside the app."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from core.domain.benchmark import Measurement, RequestCounts
from core.domain.history import Annotation, Trend, TrendFigure, TrendPoint
from core.services.results import RequestRow
from render.charts import (
    LATENCIES,
    RATES,
    SCHEMES,
    Axis,
    Curve,
    cumulative,
    exported,
    latency_throughput,
    percentiles_by_load,
    point_over_time,
    requests_over_time,
    spread,
)
from render.charts.curves import log_ticks
from render.charts.requests import bins, histogram, shares
from render.charts.theme import BASELINE
from render.charts.trends import trend_chart
from render.texts import LANGUAGES, Texts
from tests.fakes.samples import NOW, distribution, measurement

EN, ZH = Texts("en"), Texts("zh")
TTFT, RATE = Axis("ttft_p50"), Axis("output_tokens_per_s")
ROOT = Path(__file__).resolve().parents[3]


def point(index: int, concurrency: int, ttft_ms: float, rate: float, repeat: int = 0, n: int = 192) -> Measurement:
    return measurement(
        index, repeat, concurrency=concurrency, ttft_ms=distribution(ttft_ms, n), output_tokens_per_s=rate
    )


SWEEP = (point(2, 64, 420.0, 3000.0), point(0, 1, 200.0, 49.0), point(1, 16, 210.0, 770.0))
CURVE = Curve("run-1", "tiny W8A8", SWEEP)


def draw(*curves: Curve, t: Texts = EN, **options: Any) -> go.Figure:
    return latency_throughput(curves or (CURVE,), t, **{"x": TTFT, "y": RATE, **options})


def request(index: int, ttft_ms: float | None, failure: str | None = None) -> RequestRow:
    e2el_ms = None if ttft_ms is None else ttft_ms + 2540.0
    tpot_ms = None if ttft_ms is None else 20.0
    return RequestRow(index, index * 0.5, ttft_ms, e2el_ms, tpot_ms, 128, 128, failure, "", 0)


def test_points_stand_in_the_order_of_their_load_joined_by_straight_lines() -> None:
    (line,) = draw().data
    assert list(line.x) == [200.0, 210.0, 420.0]
    assert list(line.y) == [49.0, 770.0, 3000.0]
    assert line.line.shape is None, "not smoothed: a curve claims what was not measured"
    assert list(line.text) == ["1", "16", "64 concurrent"]
    assert list(line.customdata) == [["run-1", 0], ["run-1", 1], ["run-1", 2]]


def test_gaps_between_chunks_have_both_kinds_of_spread() -> None:
    gaps = [5.0] * 90 + [50.0] * 10
    bars = histogram(gaps, "itl", EN)
    assert sum(bars.data[0].y) == 100
    assert bars.layout.yaxis.title.text == "Gaps between chunks"
    line = shares(gaps, "itl", EN)
    assert line.data[0].y[-1] == 1.0
    assert line.data[0].hovertext[-1] == "100.0 % of the gaps: at most 50 ms"


BROKEN = replace(point(3, 128, 100.0, 9000.0), requests=RequestCounts(100, 92))


def test_a_point_that_failed_too_often_is_a_cross_on_no_line() -> None:
    figure = draw(Curve("run-1", "tiny W8A8", (*SWEEP, BROKEN)))
    line, cross = figure.data
    assert list(line.x) == [200.0, 210.0, 420.0]
    assert (list(cross.x), cross.marker.symbol, cross.name) == ([100.0], "x", "More than 5 % failed")
    assert "Cross: more than 5 %" in cross.hovertext[0]
    assert figure.layout.showlegend
    assert not draw().layout.showlegend


def test_the_same_holds_beside_a_latencys_percentiles() -> None:
    *lines, cross = percentiles_by_load([*SWEEP, BROKEN], "ttft", EN).data
    assert [line.y[3] for line in lines] == [None, None, None]
    assert (set(cross.x), cross.marker.symbol) == ({"128"}, "x")


def test_a_repeat_that_failed_too_often_enters_no_median() -> None:
    failed = replace(point(0, 1, 20.0, 900.0, 1), requests=RequestCounts(100, 92))
    (line,) = draw(Curve("r", "r", (point(0, 1, 200.0, 49.0), failed))).data
    assert (list(line.x), list(line.y)) == ([200.0], [49.0])


def test_pointing_at_a_point_tells_value_n_and_when() -> None:
    said = draw().data[0].hovertext[1]
    for words in ("tiny W8A8", "16 concurrent", "TTFT p50: <b>210 ms</b> (n = 192)", "770 tok/s", EN.when(NOW)):
        assert words in said


def test_repeats_become_one_point_at_their_median_with_their_spread() -> None:
    repeats = tuple(point(0, 1, ttft, 49.0, repeat) for repeat, ttft in enumerate((200.0, 230.0, 210.0)))
    (line,) = draw(Curve("r", "r", repeats)).data
    assert list(line.x) == [210.0]
    assert "200 ms to 230 ms, 3 repeats" in line.hovertext[0]


def test_percentiles_of_few_requests_are_hollow_and_say_so() -> None:
    (line,) = draw(Curve("r", "r", (point(0, 1, 200.0, 49.0, n=29), point(1, 2, 200.0, 90.0, n=30)))).data
    assert list(line.marker.symbol) == ["circle-open", "circle"]
    assert "fewer than 30" in line.hovertext[0]
    assert "fewer than 30" not in line.hovertext[1]


def test_failures_are_told() -> None:
    failing = replace(point(0, 1, 200.0, 49.0), requests=RequestCounts(190, 2, {"timeout": 2}))
    assert "2 failed" in draw(Curve("r", "r", (failing,))).data[0].hovertext[0]


def test_a_point_where_nothing_succeeded_is_not_drawn_as_zero() -> None:
    nothing = replace(point(3, 128, 1.0, 0.0), ttft_ms=None)
    assert len(draw(Curve("r", "r", (*SWEEP, nothing))).data[0].x) == 3
    assert not draw(Curve("r", "r", (nothing,))).data


def test_between_curves_the_axis_ends_at_the_last_point_or_limit_and_the_names_have_the_margin() -> None:
    old = replace(CURVE, id="b", name="old", is_baseline=True)
    assert draw(old, CURVE).layout.xaxis.range == pytest.approx((0, 441.0))
    assert draw(old, CURVE, slo_ms=500.0).layout.xaxis.range == pytest.approx((0, 525.0))
    low, high = draw(old, CURVE, log_x=True).layout.xaxis.range
    assert (10**low, 10**high) == pytest.approx((191.0, 439.8), abs=0.1)
    assert draw(old, CURVE).layout.margin.r == 24 + 7 * len("tiny W8A8")
    assert draw().layout.xaxis.range is None, "a single curve has no name at its end"


def test_the_baseline_is_grey_and_dashed_and_takes_no_colour_from_the_candidates() -> None:
    figure = draw(replace(CURVE, id="b", name="old", is_baseline=True), CURVE)
    candidate, baseline = figure.data
    assert (candidate.name, candidate.line.color, candidate.line.dash) == ("tiny W8A8", None, "solid")
    assert (baseline.name, baseline.line.color, baseline.line.dash) == ("old", BASELINE, "dash")
    assert {note.text for note in figure.layout.annotations} == {"old", "tiny W8A8"}, "named at the lines' ends"


def test_axes_have_units_and_an_arrow_towards_better() -> None:
    layout = draw().layout
    assert layout.xaxis.title.text == "TTFT p50 (ms)  ← better"
    assert layout.yaxis.title.text == "Output tokens per second  better →"
    assert (layout.xaxis.type, layout.xaxis.rangemode) == ("linear", "tozero")
    assert draw(log_x=True).layout.xaxis.type == "log"


@pytest.mark.parametrize("axis", [*LATENCIES, *RATES])
def test_every_axis_is_named_in_chinese(axis: str) -> None:
    title = Axis(axis).title(ZH)
    assert "更好" in title
    assert not {"latency", "token", "per", "TTFT", "better"} & set(title.split())


def test_zoom_survives_new_points_and_begins_anew_on_other_axes() -> None:
    first = draw(Curve("r", "r", SWEEP[:2])).layout.uirevision
    assert first == draw().layout.uirevision
    assert first != draw(x=Axis("tpot_p50")).layout.uirevision
    assert first != draw(log_x=True).layout.uirevision


def test_a_limit_is_a_line_with_its_value() -> None:
    layout = draw(slo_ms=3000.0).layout
    assert [shape.x0 for shape in layout.shapes] == [3000.0]
    assert [note.text for note in layout.annotations] == ["SLO 3,000 ms"]


@pytest.mark.parametrize(
    ("low", "high"), [(200.0, 420.0), (49.0, 3000.0), (0.5, 50_000.0), (7.0, 7.0), (2218.0, 2596.0)]
)
def test_log_axes_have_a_few_round_ticks_around_their_values(low: float, high: float) -> None:
    ticks = log_ticks(low, high)
    assert ticks == sorted(ticks)
    assert 3 <= len(ticks) <= 20
    assert ticks[0] <= low <= high <= ticks[-1]
    assert high < low * 1.2 or sum(low <= tick <= high for tick in ticks) >= 2, "labels within the data"


def test_open_loop_points_are_named_by_their_rate() -> None:
    (line,) = draw(Curve("r", "r", (replace(SWEEP[0], rate_per_s=5.0, concurrency=None),))).data
    assert list(line.text) == ["5/s"]
    assert "5 requests per second" in line.hovertext[0]


def test_percentiles_over_load() -> None:
    figure = percentiles_by_load(SWEEP, "ttft", EN)
    assert [line.name for line in figure.data] == ["p50", "p90", "p99"]
    assert list(figure.data[0].x) == ["1", "16", "64"]
    assert list(figure.data[0].y) == [200.0, 210.0, 420.0]
    assert figure.data[2].y[2] == pytest.approx(420.0 * 1.15)
    assert figure.layout.xaxis.title.text == "Concurrency"


def test_requests_over_time_keep_failures_apart() -> None:
    rows = [request(0, 200.0), request(1, 210.0), request(2, None, "timeout"), request(3, 190.0, "http_429")]
    good, bad = requests_over_time(rows, "ttft", EN).data
    assert (list(good.x), list(good.y)) == ([0.0, 0.5], [200.0, 210.0])
    assert (list(bad.x), list(bad.y), bad.marker.symbol) == ([1.0, 1.5], [0.0, 190.0], "x")
    assert "Timed out" in bad.hovertext[0]
    assert "HTTP 429" in bad.hovertext[1]
    assert "Request 1" in good.hovertext[0]


def test_many_requests_are_drawn_with_webgl() -> None:
    assert isinstance(requests_over_time([request(i, 200.0) for i in range(2001)], "e2el", EN).data[0], go.Scattergl)


def test_the_spread_counts_every_success_once_and_marks_median_and_p99() -> None:
    rows = [request(i, 200.0 + i) for i in range(100)] + [request(100, None, "connect")]
    figure = spread(rows, "ttft", EN)
    assert sum(figure.data[0].y) == 100
    assert [note.text for note in figure.layout.annotations] == ["p50 250 ms", "p99 298 ms"]


@pytest.mark.parametrize("values", [[5.0], [5.0, 5.0], [0.0, 0.1, 100.0], [1e-3, 2e-3], [float(i) for i in range(997)]])
def test_bins_cover_all_values_in_round_steps(values: list[float]) -> None:
    start, width, counts = bins(values)
    assert sum(counts) == len(values)
    assert len(counts) <= 42
    assert start <= values[0]
    assert values[-1] <= start + width * len(counts) + 1e-9


def test_nothing_measured_gives_empty_figures_not_errors() -> None:
    assert not draw(Curve("r", "r", ())).data
    assert [list(line.x) for line in percentiles_by_load((), "ttft", EN).data] == [[], [], []]
    assert not spread([], "ttft", EN).data


def test_an_export_has_colours_of_its_own_whatever_the_default_template(monkeypatch: pytest.MonkeyPatch) -> None:
    import plotly.io as pio
    import streamlit  # noqa: F401  (sets a default template of placeholders, which only its own page replaces)

    assert pio.templates.default == "streamlit"
    for name, scheme in SCHEMES.items():
        page = exported(draw(), name).to_html(include_plotlyjs=False)
        assert scheme.categorical[0] in page
        assert "#000001" not in page
        assert draw().layout.template.layout.colorway is None, "the figure itself stays without colours"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_exports_and_pages_share_their_colours(scheme: str) -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][scheme]
    colors = SCHEMES[scheme]
    assert tuple(config["chartCategoricalColors"]) == colors.categorical
    shown = (colors.background, colors.text, colors.grid)
    assert (config["backgroundColor"], config["textColor"], config["borderColor"]) == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_person_named_is_not_read_as_markup(language: str) -> None:
    figure = draw(Curve("r", "<img src=x>", SWEEP), CURVE, t=Texts(language))
    assert "<img" not in str(figure.to_dict())


def requests(count: int) -> list[RequestRow]:
    return [RequestRow(n, n * 0.1, 100.0 + n, 900.0, 20.0, 8, 8, None, "", 0) for n in range(count)]


def test_the_cumulative_curve_ends_at_all_of_them_and_stays_small() -> None:
    figure = cumulative(requests(5_000), "ttft", EN)
    (line,) = figure.data
    assert line.line.shape == "hv"
    assert (line.x[0], line.x[-1], line.y[-1]) == (100.0, 5_099.0, 1.0)
    assert len(line.x) <= 501
    assert line.hovertext[-1] == "100.0 % took at most 5,099 ms"
    assert cumulative([], "ttft", ZH).data == ()


def test_the_servers_own_metrics_lie_on_the_same_clock() -> None:
    looks = [
        {"t_s": at, "num_requests_running": 4.0, "num_requests_waiting": 1.0, "kv_cache_usage_perc": 0.25}
        for at in (-2.0, 0.5, 2.5)
    ]
    figure = point_over_time(requests(5), looks, "ttft", EN)
    names = [trace.name for trace in figure.data]
    assert names == ["Succeeded", "Running on the server", "Waiting on the server", "KV cache in use"]
    assert [tuple(trace.x) for trace in figure.data[1:]] == [(0.5, 2.5)] * 3, "warm-up is left out"
    assert [trace.yaxis for trace in figure.data[1:]] == ["y2", "y2", "y3"]
    assert figure.layout.yaxis.domain[0] > figure.layout.yaxis2.domain[1]


@pytest.mark.parametrize("looks", [[], [{"t_s": -1.0, "num_requests_running": 1.0}], [{"t_s": 1.0}]])
def test_a_server_that_tells_nothing_is_not_drawn(looks: list[dict[str, float]]) -> None:
    assert [trace.name for trace in point_over_time(requests(5), looks, "ttft", EN).data] == ["Succeeded"]


def trend(figure: TrendFigure, *points: TrendPoint, notes: tuple[Annotation, ...] = ()) -> Trend:
    return Trend(figure, None, points, (), notes)


def on(day: int, value: float, version: str = "a") -> TrendPoint:
    return TrendPoint(f"run-{day}", NOW + timedelta(days=day), version, f"tiny <{version}>", value, "li")


def test_a_trend_has_a_line_per_version_and_never_magnifies_noise() -> None:
    figure = trend_chart(trend(TrendFigure.OUTPUT, on(0, 1000.0), on(1, 1001.0), on(2, 1100.0, "b")), EN)
    assert [(line.name, line.mode) for line in figure.data] == [
        ("tiny &lt;a&gt;", "lines+markers"),
        ("tiny &lt;b&gt;", "lines+markers"),
    ]
    assert figure.data[0].customdata[1][0] == "run-1"
    quiet = trend_chart(trend(TrendFigure.OUTPUT, on(0, 1000.0), on(1, 1001.0)), EN)
    low, high = quiet.layout.yaxis.range
    assert high - low >= 100
    assert low < 1000 < 1001 < high


def test_events_within_a_trend_are_drawn_as_text_and_others_left_out() -> None:
    notes = tuple(Annotation(f"an-{day}", NOW + timedelta(days=day), f"<i>{day}</i>", NOW, "li") for day in (-5, 1, 9))
    figure = trend_chart(trend(TrendFigure.TTFT_P50, on(0, 100.0), on(2, 110.0), notes=notes), ZH)
    assert [note.text for note in figure.layout.annotations] == ["&lt;i&gt;1&lt;/i&gt;"]
    assert len(figure.layout.shapes) == 1
    assert "更好" in figure.layout.yaxis.title.text


def test_so_many_versions_are_one_cloud() -> None:
    figure = trend_chart(trend(TrendFigure.SCORE, *[on(day, 0.5, str(day)) for day in range(20)]), EN)
    assert [line.mode for line in figure.data] == ["markers"]
    assert trend_chart(trend(TrendFigure.SCORE), EN).data == ()
