"""The arithmetic of the summaries, worked out by hand."""

import pytest

from eval.metrics import Interval, paired_bootstrap, percentile, standard_error, summarise, wilson
from eval.score import Score


def test_mean_and_standard_error_leave_the_unscored_out() -> None:
    # values 1, 0, 1, 1: mean 3/4; squared deviations 3 × 1/16 + 9/16 = 12/16, over n - 1 = 3: 1/4; root 1/2;
    # over the root of 4: 1/4.
    scores = [Score(1.0), Score(0.0), Score(None), Score(1.0), Score(1.0)]
    found = summarise(scores, share=True)
    assert (found.n, found.mean, found.error) == (4, 0.75, 0.25)


def test_the_interval_of_a_mean_is_two_standard_errors_wide_each_way() -> None:
    # values 0.2, 0.4: mean 0.3, deviations ±0.1, variance 0.02, error sqrt(0.02 / 2) = 0.1; 0.3 ± 1.96 × 0.1.
    interval = summarise([Score(0.2), Score(0.4)], share=False).interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.104, 0.496), abs=1e-4)


def test_one_value_has_a_mean_and_no_error() -> None:
    found = summarise([Score(0.4)], share=False)
    assert (found.n, found.mean, found.error, found.interval) == (1, 0.4, None, None)


def test_nothing_scored_is_not_zero() -> None:
    found = summarise([Score(None)], share=True)
    assert (found.n, found.mean, found.error, found.interval) == (0, None, None, None)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # p = 0.8, z² = 3.8415, z²/n = 0.38415: centre (0.8 + 0.19207) / 1.38415 = 0.71674;
        # spread 1.96 × sqrt(0.016 + 0.0096036) / 1.38415 = 1.96 × 0.160011 / 1.38415 = 0.22658.
        (8, 10, 0.4902, 0.9433),
        # p = 1: (1 + z²/2n ± z × z/2n) / (1 + z²/n): from 1 / 1.38415 = 0.72246 to 1.
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
    ],
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    interval = wilson(successes, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-4)


def test_standard_error_of_two() -> None:
    # 1 and 3: variance 2, over n = 2: 1.
    assert standard_error([1.0, 3.0]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("percent", "value"),
    # four values, places 0 to 3: 50 % is place 1.5, between 20 and 30; 95 % is place 2.85, 30 + 0.85 × 10.
    [(0, 10.0), (50, 25.0), (95, 38.5), (100, 40.0)],
)
def test_percentile(percent: float, value: float) -> None:
    assert percentile([40.0, 10.0, 30.0, 20.0], percent) == pytest.approx(value)


def test_bootstrap_of_equal_differences_is_a_point() -> None:
    assert paired_bootstrap([0.5, 0.5, 0.5]) == Interval(0.5, 0.5)


def test_bootstrap_holds_the_mean_and_is_repeatable() -> None:
    # differences 1 (ten) and 0 (ten): the mean is 0.5 with a standard error of sqrt(0.25 / 20) = 0.112, so that the
    # interval is about 0.5 ± 0.22.
    differences = [1.0, 0.0] * 10
    interval = paired_bootstrap(differences)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.28, 0.72), abs=0.05)
    assert paired_bootstrap(differences) == interval


def test_bootstrap_of_one_pair_says_nothing() -> None:
    assert paired_bootstrap([1.0]) is None
