"""Stated violations on a trace, beside those of the past and what came."""

from dataclasses import dataclass

import numpy as np
import pytest

from neilats.replay.protocol import Protocol
from neilats.replay.questions import SLA_QUANTILES, questions
from neilats.replay.reliability import statements
from neilats.traces import TraceError
from neilats.traces.synthetic import synthetic
from scoring.attainment import naive_violation

LAN = synthetic("synthetic:lan?nodes=8&slices=120&seed=3")
PROTOCOL = Protocol(start=60, draws=24, candidates=5, seed=1)


@dataclass(frozen=True)
class Says:
    """Answers by a rule."""

    rule: object
    name: str = "says"

    def violation(self, paths, sla_ms):
        return self.rule(paths, sla_ms)


def test_outcomes_are_those_that_networks_learn_from():
    found = statements(LAN, PROTOCOL, Says(lambda paths, sla_ms: np.full(len(paths.windows), 0.25)))
    asked = questions(LAN, PROTOCOL)
    np.testing.assert_allclose(found.happened, asked.outcome.ravel(), rtol=1e-6)
    assert set(found.level) == set(SLA_QUANTILES)
    assert (found.model == 0.25).all()


def test_an_estimator_that_repeats_the_past_is_as_good_as_the_past():
    found = statements(LAN, PROTOCOL, Says(naive_violation))
    np.testing.assert_array_equal(found.model, found.naive)


def test_paths_that_one_of_both_cannot_answer_are_left_out_and_counted():
    def first_only(paths, sla_ms):
        return np.where(np.arange(len(paths.windows)) == 0, 0.5, np.nan)

    found = statements(LAN, PROTOCOL, Says(first_only))
    assert found.asked == 5 * len(found)


def test_an_estimator_that_never_answers_is_an_error():
    with pytest.raises(TraceError, match=r"says can answer for none of \d+ paths"):
        statements(LAN, PROTOCOL, Says(lambda paths, sla_ms: np.full(len(paths.windows), np.nan)))
