"""Draws: the same as the reference draws, judged as the definition says, skipped where nothing can be said."""

import numpy as np
import pytest

from neilats.replay.protocol import Protocol, Skipped, draws
from neilats.traces import Trace, TraceError
from neilats.traces.trace import as_rtt


def a_trace(slices=120, nodes=8, seed=0, gaps=0.1, losses=0.05):
    rng = np.random.default_rng(seed)
    values = rng.integers(10, 20, (slices, nodes, nodes)).astype(float)
    values[rng.random(values.shape) < losses] = np.inf
    values[rng.random(values.shape) < gaps] = np.nan
    return Trace(as_rtt(values), 10.0, tuple(f"n{i}" for i in range(nodes)))


def a_protocol(**changes):
    return Protocol(**({"start": 50, "draws": 100, "candidates": 4, "horizon": 10} | changes))


def test_an_outcome_is_the_share_of_measured_slices_above_the_sla_and_a_loss_is_above_it():
    trace = a_trace()
    for draw in draws(trace, a_protocol(), Skipped()):
        for k, j in enumerate(draw.candidates):
            future = [float(v) for v in trace.rtt_ms[draw.t : draw.t + 10, j, draw.peer] if not np.isnan(v)]
            assert draw.violation[k] == sum(v > draw.sla_ms for v in future) / len(future)
            returned = [v for v in future if np.isfinite(v)]
            assert draw.mean_rtt_ms[k] == pytest.approx(np.mean(returned))


def test_the_sla_is_the_quantile_of_what_was_measured_before():
    trace = a_trace(losses=0)
    for draw in draws(trace, a_protocol(sla_quantile=0.4), Skipped()):
        past = trace.rtt_ms[: draw.t, draw.candidates, draw.peer].astype(float)
        assert draw.sla_ms == pytest.approx(np.nanquantile(past, 0.4), rel=1e-6)


def test_a_value_that_equals_the_sla_keeps_it_in_single_precision_too():
    values = np.full((80, 4, 4), 0.1)
    trace = Trace(as_rtt(values), 10.0, ("a", "b", "c", "d"))
    found = draws(trace, a_protocol(candidates=2), Skipped())
    assert all(draw.violation.tolist() == [0, 0] for draw in found)


def test_draws_are_sorted_and_the_same_for_the_same_seed():
    one, other = (draws(a_trace(), a_protocol(seed=s), Skipped()) for s in (3, 4))
    times = [d.t for d in one]
    assert times == sorted(times)
    assert times == [d.t for d in draws(a_trace(), a_protocol(seed=3), Skipped())]
    assert times != [d.t for d in other]


def test_no_slice_from_the_end_on_is_used():
    trace = a_trace()
    cut = draws(trace.sliced(0, 90), a_protocol(), Skipped())
    whole = draws(trace, a_protocol(end=90), Skipped())
    assert max(d.t for d in whole) < 80
    assert [d.violation.tolist() for d in cut] == [d.violation.tolist() for d in whole]


def test_draws_without_a_future_or_an_sla_are_skipped_and_counted():
    silent, dead = a_trace(gaps=0, losses=0).rtt_ms.copy(), a_trace(gaps=0, losses=0).rtt_ms.copy()
    silent[50:, 1, :] = np.nan
    dead[:50] = np.inf
    for values, field in ((silent, "no_future"), (dead, "no_sla")):
        skipped = Skipped()
        trace = Trace(values, 10.0, a_trace().nodes)
        found = draws(trace, a_protocol(), skipped)
        assert getattr(skipped, field) > 0
        assert len(found) + skipped.no_future + skipped.no_sla == 100
        assert all(np.isfinite(d.violation).all() and np.isfinite(d.sla_ms) for d in found)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"start": 50, "train_until": 60}, "--start 50 lies before --train-until 60.*use --start 60"),
        ({"start": 115}, "--start 115: from slice 1 to 109"),
        ({"end": 500}, "--end 500 is behind the trace's last slice; it has 120"),
        ({"candidates": 8}, "--candidates 8: 8 nodes allow 2 to 7"),
        ({"horizon": 200}, r"120 slices are too few .* in 200 \(--horizon\)"),
    ],
)
def test_a_protocol_that_does_not_fit_says_what_would(changes, says):
    with pytest.raises(TraceError, match=says):
        a_protocol(**changes).check(a_trace())


def test_two_nodes_leave_no_choice():
    with pytest.raises(TraceError, match="2 nodes leave no choice; expected at least 3"):
        a_protocol(candidates=2).check(Trace(np.ones((120, 2, 2), np.float32), 10.0, ("a", "b")))
