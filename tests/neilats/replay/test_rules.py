"""The baselines against slow, separate implementations of the same definitions."""

import warnings

import numpy as np
import pytest

from neilats.replay.protocol import Protocol, Skipped, draws
from neilats.replay.rules import Rules
from tests.neilats.replay.test_protocol import a_trace


def slow_rule(x, t, j, i, sla):
    """e100 + .3 v1 + 1.2 xrow of candidate j, value by value."""
    past = [(0.5 ** ((t - 1 - s) / 100), x[s, j, i]) for s in range(max(0, t - 300), t) if not np.isnan(x[s, j, i])]
    e = sum(w for w, v in past if v > sla) / sum(w for w, _ in past) if past else 0.5
    before = [x[s, j, i] for s in range(t) if not np.isnan(x[s, j, i])]
    v1 = float(before[-1] > sla) if before else 0.0
    with warnings.catch_warnings(action="ignore"):
        floor = np.nanquantile(x[max(0, t - 40) : t, j, :], 0.1, axis=0, method="linear")
    margin, excess = sla - floor[i], []
    for s in range(max(0, t - 40), t, 3):
        excess += [x[s, j, k] - floor[k] for k in range(x.shape[1]) if k != j and not np.isnan(x[s, j, k])]
    noise = np.mean([v > margin for v in excess]) if excess and not np.isnan(margin) else 1.0
    return e + 0.3 * v1 + 1.2 * noise


@pytest.mark.parametrize("gaps", [0.0, 0.1, 0.7])
def test_the_rule_is_what_its_formula_says(gaps):
    trace = a_trace(slices=400, seed=5, gaps=gaps, losses=0)
    x, rules = trace.rtt_ms.astype(float), Rules(trace.rtt_ms)
    for draw in draws(trace, Protocol(start=10, draws=60, candidates=4, horizon=30), Skipped()):
        expected = [slow_rule(x, draw.t, j, draw.peer, draw.sla_ms) for j in draw.candidates]
        np.testing.assert_allclose(rules.costs(draw)["rule"], expected, rtol=1e-9)


def test_last_is_the_newest_reading_and_mean_that_of_thirty_slices():
    trace = a_trace(slices=400, gaps=0.3)
    x, rules = trace.rtt_ms.astype(float), Rules(trace.rtt_ms)
    for draw in draws(trace, Protocol(start=50, draws=40, candidates=4, horizon=30), Skipped()):
        costs = rules.costs(draw)
        for k, j in enumerate(draw.candidates):
            before = x[: draw.t, j, draw.peer]
            assert costs["last"][k] == before[~np.isnan(before)][-1]
            recent = before[-30:]
            assert costs["mean"][k] == pytest.approx(recent[~np.isnan(recent)].mean())


def test_a_candidate_that_nobody_measured_comes_last_or_gets_the_middle():
    trace = a_trace(slices=100, gaps=0, losses=0)
    seen = trace.rtt_ms.copy()
    draw = draws(trace, Protocol(start=60, draws=1, candidates=4, horizon=10), Skipped())[0]
    seen[:, draw.candidates[0], :] = np.nan
    costs = Rules(seen).costs(draw)
    assert costs["last"][0] == costs["mean"][0] == np.inf
    assert costs["rule"][0] == pytest.approx(0.5 + 1.2)
    assert np.isfinite(costs["rule"]).all()


def test_a_link_of_losses_makes_its_node_noisy():
    trace = a_trace(slices=100, gaps=0, losses=0)
    draw = draws(trace, Protocol(start=60, draws=1, candidates=4, horizon=10), Skipped())[0]
    other = next(k for k in range(8) if k not in (draw.candidates[0], draw.peer))
    before = Rules(trace.rtt_ms).costs(draw)["rule"]
    seen = trace.rtt_ms.copy()
    seen[:, draw.candidates[0], other] = np.inf
    after = Rules(seen).costs(draw)["rule"]
    assert after[0] > before[0]
    assert after[1:].tolist() == before[1:].tolist()
