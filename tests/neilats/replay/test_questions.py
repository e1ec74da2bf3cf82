"""Training questions: what the extender would have seen, and what came of it."""

from dataclasses import replace

import numpy as np
import pytest

from models.data.questions import PARTS
from neilats.replay.curriculum import candidates_of, lessons, taught
from neilats.replay.protocol import Protocol
from neilats.replay.questions import questions
from neilats.traces import Trace, TraceError
from neilats.traces.synthetic import synthetic
from scoring.features import CHANNELS, NAMES, SEQUENCE_SLOTS
from scoring.forecast import HORIZON_SLOTS

LAN = synthetic("synthetic:lan?nodes=8&slices=120&seed=3")
PROTOCOL = Protocol(start=60, draws=24, candidates=5, seed=1)


def test_each_question_has_inputs_and_outcomes_of_every_candidate():
    asked = questions(LAN, PROTOCOL)
    n = len(asked)
    assert n > 12
    assert asked.sequence.shape == (n, 5, SEQUENCE_SLOTS, len(CHANNELS))
    assert asked.features.shape == (n, 5, len(NAMES))
    assert ((asked.outcome >= 0) & (asked.outcome <= 1)).all()
    assert asked.known.all()


def test_inputs_depend_on_nothing_that_comes_later():
    changed = LAN.rtt_ms.copy()
    changed[100:] *= 7
    other = Trace(changed, LAN.interval_s, LAN.nodes)
    ours, theirs = questions(LAN, PROTOCOL), questions(other, PROTOCOL)
    # The draws with an outcome that is changed ask the same.
    np.testing.assert_array_equal(ours.slice_index, theirs.slice_index)
    early = ours.slice_index < 100
    np.testing.assert_array_equal(ours.features[early], theirs.features[early])
    np.testing.assert_array_equal(ours.sequence[early], theirs.sequence[early])
    assert (ours.outcome != theirs.outcome).any()


def test_a_masked_trace_has_paths_that_nobody_measured():
    asked = questions(LAN, Protocol(start=60, draws=24, candidates=5, seed=1, mask=2))
    assert 0 < asked.known.mean() < 1


def test_questions_are_split_by_time_with_whole_horizons():
    asked = questions(LAN, PROTOCOL)
    earlier = asked.between(0, 100, HORIZON_SLOTS)
    assert 0 < len(earlier) < len(asked)
    assert (earlier.slice_index + HORIZON_SLOTS <= 100).all()


def test_a_trace_without_repetitions_is_not_thinned():
    plan = lessons(LAN, 100, 5, seed=0)
    assert not any(lesson.protocol.fresh_only for lesson in plan)
    assert [lesson.protocol.mask for lesson in plan] == [None, None, 2, None]


def test_a_trace_that_repeats_its_readings_is_also_learnt_without_them():
    repeated = Trace(np.repeat(LAN.rtt_ms[:30], 5, axis=0), 10.0, LAN.nodes)
    plan = lessons(repeated, 100, 5, seed=0)
    assert [lesson.protocol.fresh_only for lesson in plan] == [False, False, True, False, False]
    assert len(taught(plan)) > 50


def test_a_trace_of_which_nothing_can_be_judged_is_an_error():
    silent = LAN.rtt_ms.copy()
    silent[61:] = np.nan
    with pytest.raises(TraceError, match="none of 24 draws can be judged"):
        questions(Trace(silent, LAN.interval_s, LAN.nodes), Protocol(start=62, draws=24, candidates=5, seed=1))


def test_too_few_nodes_are_an_error():
    with pytest.raises(TraceError, match="3 nodes are too few"):
        candidates_of([synthetic("synthetic:lan?nodes=3&slices=60")])


def test_some_lessons_lose_pings_and_some_are_easy():
    plan = lessons(LAN, 200, 5, seed=0)
    factors = {factor for lesson in plan for _, factor in lesson.slas}
    assert max(factors) > 2
    losses = [np.isposinf(lesson.trace.rtt_ms).mean() for lesson in plan]
    assert max(losses) > 5 * min(losses)


def test_an_easy_sla_is_a_multiple_of_the_quantile():
    chosen = questions(LAN, PROTOCOL, slas=((0.5, 1.0),))
    easy = questions(LAN, PROTOCOL, slas=((0.5, 3.0),))
    np.testing.assert_array_equal(chosen.slice_index, easy.slice_index)
    assert easy.outcome.mean() < 0.3 * chosen.outcome.mean()


def test_the_parts_of_a_horizon_make_up_the_whole():
    gapless = replace(LAN, rtt_ms=np.where(np.isnan(LAN.rtt_ms), np.float32(5), LAN.rtt_ms))
    found = questions(gapless, PROTOCOL)
    assert found.parts.shape == (*found.outcome.shape, len(PARTS))
    np.testing.assert_allclose(found.parts.astype(float) @ PARTS / sum(PARTS), found.outcome, atol=1e-3)


def test_a_part_that_nobody_measured_is_unknown():
    gap = LAN.rtt_ms.copy()
    gap[64:70] = np.nan
    found = questions(replace(LAN, rtt_ms=gap), replace(PROTOCOL, end=91, draws=6))
    assert (found.slice_index == 60).all()
    np.testing.assert_array_equal(np.isnan(found.parts).all(axis=(0, 1)), [False, True, False, False])
