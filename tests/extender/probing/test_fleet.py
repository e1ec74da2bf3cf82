"""A thousand probers and an extender in virtual time: how soon a new peer is measured from everywhere."""

from zlib import crc32

import numpy as np

from extender.probing import Limits
from tests.extender.probing.fleet import Fleet
from tests.extender.probing.village import Village, names_of

FOR_SCORES, FOR_REQUIRE = 1, 5
PEER = "node-500"


def rtt_ms(source, target):
    return 0.1 + crc32("".join(sorted((source, target))).encode()) % 1000 / 500


def share(fleet, samples):
    """The part of the simulated candidates of which so many raw samples towards the peer are known."""
    others = [name for name in fleet.probers if name != PEER]
    recent = fleet.store.recent(fleet.store.rows_to(PEER, others), fleet.time.now, 120.0)
    return float(((~np.isnan(recent)).sum(axis=1) >= samples).mean())


def seconds_to_95_percent(fleet, samples, most_s=60):
    for second in range(most_s):
        if share(fleet, samples) >= 0.95:
            return second
        fleet.run(1.0)
    return most_s


def test_a_new_peer_of_a_thousand_nodes_is_measured_from_95_percent_of_them_within_15_s():
    fleet = Fleet(Village(names_of(1000)), rtt_ms, every=3)
    fleet.run(14.0)
    assert share(fleet, FOR_SCORES) < 0.02
    fleet.probing.asked(PEER, fleet.time.now)
    to_scores = seconds_to_95_percent(fleet, FOR_SCORES)
    to_require = to_scores + seconds_to_95_percent(fleet, FOR_REQUIRE)
    assert to_scores <= to_require <= 15
    measured = fleet.store.row("node-3", PEER)
    assert fleet.store.windows(np.array([measured]), fleet.time.now)[0][-1] == np.float32(
        round(rtt_ms("node-3", PEER), 4)
    )
    assert max(len(p.schedule) for p in fleet.probers.values()) <= fleet.probing.limits.neighbours


def test_peers_that_share_places_always_have_samples_in_their_windows_and_no_prober_exceeds_its_budget():
    limits = Limits(mesh_nodes=10, budget=12, neighbours=4)  # 4 fixed places, and 2 that are shared
    fleet = Fleet(Village(names_of(30)), rtt_ms, limits, every=3)
    fleet.run(10.0)
    peers = names_of(30)[10:26]
    for peer in peers:
        fleet.probing.asked(peer, fleet.time.now)
    fleet.run(420.0)  # 12 peers share 2 places for a minute each
    for _ in range(4):
        fleet.run(70.0)
        assert max(len(p.schedule) for p in fleet.probers.values()) <= limits.budget
        rows = [fleet.store.row(s, p) for s in fleet.probers for p in peers if s != p]
        windows = fleet.store.windows(np.array(rows), fleet.time.now)
        assert np.isfinite(windows).sum(axis=1).min() >= FOR_REQUIRE
