"""New levels and outliers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.attainment import attainment
from scoring.level import current_level, newest_measured
from tests.scoring.test_attainment import paths

STEADY = [2.0 + 0.1 * (i % 5) for i in range(40)]


def counted(window):
    present, silent = current_level(np.array([window]))
    return present[0].tolist(), bool(silent[0])


@pytest.mark.parametrize("new", [[40.0, 41.0], [1.0, 0.9]], ids=["slower", "faster"])
def test_two_samples_beyond_all_earlier_ones_are_a_new_level(new):
    assert counted(STEADY + new) == ([False] * 40 + [True] * 2, False)


@pytest.mark.parametrize(
    "new",
    [[2.2, 40.0], [40.0, 2.2], [40.0, 0.5], [2.3, 2.1], [40.0, np.inf]],
    ids=["one outlier", "an outlier before", "both sides", "as ever", "one lost"],
)
def test_anything_less_is_not(new):
    assert counted(STEADY + new) == ([True] * 42, False)


def test_gaps_between_the_samples_do_not_matter():
    present, _ = counted([*STEADY, np.nan, 40.0, np.nan, np.nan, 41.0, np.nan])
    assert np.flatnonzero(present).tolist() == [41, 44]


def test_few_earlier_samples_say_nothing_about_what_is_usual():
    assert counted([1.0] * 4 + [9.0, 9.0]) == ([True] * 6, False)
    assert counted([1.0] * 5 + [9.0, 9.0]) == ([False] * 5 + [True] * 2, False)


def test_two_losses_in_a_row_mean_that_the_path_has_stopped_answering():
    assert counted([*STEADY, np.inf, np.inf]) == ([True] * 42, True)
    assert counted([*STEADY, np.inf, 2.0])[1] is False
    assert counted([np.nan, np.inf])[1] is False


def test_chance_makes_a_new_level_in_about_half_a_percent_of_steady_windows():
    rng = np.random.default_rng(5)
    present, _ = current_level(rng.lognormal(1, 0.5, (20_000, 64)))
    assert 0.002 < (~present.all(axis=1)).mean() < 0.012


def test_newest_measured_are_the_last_that_are_not_gaps():
    window = np.array([[1.0, np.nan, np.inf, 3.0, np.nan], [np.nan] * 5])
    assert newest_measured(window).tolist() == [[False, False, True, True, False], [False] * 5]


def test_expected_time_follows_a_new_level_and_charges_a_silent_path_a_timeout():
    shifted, silent, before = (
        attainment(paths([2.0] * 60 + tail), None).cost[0] for tail in ([40.0] * 2, [np.inf] * 2, [2.0] * 2)
    )
    assert (shifted, silent, before) == pytest.approx((40.0, 202.0, 2.0))


@given(arrays(np.float64, (3, 9), elements=st.one_of(st.floats(0.01, 1e4), st.just(np.nan), st.just(np.inf))))
def test_only_measured_slots_ever_count(windows):
    present, _ = current_level(windows)
    assert not (present & np.isnan(windows)).any()
