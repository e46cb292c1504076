"""How runs are compared, rule by rule, and where each rule comes from. docs/METRICS.md is generated from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.benchmark import FAILED_SHARE_LIMIT
from core.domain.comparing import REPEATS_AS_UNITS, TELLING_SHARE
from core.domain.comparison import FIGURES, HEADLINES, Figure
from core.domain.likeness import CACHED_SHARE, FAILED_SHARE, LENGTH_SHARE
from core.domain.statistics import DEFAULT_FLOOR, LEVEL
from core.domain.statistics.noise import LEAST_FLOOR


@dataclass(frozen=True)
class Rule:
    """What is done, in a paragraph, and the literature behind it."""

    name: str
    text: str
    source: str


def _percent(share: float) -> str:
    return f"{share * 100:g} %"


def _ids(figures: Iterable[Figure]) -> str:
    return ", ".join(f"`{figure.id}`" for figure in figures)


METHOD = (
    Rule(
        "Change",
        "candidate / baseline - 1 of one figure at one load point that both runs measured, computed on "
        "logarithms. *All loads* is the geometric mean over the common load points. Figures: "
        f"{_ids(FIGURES)}; the verdict rests on {_ids(HEADLINES)}.",
        "Fleming and Wallace 1986 (ratios are averaged geometrically)",
    ),
    Rule(
        "Unit",
        f"From {REPEATS_AS_UNITS} repeats on both sides on, each repeat is one value. Below that, the requests "
        "are the unit, and the noise floor is added to their variance. Which of the two holds is said with "
        "every verdict.",
        "Kalibera and Jones 2013 (the unit of a benchmark is what is repeated)",
    ),
    Rule(
        "Uncertainty of a mean",
        "The bootstrap's standard error in its closed form, std / sqrt(n - 1), brought to the logarithm by the "
        "delta method. Nothing is drawn at random: the same runs always give the same interval. A closed loop's "
        "throughput is its streams over the mean end-to-end latency, hence as sure as that; Poisson arrivals "
        "add 1/n for the scatter of their number.",
        "Efron and Tibshirani 1993, chapter 6; Little 1961",
    ),
    Rule(
        "Requests that are not independent",
        "They share batches, clock speeds, a neighbour's burst of work. A point's requests are cut into ten blocks "
        "of time; where the blocks' means scatter more than independent requests would in 95 of 100 cases, that "
        "scatter takes the place of theirs, in means and medians alike.",
        "Law and Kelton, Simulation Modeling and Analysis (batch means)",
    ),
    Rule(
        "Uncertainty of a percentile",
        "A median: the spread over all resamples of the requests, in closed form: the order statistics weighted by "
        "the beta distribution; it needs the requests' own records. A tail (p99): only from three repeats on, each "
        "of which is one value. The slowest requests of one run come in bursts that share a moment; resampling them "
        "promised an interval of 1 % where two equal runs lay 2 % apart.",
        "Maritz and Jarrett 1978; own A/A runs",
    ),
    Rule(
        "Interval and p value",
        f"{_percent(LEVEL)}, two-sided, Student's t with Welch's degrees of freedom; for a percentile they are "
        "twice the requests beyond it. A percentile bootstrap of three repeats would be far too narrow "
        "(docs/BENCHMARKS.md).",
        "Welch 1947; Hesterberg 2015",
    ),
    Rule(
        "Many comparisons",
        "All figures at all loads of a pair are one family: what is called a change stands after the false "
        f"discovery rate is held at {_percent(1 - LEVEL)}, so that two equal versions show any change at all in "
        f"at most {_percent(1 - LEVEL)} of comparisons. Several candidates share the rate evenly. The intervals "
        "shown are not widened.",
        "Benjamini and Hochberg 1995",
    ),
    Rule(
        "Noise floor",
        "By how much two equal runs differ 95 times of 100, beside what their requests explain. Measured by an "
        "A/A test (the same workload, six repeats): t x sqrt(2 x (variance between repeats - variance that the "
        f"requests explain)), per figure and machine, at least {_percent(LEAST_FLOOR)}. "
        f"{_percent(DEFAULT_FLOOR)} until it is measured. A smaller change is never called one, whatever its p "
        "value.",
        "Searle 1971 (variance components); the idea: tenstorrent/tt-metal issue 53763",
    ),
    Rule(
        "Verdict",
        "*Better* or *worse*: at least one headline figure changed, at one load or over all, and none the other "
        "way; *mixed*: both. *Not clear*: no change, and an interval that reaches beyond "
        f"{_percent(TELLING_SHARE)}. *No change beyond noise*: else. *Not comparable*: another question was "
        "asked, or no load is common.",
        "Seatrial",
    ),
    Rule(
        "Like for like",
        "No verdict where lengths, their spread, route, prefix, turns or prompts differ, where arrivals were evenly "
        "spaced on one side and random on the other, or one side is simulated. A verdict to be read with care where "
        "sampling, an open loop's cap, load generator, measuring machine or seed policy differ, an imported result "
        "does not tell its sampling or its seed, more than "
        f"{_percent(FAILED_SHARE)} of the requests failed, more than {_percent(CACHED_SHARE)} of the prompt tokens "
        f"came from a prefix cache, answers differ by more than {_percent(LENGTH_SHARE)} in length, a run is not "
        "whole, or the measuring machine was too busy. Loads that only one side was asked for are named.",
        "Seatrial",
    ),
    Rule(
        "Gate",
        "Fails where a headline figure is called worse, and worse by more than the limit even at its interval's "
        "better end. No decision (exit 2) where the candidate was not measured to its end, or where it lacks a load of "
        f"the baseline or more than {_percent(FAILED_SHARE_LIMIT)} of its requests failed there in any repeat.",
        "Seatrial",
    ),
)
