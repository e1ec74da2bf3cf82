"""How often one may speak."""

from extender.events import limits
from extender.events.limits import Buckets


def test_a_burst_is_followed_by_one_every_so_often():
    buckets = Buckets(5, 120.0)
    assert [buckets.take("a", 0.0) for _ in range(6)] == [True] * 5 + [False]
    assert not buckets.take("a", 119.0)
    assert buckets.take("a", 120.0)
    assert not buckets.take("a", 130.0)


def test_nobody_pays_for_others_and_a_long_silence_fills_the_bucket_but_no_more():
    buckets = Buckets(2, 10.0)
    for _ in range(3):
        buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
    assert [buckets.take("a", 1e6) for _ in range(3)] == [True, True, False]


def test_keys_of_long_ago_are_forgotten():
    buckets = Buckets(1, 10.0)
    for i in range(limits._KEPT + 5):
        buckets.take(i, 0.0)
    assert len(buckets._left) == limits._KEPT
