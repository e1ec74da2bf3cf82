"""The long memory of a pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import memory

history = st.lists(
    st.tuples(st.floats(0, 1e5), st.one_of(st.floats(0.01, 2e4), st.just(np.inf), st.just(np.nan))), max_size=25
)


@given(history)
def test_total_weight_is_the_decayed_count_of_the_measured_samples(samples):
    hist, count = memory.empty(1), np.zeros(3)
    for elapsed, rtt in samples:
        memory.observe(hist, np.array([rtt]), elapsed)
        count = count * 0.5 ** (elapsed / np.array([300.0, 3600.0, 86400.0])) + (not np.isnan(rtt))
    np.testing.assert_allclose(hist.sum(axis=-1)[0], count, rtol=1e-9, atol=1e-12)


@given(history, st.floats(0, 1e4), st.floats(0, 1e4))
def test_violation_is_a_fraction_that_falls_with_the_sla(samples, one, other):
    hist = memory.empty(1)
    for elapsed, rtt in samples:
        memory.observe(hist, np.array([rtt]), min(elapsed, 100.0))
    strict, weight = memory.violation(hist, min(one, other))
    lax, _ = memory.violation(hist, max(one, other))
    assert np.isnan(strict).all() == (not weight.any())
    if weight.any():
        assert ((lax <= strict + 1e-9) & (lax >= -1e-9) & (strict <= 1 + 1e-9)).all()


def test_violation_at_a_bucket_edge_equals_the_fraction_counted_directly():
    rng = np.random.default_rng(0)
    rtt = rng.lognormal(1, 2, 500)
    rtt[rng.random(500) < 0.1] = np.inf
    hist = memory.empty(1)
    for value in rtt:
        memory.observe(hist, np.array([value]), 0.0)
    for edge in memory.GRID.edges:
        fraction, weight = memory.violation(hist, edge)
        assert fraction[0] == pytest.approx([np.mean(rtt > edge)] * 3)
        assert weight[0].tolist() == [500.0] * 3


def test_sixteen_buckets_reach_from_50_microseconds_to_5_seconds_and_losses_have_their_own():
    assert memory.BINS == 17
    assert memory.bucket_of(np.array([0.05, 0.0501, 5000.0, 5000.1, np.inf, np.nan])).tolist() == [0, 1, 14, 15, 16, -1]


def test_shorter_half_lives_forget_faster():
    hist = memory.empty(1)
    memory.observe(hist, np.array([1.0]), 0.0)
    memory.observe(hist, np.array([np.nan]), 3600.0)
    assert hist.sum(axis=-1)[0] == pytest.approx([2.0**-12, 0.5, 2.0 ** (-1 / 24)])


def test_a_clock_that_runs_backwards_decays_nothing():
    assert memory.decay_factor(-50.0).tolist() == [1.0, 1.0, 1.0]


def test_chosen_rows_are_updated_in_place_and_no_others():
    hist = memory.empty(4)
    memory.observe(hist, np.ones(4), 0.0)
    memory.observe(hist, np.array([np.inf, np.nan]), np.array([300.0, 600.0]), rows=np.array([3, 1]))
    assert hist.sum(axis=-1)[:, 0].tolist() == [1.0, 0.25, 1.0, 1.5]
    assert hist[3, 0, -1] == 1.0


def test_a_single_pair_is_updated_in_place():
    row = memory.empty(1)[0]
    memory.observe(row, 2.0, 10.0)
    assert row.sum(axis=-1).tolist() == [1.0, 1.0, 1.0]


def test_losses_violate_every_sla():
    hist = memory.empty(1)
    memory.observe(hist, np.array([np.inf]), 0.0)
    memory.observe(hist, np.array([1.0]), 0.0)
    assert memory.violation(hist, np.inf)[0][0] == pytest.approx([0.5] * 3)


def test_each_pair_may_have_its_own_sla():
    hist = memory.empty(2)
    memory.observe(hist, np.array([3.0, 3.0]), 0.0)
    assert memory.violation(hist, np.array([0.5, 50.0]))[0][:, 0].tolist() == [1.0, 0.0]


def test_mean_is_within_a_factor_of_the_true_one_and_ignores_losses():
    rtt = np.random.default_rng(0).lognormal(1, 1, 400)
    hist = memory.empty(2)
    for value in (*rtt, np.inf):
        memory.observe(hist, np.array([value, np.nan]), 0.0)
    mean = memory.mean_ms(hist)
    assert 1 / 1.5 < mean[0, 0] / rtt.mean() < 1.5
    assert np.isnan(mean[1]).all()
