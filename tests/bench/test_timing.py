"""Percentiles, repetitions in turn, and what a row says of them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.timing import Row, interleaved, percentile

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400)


@given(values, st.integers(0, 100))
def test_percentiles_are_those_of_the_nearest_rank(found: list[float], percent: int) -> None:
    assert percentile(found, percent) == np.percentile(found, percent, method="inverted_cdf")


def test_the_99th_percentile_of_three_hundred_is_the_fourth_greatest() -> None:
    assert percentile(list(range(300)), 99) == 296


@pytest.mark.parametrize(("found", "percent"), [([], 50), ([1.0], -1), ([1.0], 101)])
def test_what_has_no_percentile_is_refused(found: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="percentile"):
        percentile(found, percent)


def test_a_figure_and_its_yardstick_take_turns_after_one_warm_up_each() -> None:
    order: list[str] = []
    ours, theirs = interleaved(lambda: order.append("ours"), lambda: order.append("theirs"), 3)
    assert order == ["ours", "theirs"] * 4
    assert ours >= 0
    assert theirs >= 0


def test_the_ratio_is_the_median_of_the_repetitions_and_not_that_of_the_medians() -> None:
    row = Row("f", 10.0, "y", 5.0, "", True, ratios=[1.0, 9.0, 3.0])
    assert (row.ratio, row.spread, row.repetitions) == (3.0, (1.0, 9.0), 3)


def test_without_repetitions_both_values_make_the_ratio() -> None:
    row = Row("f", 10.0, "y", 5.0, "", True)
    assert (row.ratio, row.spread, row.repetitions) == (2.0, (2.0, 2.0), 1)


def test_without_a_yardstick_there_is_no_ratio() -> None:
    assert math.isnan(Row("f", 10.0, "", math.nan, "", True).ratio)
    assert math.isnan(Row("f", 10.0, "", 0.0, "", True).ratio)
