"""The made-up internet is what its description says."""

import numpy as np
import pytest

from models.synthetic.internet import internet


@pytest.fixture(scope="module")
def net():
    return internet(400, seed=3)


def paths(count=20_000, nodes=400):
    a, b = np.random.default_rng(0).integers(0, nodes, (2, count))
    return a[a != b], b[a != b]


def test_round_trips_are_alike_in_both_directions_and_nothing_to_oneself(net):
    matrix = net.matrix()
    assert np.array_equal(matrix, matrix.T)
    assert (np.diag(matrix) == 0).all()
    assert (matrix[~np.eye(400, dtype=bool)] > 0).all()
    assert np.isfinite(matrix).all()


def test_the_same_seed_makes_the_same_internet_and_another_one_another(net):
    assert np.array_equal(internet(400, seed=3).matrix(), net.matrix())
    assert not np.array_equal(internet(400, seed=4).matrix(), net.matrix())


def test_a_tenth_of_the_triangles_are_shorter_over_a_third_node(net):
    i, j, k = np.random.default_rng(1).integers(0, 400, (3, 50_000))
    apart = (i != j) & (j != k) & (i != k)
    i, j, k = i[apart], j[apart], k[apart]
    shorter = net.rtt_ms(i, j) > 1.05 * (net.rtt_ms(i, k) + net.rtt_ms(k, j))
    assert 0.08 < shorter.mean() < 0.17


def test_round_trips_span_sites_and_oceans(net):
    a, b = paths()
    together = net.site[a] == net.site[b]
    assert np.median(net.rtt_ms(a, b)[together]) < 15
    assert 80 < np.median(net.rtt_ms(a, b)) < 300


def test_measurements_differ_by_direction_and_some_paths_are_slow_or_silent(net):
    a, b = paths()
    there, back, true = net.measured_ms(a, b), net.measured_ms(b, a), net.rtt_ms(a, b)
    assert 0.005 < np.isnan(there).mean() < 0.015
    ratio = (there / true)[np.isfinite(there)]
    assert 0.01 < (ratio > 1.25).mean() < 0.03
    assert abs(np.median(ratio) - 1) < 0.01
    assert np.nanmean(there != back) > 0.99


def test_no_low_rank_holds_it(net):
    off = np.log(net.matrix() + np.eye(400))
    left, values, right = np.linalg.svd(off)
    close = (left[:, :10] * values[:10]) @ right[:10]
    assert np.median(np.abs(close - off)[~np.eye(400, dtype=bool)]) > 0.05


def test_an_internet_needs_two_nodes():
    with pytest.raises(ValueError, match="at least 2"):
        internet(1)
    assert internet(2).matrix()[0, 1] > 0
