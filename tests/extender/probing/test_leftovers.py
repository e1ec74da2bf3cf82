"""Windows of paths that nobody measures any more."""

import numpy as np

from extender.probing.census import LOOK_S
from extender.probing.leftovers import let_go
from extender.windows import ABSENT, WindowStore
from tests.extender.probing.test_figures import Observed


def measured(**ages_s):
    """A store with one sample of each path from `a`, so old at 1000 s."""
    store = WindowStore(64, 10.0)
    for target, age_s in ages_s.items():
        store.append(store.ensure("a", [target]), np.array([1000.0 - age_s]), np.array([1.5]))
    return store


def test_what_is_listed_or_still_has_samples_stays():
    store = measured(listed=700, young=600, old=700)
    store.ensure("b", ["old"])
    assert let_go(store, "a", {"listed"}, 1000.0, 640.0) == 1
    assert sorted((s, t) for s, t, _ in store.paths()) == [("a", "listed"), ("a", "young"), ("b", "old")]
    assert let_go(store, "a", {"listed"}, 1000.0, 640.0) == 0
    assert let_go(store, "unknown", (), 1000.0, 640.0) == 0


def test_a_path_whose_new_sample_waits_to_be_written_stays():
    store = measured(old=700)
    store.write(store.rows_from("a", ["old"]), np.array([999.0]), np.array([1.5]))
    assert let_go(store, "a", (), 1000.0, 640.0) == 0
    assert store.age_s(store.rows_from("a", ["old"]), 1000.0).tolist() == [1.0]


def test_a_row_that_was_let_go_serves_another_path_and_tells_nothing_of_the_first():
    store = measured(old=700, young=10)
    before, versions = store.row("a", "old"), [store.paths_version(n) for n in ("a", "old", "young")]
    version = store.version(np.array([before]))[0]
    let_go(store, "a", (), 1000.0, 640.0)
    assert store.row("a", "old") == ABSENT
    assert [store.paths_version(n) for n in ("a", "old", "young")] != versions
    (row,) = store.ensure("c", ["d"])
    assert row == before
    assert store.version(np.array([row]))[0] > version
    assert np.isnan(store.windows(np.array([row]), 1000.0)).all()
    assert len(store) == 2


def test_a_peer_that_cooled_down_takes_no_memory_and_neighbours_keep_theirs():
    seen = Observed()
    lists = seen.report()
    for source, targets in lists.items():
        seen.measure(source, "node-3", *(t.node for t in targets if t.node != "node-3"))
    paths = sum(len({"node-3", *(t.node for t in targets)}) for targets in lists.values())
    assert len(seen.store) == paths
    for _ in range(13):
        seen.time.now += LOOK_S
        for source, targets in seen.report().items():
            seen.measure(source, *(t.node for t in targets))
    assert sum(1 for _, target, _ in seen.store.paths() if target == "node-3") <= 16


def test_in_a_mesh_nothing_is_let_go():
    seen = Observed(10)
    seen.report()
    seen.measure("node-1", "node-2", "away")
    for _ in range(20):
        seen.time.now += LOOK_S
        seen.report()
    assert seen.store.row("node-1", "away") != ABSENT
