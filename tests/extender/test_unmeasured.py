"""The list of estimates beside the matrix: only what no direction has measured, and only so much."""

import numpy as np
import pytest

from extender.errors import BadRequest
from extender.unmeasured import unmeasured
from extender.windows import WindowStore

NODES = ("a", "b", "c", "d")


class Everywhere:
    """Estimates 10 ms for every path but those to `d`."""

    generation = 1

    def of(self, peer, names):
        rtt_ms = np.where(np.array([peer == "d" or n == "d" for n in names], dtype=bool), np.nan, 10.0)
        return rtt_ms, np.where(np.isnan(rtt_ms), np.nan, 0.3)


@pytest.fixture
def store():
    store = WindowStore(8, 10.0)
    store.ensure("a", ["b"])
    return store


async def test_measured_paths_are_left_out_in_both_directions(store):
    found = await unmeasured(Everywhere(), store, NODES, NODES, 100)
    assert {(e["source"], e["target"]) for e in found} == {("a", "c"), ("c", "a"), ("b", "c"), ("c", "b")}
    assert all(e["estimate_low_ms"] < e["estimate_ms"] == 10.0 < e["estimate_high_ms"] for e in found)


async def test_the_paths_of_one_node_are_the_same_from_and_to_it(store):
    there = await unmeasured(Everywhere(), store, ["c"], NODES, 100)
    back = await unmeasured(Everywhere(), store, NODES, ["c"], 100)
    assert [(e["source"], e["target"]) for e in there] == [("c", "a"), ("c", "b")]
    assert [(e["target"], e["source"]) for e in back] == [("c", "a"), ("c", "b")]


@pytest.mark.parametrize("most", [3, 1], ids=["found", "asked"])
async def test_too_many_are_refused_with_a_remedy(store, most):
    with pytest.raises(BadRequest, match="narrow it"):
        await unmeasured(Everywhere(), store, NODES, NODES, most)
