"""The batched ADF test against `statsmodels.tsa.stattools.adfuller`, window by window."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller

from scoring.adf import MIN_SAMPLES, Reason, adf_batch
from tests.missing import missing

SEATTLE = Path(__file__).parents[2].parent / "shared" / "data" / "seattle" / "rtt_ms.npz"

# The golden window of the system that this project continues, and the score that it answered.
GOLDEN = np.array(
    [.382, .370, .389, .434, .331, .355, .361, .380, .311, .374, .473, .376, .357, .356, .329,
     .375, .373, .372, .359, .357, .435, .396, .354, .352, .362, .364, .495, .395, .343, .347]
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """One answer of adfuller."""

    statistic: float
    pvalue: float
    lag: int
    critical: np.ndarray
    warned: bool


def reference(window: np.ndarray) -> Reference:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        statistic, pvalue, lag, _, critical, _ = adfuller(window, result_object=False)
    values = np.array([critical[level] for level in ("1%", "5%", "10%")])
    return Reference(statistic, pvalue, lag, values, bool(caught))


def disagreement(window: np.ndarray, answer: Reference) -> float:
    """Return how far adfuller's statistics of w and 3 w + 7 lie apart, relative above 1; infinite if it warns."""
    other = reference(3.0 * window + 7.0)
    if answer.warned or other.warned or answer.lag != other.lag:
        return np.inf
    return abs(answer.statistic - other.statistic) / max(1.0, abs(answer.statistic))


def reference_score(answer: Reference) -> float:
    for level, critical in zip((0.01, 0.05, 0.1), answer.critical, strict=True):
        if answer.pvalue <= level:
            return float(10.0 * (critical - answer.statistic))
    return 0.0


def random_walk(rng, w):
    return 50.0 + np.cumsum(rng.standard_normal(w))


def autoregression(rng, w):
    noise, level = rng.standard_normal(w + 50), np.zeros(w + 50)
    for k in range(2, w + 50):
        level[k] = 0.5 * level[k - 1] - 0.4 * level[k - 2] + noise[k]
    return 20.0 + level[50:]


def steps(rng, w):
    window = np.full(w, 10.0) * rng.integers(1, 9)
    for _ in range(rng.integers(1, 5)):
        window[rng.integers(1, w) :] = 10.0 * rng.integers(1, 9)
    return window


def spikes(rng, w):
    window = np.full(w, 10.0 * rng.integers(1, 9))
    window[rng.integers(0, w, 5)] += 10.0 * rng.integers(1, 9)
    return window


def periodic(rng, w):
    return np.resize(rng.uniform(1, 50, rng.integers(2, 12)), w)


def outlier(rng, w):
    window = 0.3 + 0.01 * rng.standard_normal(w)
    window[rng.integers(w)] = 1e4
    return window


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "random walk": random_walk,
    "white noise": lambda rng, w: 0.37 + 0.03 * rng.standard_normal(w),
    "autoregression": autoregression,
    "Student t with 2 degrees": lambda rng, w: 10.0 + rng.standard_t(2, w),
    "Cauchy": lambda rng, w: np.abs(rng.standard_cauchy(w)) + 0.2,
    "lognormal": lambda rng, w: rng.lognormal(0, 2, w),
    "steps": steps,
    "step with noise": lambda rng, w: steps(rng, w) + 0.1 * rng.standard_normal(w),
    "step with tiny noise": lambda rng, w: steps(rng, w) + 1e-6 * rng.standard_normal(w),
    "spikes": spikes,
    "periodic": periodic,
    "nearly periodic": lambda rng, w: periodic(rng, w) + 1e-7 * rng.standard_normal(w),
    "two levels": lambda rng, w: 10.0 + 10.0 * rng.integers(0, 2, w),
    "repeated readings": lambda rng, w: np.repeat(rng.integers(1, 30, w) * 10.0, rng.integers(2, 8))[:w],
    "rounded to 10 ms": lambda rng, w: np.maximum(10, np.round(rng.lognormal(3, 0.7, w), -1)),
    "exact trend": lambda rng, w: 1.0 + 0.1 * np.arange(w) + rng.integers(9),
    "exponential": lambda rng, w: np.exp(0.1 * np.arange(w)) + 1e-3 * rng.standard_normal(w),
    "outlier": outlier,
    "far from zero": lambda rng, w: 1000.0 + 1e-3 * rng.standard_normal(w),
    "too small to be moved": lambda rng, w: 1e-10 * rng.lognormal(0, 0.3, w),
    "very far from zero": lambda rng, w: 1e5 + 1e-4 * rng.standard_normal(w),
}
HOPELESS = ("exact trend", "too small to be moved", "very far from zero")
LENGTHS = (30, 30, 30, 5, 7, 12, 20, 40, 64)


def windows_of(kind: str) -> list[np.ndarray]:
    rng = np.random.default_rng([7, list(KINDS).index(kind)])
    made = [KINDS[kind](rng, LENGTHS[k % len(LENGTHS)]) for k in range(45)]
    return [window for window in made if window.max() > window.min()]


def seattle_windows() -> list[np.ndarray]:
    if not SEATTLE.exists():
        missing(f"the Seattle trace is not at {SEATTLE}")
    with np.load(SEATTLE) as trace:
        rtt = trace["rtt_ms"].astype(float)
    rng, found = np.random.default_rng(11), []
    while len(found) < 400:
        t, i, j = rng.integers(0, len(rtt) - 30), rng.integers(99), rng.integers(99)
        window = rtt[t : t + 30, i, j]
        if i != j and (window > 0).all() and window.max() > window.min():
            found.append(window)
    return found


def padded(windows: list[np.ndarray]) -> np.ndarray:
    """Stack windows of several lengths by gaps before them, as a young pair's ring has them."""
    width = max(map(len, windows))
    return np.array([np.concatenate([np.full(width - len(window), np.nan), window]) for window in windows])


def assert_equal_to_reference(windows: list[np.ndarray]) -> int:
    """Compare a batch; return how many of its windows have a statistic at all."""
    batch = adf_batch(padded(windows))
    answered = 0
    for k, window in enumerate(windows):
        answer = reference(window)
        apart = disagreement(window, answer)
        if 1e-9 < apart < 1e-7 and batch.reason[k] == Reason.DEGENERATE:
            continue  # so close to the limit of 1e-8 that the verdict is the rounding of this machine's BLAS
        if not apart < 1e-7:
            assert (batch.reason[k], batch.score[k], batch.used_lag[k]) == (Reason.DEGENERATE, 0.0, -1), window
            assert np.isnan(batch.statistic[k])
            continue
        answered += 1
        assert batch.reason[k] == Reason.OK, window
        assert batch.used_lag[k] == answer.lag
        assert batch.statistic[k] == pytest.approx(answer.statistic, rel=1e-8, abs=1e-8)
        assert batch.pvalue[k] == pytest.approx(answer.pvalue, abs=1e-6)
        np.testing.assert_allclose(batch.critical_values[k], answer.critical, rtol=1e-12)
        assert batch.score[k] == pytest.approx(reference_score(answer), rel=1e-8, abs=1e-7)
    return answered


@pytest.mark.parametrize("kind", KINDS)
def test_batch_equals_adfuller_wherever_adfuller_agrees_with_itself(kind):
    answered = assert_equal_to_reference(windows_of(kind))
    assert answered > 0 or kind in HOPELESS


def test_batch_equals_adfuller_on_a_measured_trace():
    assert assert_equal_to_reference(seattle_windows()) > 250


def test_long_windows_equal_adfuller():
    rng = np.random.default_rng(3)
    assert assert_equal_to_reference([random_walk(rng, 300), autoregression(rng, 300), autoregression(rng, 150)]) == 3


def test_golden_window_scores_as_the_old_system_did():
    batch = adf_batch(GOLDEN[None])
    assert batch.score[0] == pytest.approx(3.3563404951, abs=1e-9)
    assert batch.score[0] == pytest.approx(reference_score(reference(GOLDEN)), abs=1e-11)
    assert batch.pvalue[0] == pytest.approx(0.00118, abs=5e-6)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_every_significance_level_is_scored_by_its_own_critical_value(level):
    rng = np.random.default_rng(5)
    windows = 10.0 + np.cumsum(rng.standard_normal((400, 30)), axis=1) * 0.2 + rng.standard_normal((400, 30))
    batch = adf_batch(windows)
    lower = {0.01: 0.0, 0.05: 0.01, 0.1: 0.05}[level]
    rows = np.flatnonzero((batch.pvalue > lower) & (batch.pvalue <= level))
    assert rows.size > 5
    for k in rows[:6]:
        assert batch.score[k] == pytest.approx(reference_score(reference(windows[k])), abs=1e-9)


def test_window_that_wanders_scores_zero_for_a_good_reason():
    batch = adf_batch(np.cumsum(np.random.default_rng(0).standard_normal((1, 30)), axis=1))
    assert (batch.pvalue[0] > 0.1, batch.score[0], batch.reason[0]) == (True, 0.0, Reason.OK)


def test_gaps_and_losses_are_left_out_of_a_row():
    rng = np.random.default_rng(1)
    dense = rng.lognormal(0, 0.3, (40, 24))
    holed = np.full((40, 30), np.nan)
    for row, window in zip(holed, dense, strict=True):
        places = np.sort(rng.permutation(30)[:24])
        row[places] = window
        row[np.setdiff1d(np.arange(30), places)[:3]] = np.inf
    assert np.array_equal(adf_batch(holed).statistic, adf_batch(dense).statistic)


def test_rows_of_different_lengths_share_a_batch_without_touching_each_other():
    windows = padded([window for kind in ("random walk", "steps", "periodic") for window in windows_of(kind)])
    order = np.random.default_rng(2).permutation(len(windows))
    straight, shuffled = adf_batch(windows), adf_batch(windows[order])
    np.testing.assert_allclose(shuffled.statistic, straight.statistic[order], rtol=1e-9)
    assert np.array_equal(shuffled.reason, straight.reason[order])


def test_shortest_window_is_the_one_that_adfuller_accepts():
    window = np.array([1.0, 4.0, 2.0, 7.0])
    assert len(window) == MIN_SAMPLES
    assert adf_batch(window[None]).statistic[0] == pytest.approx(reference(window).statistic, rel=1e-9)
    with pytest.raises(ValueError, match="too short"):
        adfuller(window[:-1], result_object=False)
    assert adf_batch(window[None, :-1]).reason[0] == Reason.TOO_SHORT


def test_constant_window_scores_zero_as_constant():
    batch = adf_batch(np.array([[0.1] * 30, [np.nan] * 10 + [0.1] * 20]))
    assert batch.reason.tolist() == [Reason.CONSTANT] * 2
    assert batch.score.tolist() == [0.0, 0.0]


def test_perfectly_periodic_window_scores_zero_as_degenerate():
    window = np.resize([1.0, 2.0], 30)
    assert abs(reference(window).statistic) > 1e12  # the meaningless number that this guards against
    batch = adf_batch(window[None])
    assert (batch.score[0], batch.reason[0]) == (0.0, Reason.DEGENERATE)


@pytest.mark.parametrize(
    "window",
    [
        [np.nan] * 30,
        [np.inf] * 30,
        [1e-320, 0.0] * 15,
        [1e200, -1e200, 3e200] * 10,
        [0.0] * 29 + [1.0],
        [-1.7e308, 1.7e308] * 15,
    ],
    ids=["unmeasured", "lost", "subnormal", "huge", "one step at the end", "overflowing range"],
)
def test_hopeless_window_gets_a_reason_instead_of_an_exception(window):
    batch = adf_batch(np.array([window]))
    assert batch.reason[0] != Reason.OK
    assert batch.score[0] == 0.0
    assert np.isnan(batch.pvalue[0])
    assert np.isnan(batch.critical_values[0]).all()


def test_statistic_does_not_depend_on_units():
    windows = np.random.default_rng(9).lognormal(0, 0.4, (200, 30))
    np.testing.assert_allclose(adf_batch(1000.0 * windows + 5.0).statistic, adf_batch(windows).statistic, rtol=1e-8)


@pytest.mark.parametrize("shape", [(0, 30), (3, 0), (3, 2)])
def test_empty_batches_and_windows_are_answered(shape):
    batch = adf_batch(np.ones(shape))
    assert batch.critical_values.shape == (shape[0], 3)
    assert batch.reason.tolist() == [Reason.TOO_SHORT] * shape[0]
