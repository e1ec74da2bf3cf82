"""P(RTT > SLA) from the quantiles of a forecast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.forecast import QuantileForecast


def of_quantiles(levels, *rows):
    quantiles = np.array(rows, dtype=float)
    return QuantileForecast(quantiles[:, :1], np.array(levels), quantiles, np.ones(len(rows), dtype=bool))


def test_violation_is_interpolated_between_quantiles():
    forecast = of_quantiles([0.0, 0.5, 1.0], [1.0, 3.0, 7.0])
    assert [forecast.violation(sla)[0] for sla in (1.0, 2.0, 3.0, 5.0, 7.0)] == pytest.approx([1, 0.75, 0.5, 0.25, 0])


def test_a_value_that_equals_the_sla_keeps_it():
    assert of_quantiles([0.1, 0.5, 0.9], [4.0, 4.0, 8.0]).violation(4.0)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("sla", "expected"), [(0.5, 0.95), (9.0, 0.05)], ids=["below all", "above all"])
def test_half_of_the_mass_outside_the_outermost_quantiles_violates(sla, expected):
    assert of_quantiles([0.1, 0.5, 0.9], [1.0, 2.0, 3.0]).violation(sla)[0] == pytest.approx(expected)


def test_expected_losses_violate_every_sla():
    forecast = of_quantiles([0.0, 0.25, 0.5, 0.75, 1.0], [1.0, 2.0, np.inf, np.inf, np.inf], [np.inf] * 5)
    for sla in (50.0, 1e9, np.inf):
        assert forecast.violation(sla).tolist() == [0.75, 1.0]


def test_unknown_path_has_an_unknown_violation():
    forecast = QuantileForecast(np.full((1, 2), np.nan), np.array([0.5]), np.full((1, 1), np.nan), np.array([False]))
    assert np.isnan(forecast.violation(1.0)[0])


@given(
    rows=arrays(np.float64, (3, 6), elements=st.one_of(st.floats(0, 1e3), st.just(np.inf))),
    slas=st.tuples(st.floats(0, 2e3), st.floats(0, 2e3)),
)
def test_violation_is_a_probability_that_falls_with_the_sla(rows, slas):
    forecast = of_quantiles(np.linspace(0.05, 0.95, 6), *np.sort(rows, axis=1))
    strict, lax = forecast.violation(min(slas)), forecast.violation(max(slas))
    assert ((lax >= -1e-12) & (strict <= 1 + 1e-12)).all()
    assert (lax <= strict + 1e-9).all()
