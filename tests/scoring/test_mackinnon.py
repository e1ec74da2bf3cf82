"""MacKinnon's tables against those of statsmodels."""

import numpy as np
from statsmodels.tsa.adfvalues import mackinnoncrit, mackinnonp

from scoring.mackinnon import critical_values, p_value


def test_p_values_equal_statsmodels_over_the_whole_range_and_its_breaks():
    statistics = np.concatenate([np.linspace(-25, 5, 3001), [-18.83, -1.61, 2.74, -1e16, 1e16, -np.inf, np.inf]])
    expected = [mackinnonp(float(statistic), regression="c", N=1) for statistic in statistics]
    np.testing.assert_allclose(p_value(statistics), expected, rtol=1e-10, atol=1e-300)


def test_critical_values_equal_statsmodels_for_every_sample_size():
    sizes = np.arange(3, 400)
    expected = [mackinnoncrit(N=1, regression="c", nobs=int(size)) for size in sizes]
    np.testing.assert_allclose(critical_values(sizes), expected, rtol=1e-13)


def test_unknown_statistic_has_an_unknown_p_value():
    assert np.isnan(p_value(np.array([np.nan]))[0])
