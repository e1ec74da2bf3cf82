"""Whether a path is the same both ways."""

import numpy as np
import pytest

from extender.probing.symmetry import Symmetry
from extender.windows import WindowStore

NOW = 10_000.0


def measured(**series):
    """A store in which `a_b=[...]` are the samples of a towards b, ten seconds apart up to now."""
    store = WindowStore(64, 10.0)
    for pair, values in series.items():
        source, target = pair.split("_")
        rows = store.ensure(source, [target])
        for i, value in enumerate(values):
            store.append(rows, np.array([NOW - 10.0 * (len(values) - 1 - i)]), np.array([value]))
    return store


def asymmetric(store, *before):
    return Symmetry(store).asymmetric("a", ["b"], frozenset(before), NOW) == {"b"}


@pytest.mark.parametrize(
    ("there", "back", "expected"),
    [
        (1.0, 1.0, False),
        (1.0, 1.5, True),
        (1.0, 1.19, False),  # a fifth
        (0.2, 0.29, False),  # a tenth of a millisecond
        (0.2, 0.35, True),
        (20.0, 10.0, True),
    ],
)
def test_medians_that_differ_by_a_fifth_and_a_tenth_of_a_millisecond_are_of_different_paths(there, back, expected):
    assert asymmetric(measured(a_b=[there] * 20, b_a=[back] * 20)) is expected


def test_medians_of_noisy_windows_must_differ_by_more_than_the_noise():
    random = np.random.default_rng(1)
    noise = random.normal(0, 2.0, (2, 30))
    calm = asymmetric(measured(a_b=[10.0] * 30, b_a=[12.5] * 30))
    noisy = asymmetric(measured(a_b=np.abs(10 + 4 * noise[0]), b_a=np.abs(12.5 + 4 * noise[1])))
    assert (calm, noisy) == (True, False)


def test_an_asymmetric_path_stays_so_until_its_directions_are_much_closer():
    close, closer = measured(a_b=[1.0] * 20, b_a=[1.15] * 20), measured(a_b=[1.0] * 20, b_a=[1.05] * 20)
    assert not asymmetric(close)
    assert asymmetric(close, "b")
    assert not asymmetric(closer, "b")


@pytest.mark.parametrize("before", [(), ("b",)])
@pytest.mark.parametrize(
    "series",
    [
        {},
        {"a_b": [1.0] * 20},
        {"b_a": [1.0] * 20},
        {"a_b": [1.0] * 7, "b_a": [9.0] * 20},
        {"a_b": [np.inf] * 20, "b_a": [9.0] * 20},
        {"a_b": [np.nan] * 20, "b_a": [9.0] * 20},
    ],
)
def test_with_too_few_answers_it_stays_as_it_was(series, before):
    assert asymmetric(measured(**series), *before) is bool(before)


def test_losses_are_left_out_of_the_medians():
    assert not asymmetric(measured(a_b=[1.0, np.inf] * 20, b_a=[1.0, 1.0, np.nan] * 12))


def test_medians_are_numpys():
    random = np.random.default_rng(2)
    series = random.exponential(5.0, 41)
    series[::5] = np.inf
    store = measured(a_b=series)
    median, _, count = Symmetry(store)._medians(store.rows(["a"], ["b"]), NOW)
    answered = series[np.isfinite(series)].astype(np.float32)
    assert count.tolist() == [len(answered)]
    np.testing.assert_allclose(median, [np.median(answered)], rtol=1e-6)
