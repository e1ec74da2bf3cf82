"""The two checks that filter nodes."""

import numpy as np
import pytest

from scoring.promise import keeps, mean_of_last

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("recent", "ok", "samples"),
    [
        ([1, 1, 1, 1, 1], True, 5),
        ([5, 5, 5, 5, 5], True, 5),
        ([1, 1, 1, 1, 9], True, 5),
        ([1, 1, 1, 1, INF], True, 5),
        ([1, 1, 1, 9, INF], False, 5),
        ([1, 1, 1, 1, NAN], False, 4),
        ([NAN, 1, NAN, 1, 1, 1, 1], True, 5),
        ([INF] * 6, False, 6),
        ([NAN] * 6, False, 0),
    ],
    ids=["all keep it", "all equal it", "4 of 5", "one loss", "a loss counts", "too few", "gaps", "dead", "unmeasured"],
)
def test_promise_is_kept_by_four_fifths_of_at_least_five_samples(recent, ok, samples):
    found = keeps(np.array([recent], dtype=float), 5.0)
    assert (bool(found[0][0]), int(found[1][0])) == (ok, samples)


def test_no_sla_at_all_is_still_broken_by_losses():
    assert keeps(np.array([[INF] * 5, [1e9] * 5]), INF)[0].tolist() == [False, True]


def test_share_and_minimum_are_choices():
    recent = np.array([[1.0, 9.0]])
    assert keeps(recent, 5.0, min_samples=2, share=0.5)[0][0]
    assert not keeps(recent, 5.0, min_samples=2, share=0.6)[0][0]


def test_share_that_rounds_up_is_reached_all_the_same():
    assert 0.55 * 100 > 55  # as floats
    assert keeps(np.array([[1.0] * 55 + [9.0] * 45]), 5.0, share=0.55)[0][0]


@pytest.mark.parametrize("samples", range(5, 60))
def test_exactly_the_share_keeps_the_promise_whatever_the_product_rounds_to(samples):
    good = -(-4 * samples // 5)
    recent = np.array([[1.0] * good + [9.0] * (samples - good), [1.0] * (good - 1) + [9.0] * (samples - good + 1)])
    assert keeps(recent, 5.0)[0].tolist() == [True, False]


def test_mean_of_last_takes_the_newest_slots_and_leaves_losses_out():
    rows = np.array([[100.0, 1.0, 2.0, 3.0], [1.0, INF, NAN, 5.0], [1.0, INF, INF, NAN], [1.0, NAN, NAN, NAN]])
    assert np.array_equal(mean_of_last(rows, count=3), [2.0, 5.0, INF, NAN], equal_nan=True)


def test_mean_of_last_takes_all_there_is():
    assert mean_of_last(np.array([[2.0, 4.0]])).tolist() == [3.0]
