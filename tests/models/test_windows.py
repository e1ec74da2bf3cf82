"""Cases in the order of time."""

import numpy as np
import pytest

from models.data import DataError, Series
from models.windows import cases


def series(slots=100, paths=1, origin=0):
    rtt_ms = np.arange(slots, dtype=np.float32) + origin + 1000 * np.arange(paths, dtype=np.float32)[:, None]
    return Series("x", rtt_ms, 10.0, origin)


def test_futures_follow_their_windows_and_do_not_overlap():
    found = cases(series())
    assert found.windows[:, -1].tolist() == [29, 59]
    assert found.futures[:, 0].tolist() == [30, 60]
    assert found.futures[:, -1].tolist() == [59, 89]


def test_no_future_begins_before_the_start_whatever_was_cut_off():
    assert cases(series(), start=50).futures[:, 0].tolist() == [50]
    assert cases(series(), start=5).futures[0, 0] == 30
    assert cases(series(origin=200), start=250, step=1).futures[:, 0].tolist() == [*range(250, 271)]


def test_a_case_needs_five_pings_before_it_and_one_after():
    some = series(60, paths=3)
    some.rtt_ms[0, 4:30] = np.inf
    some.rtt_ms[1, 30:] = np.nan
    assert cases(some).windows[:, 0].tolist() == [2000]


@pytest.mark.parametrize(
    ("slots", "start", "what"),
    [(59, None, "59 slots of 10 s; at least 60 are needed"), (100, 71, "the last that has 30 behind it is 70")],
)
def test_too_short_a_series_says_how_much_is_needed(slots, start, what):
    with pytest.raises(DataError, match=what):
        cases(series(slots), start)


def test_all_lost_is_told():
    some = series(60)
    some.rtt_ms[:] = np.inf
    with pytest.raises(DataError, match="no window of 30 slots has 5 returned pings"):
        cases(some)


def test_thinning_spreads_over_all_cases():
    found = cases(series(paths=10)).thinned(5)
    assert len(found) == 5
    assert found.windows[-1, 0] > 9000
