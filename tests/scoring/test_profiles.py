"""The registry of profiles, and what holds for every one of them."""

import numpy as np
import pytest

from scoring import memory, noise
from scoring.naive import MedianForecaster
from scoring.paths import Paths
from scoring.profiles import DEFAULT, PROFILES, Status
from scoring.rank import rank

EVERY = pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
SLAS = pytest.mark.parametrize("sla", [5.0, None], ids=["with an SLA", "without"])


def mixed_paths(rng):
    windows = rng.lognormal(1, 0.5, (30, 64))
    windows[rng.random(windows.shape) < 0.1] = np.nan
    windows[rng.random(windows.shape) < 0.05] = np.inf
    windows[0], windows[1], windows[2] = np.nan, np.inf, 4.0
    known = np.arange(30) != 3
    return Paths(windows, memory.empty(30), np.repeat(noise.pooled_excess(windows)[None], 30, axis=0), known)


def test_registry_is_keyed_by_name_and_has_the_default():
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert DEFAULT in PROFILES


@EVERY
@SLAS
def test_profile_answers_every_candidate_with_a_number_and_a_status(profile, sla):
    costs = profile(mixed_paths(np.random.default_rng(0)), sla)
    assert not np.isnan(costs.cost).any()
    assert ((costs.noise >= 0) & np.isfinite(costs.noise)).all()
    unknown = costs.status == Status.UNKNOWN
    assert unknown.tolist() == [k in (0, 3) for k in range(30)]
    assert profile.unit.find(costs.unit) >= 0


@EVERY
@SLAS
def test_profile_treats_candidates_alike_whatever_their_order(profile, sla):
    paths = mixed_paths(np.random.default_rng(1))
    order = np.random.default_rng(2).permutation(30)
    turned = Paths(paths.windows[order], paths.memory[order], paths.noise[order], paths.known[order])
    np.testing.assert_allclose(profile(turned, sla).cost, profile(paths, sla).cost[order], rtol=1e-9)


@EVERY
@SLAS
def test_profile_answers_no_candidates(profile, sla):
    nothing = Paths(np.empty((0, 64)), memory.empty(0), noise.unknown(0), np.empty(0, dtype=bool))
    assert profile(nothing, sla).cost.shape == (0,)


@EVERY
def test_profile_reads_the_forecast_only_if_it_says_so(profile):
    paths = mixed_paths(np.random.default_rng(3))
    forecast = MedianForecaster().forecast(Paths.bare(np.random.default_rng(4).lognormal(3, 1, (30, 64))), 30)
    changed = not np.allclose(profile(paths, 5.0, forecast).cost, profile(paths, 5.0).cost)
    assert changed == (profile.forecast is not None)


def test_close_node_outranks_a_far_one():
    windows = np.stack([np.full(64, 30.0), np.full(64, 3.0)]) + np.random.default_rng(5).random((2, 64))
    paths = Paths(windows, memory.empty(2), noise.unknown(2), np.ones(2, dtype=bool))
    for sla in (10.0, None):
        costs = PROFILES[DEFAULT](paths, sla)
        assert rank(costs.cost, costs.noise).tolist() == [0, 10]
