"""What follows decisions goes on whatever happens to one of them."""

from extender.standingtable import StandingTable
from tests.extender.conftest import a_pod


class Broken(StandingTable):
    """A table whose numbers cannot be made."""

    def __init__(self):
        self.standings = []

    async def settle(self):
        raise ValueError("no numbers")


async def test_a_decision_whose_numbers_cannot_be_made_holds_up_no_other(bench, caplog):
    await bench.star("node-1", {"node-2": 2.0, "node-3": 9.0})
    followup, decisions = bench.extender.followup, bench.extender.decisions
    await bench.scores(a_pod("first", peer_nodes="node-1"))
    followup.recorded(next(iter(decisions)), Broken())
    await bench.scores(a_pod("second", peer_nodes="node-1"))
    await followup._complete()
    assert not followup._pending
    assert "without its numbers" in caplog.text
    shown = {row["node"]: row["paths"][0]["median_ms"] for row in next(iter(decisions)).as_json()["nodes"]}
    assert shown["node-2"] == 2.0
