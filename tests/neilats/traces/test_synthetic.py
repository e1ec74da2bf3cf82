"""Made-up networks look like the ordinary ones that they stand for, and are the same each time."""

import numpy as np
import pytest

from neilats.traces import TraceError
from neilats.traces.synthetic import synthetic


def test_the_same_name_makes_the_same_trace_and_another_seed_another():
    name = "synthetic:lan?nodes=6&slices=50&seed={}"
    assert synthetic(name.format(1)).sha256 == synthetic(name.format(1)).sha256
    assert synthetic(name.format(1)).sha256 != synthetic(name.format(2)).sha256


def test_a_lan_has_sub_millisecond_paths_by_rack_few_losses_and_level_shifts():
    trace = synthetic("synthetic:lan?nodes=20&slices=400&interval=5")
    assert (trace.rtt_ms.shape, trace.interval_s) == ((400, 20, 20), 5.0)
    finite = np.where(np.isfinite(trace.rtt_ms), trace.rtt_ms, np.nan)
    level = np.nanmedian(finite[:, ~np.eye(20, dtype=bool)], axis=0)
    assert level.min() > 0.08
    assert level.max() < 1.2
    medians = np.array([[np.median(r[np.isfinite(r)]) for r in row] for row in trace.rtt_ms[:, 0, 1:].T[:, None]])
    assert medians[:9].mean() < medians[9:].mean()
    assert 0 < np.isinf(trace.rtt_ms).mean() < 0.02


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("wan", "there is synthetic:lan"),
        ("lan?colour=red", "no option 'colour'; there are nodes"),
        ("lan?nodes=many", "nodes='many'; expected a number such as 20"),
        ("lan?nodes=1", "nodes >= 2"),
        ("lan?loss=2", "loss=2; expected a share"),
        ("lan?jitter=-1", "jitter=-1"),
        ("lan?episode=nan", "episode"),
        ("lan?nodes=100000", "do not fit in memory"),
    ],
)
def test_a_name_that_means_nothing_says_what_would(name, says):
    with pytest.raises(TraceError, match=says):
        synthetic(f"synthetic:{name}")
