"""How nodes stand towards one peer: what is looked up for that, and how often."""

import asyncio

from extender.cluster.base import Resolution
from extender.intents import Intent
from tests.extender.test_standings import NODES, Share, World


async def test_a_new_peers_paths_are_gathered_once_for_their_costs_and_for_the_model():
    world = World(Share())
    for _ in range(5):
        world.now += 10
        for node in NODES[1:]:
            world.report(node, 2.0)
    standings, end = world.cached.standings, asyncio.get_running_loop().time() + 60
    candidates = standings.candidates(NODES)
    standing = standings.costs(candidates.index, "node-0", 5.0)
    gathered, gather = [], standing.gather
    standing.gather = lambda names, now: gathered.append(list(names)) or gather(names, now)
    intent, resolution = Intent(peer_nodes=("node-0",), max_rtt_ms=5.0), Resolution(("node-0",), (1.0,))
    await world.cached.rank(intent, resolution, candidates, end)
    assert gathered == [list(NODES)]
    table = standings._violations.tables.of("node-0", 5.0)
    assert sorted(table.asked_since(world.now)) == sorted(NODES[1:])
    world.close()
