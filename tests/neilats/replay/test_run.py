"""Replays: the production code on traces whose right choice is known, and the reference on the shared trace."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import forecaster
from neilats.replay.production import Production
from neilats.replay.protocol import Protocol, Skipped, draws
from neilats.replay.run import replay
from neilats.replay.summary import as_json, summary
from neilats.traces import Trace, TraceError
from neilats.traces.opening import open_trace
from neilats.traces.trace import as_rtt
from scoring.profiles import DEFAULT, PROFILES
from tests.missing import missing

SHARED = Path(__file__).parents[4] / "shared"
MEDIAN = forecaster("median")
SHORT = Protocol(start=70, draws=60, candidates=4, horizon=10)


def steady(slices=120, nodes=8):
    """Each node's distance to all others is its own: node 0 is the nearest."""
    rng = np.random.default_rng(0)
    level = 1.0 + np.arange(nodes)[:, None] + np.zeros((nodes, nodes))
    values = level * rng.uniform(0.95, 1.05, (slices, nodes, nodes))
    return Trace(as_rtt(values), 10.0, tuple(f"n{i}" for i in range(nodes)))


def test_on_a_network_that_never_changes_a_profile_is_as_good_as_the_oracle():
    outcomes = replay(steady(), SHORT, ["attainment"], MEDIAN)
    lines = summary(outcomes, DEFAULT)
    assert lines["attainment"].regret < 0.01 < lines["random"].regret
    assert list(lines)[-1] == "oracle"


def test_ties_count_as_the_mean_of_their_outcomes():
    outcomes = replay(steady(), SHORT, ["attainment"], MEDIAN)
    found = draws(steady(), SHORT, Skipped())
    expected = [d.violation.mean() for d in found]
    np.testing.assert_allclose(outcomes.violation["random"], expected)
    np.testing.assert_allclose(outcomes.mean_rtt_ms["random"], [d.mean_rtt_ms.mean() for d in found])


def test_profiles_see_what_the_extender_would_have_in_its_windows():
    trace = steady(slices=200)
    production = Production(trace, ["attainment"], MEDIAN)
    draw = draws(trace, replace(SHORT, start=150), Skipped())[0]
    production.scores([draw])
    gathered = production._gather(draw)
    expected = trace.rtt_ms[draw.t - 64 : draw.t, draw.candidates, draw.peer].T
    np.testing.assert_array_equal(gathered.paths.windows, expected)
    assert gathered.paths.known.all()
    assert gathered.paths.memory.sum() > 0
    assert np.isfinite(gathered.paths.noise).all()


def test_nothing_from_the_slice_of_a_draw_on_is_seen():
    trace = steady()
    poisoned = trace.rtt_ms.copy()
    found = draws(trace, SHORT, Skipped())
    poisoned[found[0].t :] = 1e6
    scores = [
        Production(replace(trace, rtt_ms=v), ["attainment", "seed"], MEDIAN).scores([found[0]])[0]
        for v in (trace.rtt_ms, poisoned)
    ]
    for name in ("attainment", "seed"):
        assert scores[0][name].tolist() == scores[1][name].tolist()


def test_masked_paths_are_unknown_to_profiles_but_outcomes_are_those_of_all():
    whole, masked = (replay(steady(), p, ["attainment"], MEDIAN) for p in (SHORT, replace(SHORT, mask=2)))
    np.testing.assert_array_equal(whole.violation["oracle"], masked.violation["oracle"])
    assert masked.violation["attainment"].mean() > whole.violation["attainment"].mean()


def test_fresh_only_judges_by_fresh_readings_and_paths_stay_known_between_them():
    sweeps = steady(slices=60)
    repeated = replace(sweeps, rtt_ms=np.repeat(sweeps.rtt_ms, 5, axis=0))
    protocol = replace(SHORT, start=150, fresh_only=True)
    production = Production(repeated.fresh_only(), ["attainment"], MEDIAN)
    for draw in draws(repeated.fresh_only(), protocol, Skipped()):
        production.scores([draw])
        assert production._gather(draw).paths.known.all()
    outcomes = replay(repeated, protocol, ["attainment"], MEDIAN)
    counts = outcomes.violation["oracle"] * 2  # ten slices hold two sweeps
    np.testing.assert_allclose(counts, np.round(counts))


def test_every_profile_runs_and_progress_is_told():
    heard = []
    outcomes = replay(steady(), SHORT, list(PROFILES), MEDIAN, lambda count, total: heard.append((count, total)))
    assert heard[-1] == (60, 60)
    document = as_json(summary(outcomes, DEFAULT), DEFAULT, {})
    assert set(PROFILES) < set(document["profiles"])
    own = document["profiles"][DEFAULT]
    assert own["difference"]["to"] == "rule"
    assert document["profiles"]["rule"]["difference"]["to"] == DEFAULT
    assert own["violation_rate"] - document["profiles"]["rule"]["violation_rate"] == pytest.approx(
        own["difference"]["mean"], abs=2e-6
    )


def test_a_trace_of_which_no_draw_can_be_judged_is_an_error():
    values = steady().rtt_ms.copy()
    values[70:] = np.nan
    with pytest.raises(TraceError, match="none of 60 draws can be judged: in 60 a candidate"):
        replay(replace(steady(), rtt_ms=values), SHORT, ["attainment"], MEDIAN)


def test_a_trace_of_losses_is_an_error():
    with pytest.raises(TraceError, match="in 60 no SLA can be set"):
        replay(replace(steady(), rtt_ms=as_rtt(np.full((120, 8, 8), np.inf))), SHORT, ["attainment"], MEDIAN)


@pytest.mark.timeout(180)  # the reference takes its time
def test_the_baselines_agree_with_the_reference_on_the_shared_trace():
    trace, script = SHARED / "data/seattle/rtt_ms.npz", SHARED / "tools/replay_baselines.py"
    if not trace.exists() or not script.exists():
        missing(f"the shared trace and its reference: {trace}, {script}")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script), str(trace), "250", "100"], capture_output=True, check=True
    )
    reference = json.loads(done.stdout)
    lines = summary(replay(open_trace(str(trace)), Protocol(start=250, draws=100), ["attainment"], MEDIAN), DEFAULT)
    names = {"random": "random", "last": "last", "mean": "mean30", "rule": "e100+.3v1+1.2xrow", "oracle": "oracle"}
    for own, theirs in names.items():
        rate, se = reference[theirs]
        assert lines[own].violation_rate == pytest.approx(rate, abs=1e-4), own
        assert lines[own].se == pytest.approx(se, abs=1e-4)
    # The profile may only see 64 slots and answer in integers; it must not be far from the rule all the same.
    assert lines["attainment"].violation_rate < lines["mean"].violation_rate
