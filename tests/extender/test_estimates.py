"""Coordinates kept up to date from the store: who is estimated, who is forgotten, and what is counted."""

import asyncio
import threading

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from extender.estimates import CPU_SHARE, Estimates
from extender.metrics import Metrics
from extender.windows import WindowStore
from extender.worker import Worker

INTERVAL_S = 10.0


class Plane:
    """Nodes on a plane, of which each measures some others, on a clock that the test moves."""

    def __init__(self, nodes=80, neighbours=14, needed=6, sleep=asyncio.sleep):
        self.now = 5000.0
        self.rng = np.random.default_rng(4)
        self.names = [f"node-{i}" for i in range(nodes)]
        self.place = dict(zip(self.names, self.rng.uniform(0, 50, (nodes, 2)), strict=True))
        self.neighbours = neighbours
        self.store = WindowStore(64, INTERVAL_S)
        self.metrics = Metrics(CollectorRegistry(), "test")
        self.worker = Worker()
        self.estimates = Estimates(self.store, self.worker, self.metrics, lambda: self.now, needed, sleep)

    def rtt_ms(self, a, b):
        return float(np.linalg.norm(self.place[a] - self.place[b])) + 2.0

    def measure(self, names=None, slots=3, factor=1.0):
        for name in self.names if names is None else names:
            others = [n for n in self.names if n != name]
            targets = [others[i] for i in self.rng.choice(len(others), self.neighbours, replace=False)]
            rows = self.store.ensure(name, targets)
            rtt_ms = factor * np.array([self.rtt_ms(name, t) for t in targets])
            for slot in range(slots):
                self.store.append(rows, np.full(len(rows), self.now - (slots - slot) * INTERVAL_S), rtt_ms)

    async def fitted(self, times=4):
        for _ in range(times):
            await self.estimates.refresh()

    def errors(self, peer, names=None):
        names = self.names if names is None else names
        rtt_ms, _ = self.estimates.of(peer, names)
        true = np.array([self.rtt_ms(peer, n) for n in names])
        return np.abs(rtt_ms / true - 1)

    def metric(self, name):
        return self.metrics.registry.get_sample_value(name)


@pytest.fixture
def plane():
    made = Plane()
    yield made
    made.estimates.close()


async def test_before_the_first_fit_there_are_no_estimates(plane):
    plane.measure()
    rtt_ms, sigma_log = plane.estimates.of("node-0", plane.names)
    assert np.isnan(rtt_ms).all()
    assert np.isnan(sigma_log).all()


async def test_what_is_measured_says_what_is_not(plane):
    plane.measure()
    await plane.fitted()
    errors = np.concatenate([plane.errors(name) for name in plane.names[:20]])
    assert np.isfinite(errors).mean() > 0.8
    assert np.nanmedian(errors) < 0.12


async def test_strangers_and_the_peer_itself_have_no_estimate(plane):
    plane.measure()
    await plane.fitted()
    rtt_ms, _ = plane.estimates.of("node-0", ["node-0", "stranger", "node-1", "node-2", "node-3"])
    assert np.isnan(rtt_ms[:2]).all()
    assert np.isfinite(rtt_ms[2:]).any()
    assert np.isnan(plane.estimates.of("stranger", plane.names)[0]).all()


async def test_the_generation_changes_with_every_fit(plane):
    plane.measure()
    seen = [plane.estimates.generation]
    for _ in range(3):
        await plane.fitted(1)
        seen.append(plane.estimates.generation)
    assert len(set(seen)) == 4


async def test_nodes_that_the_store_forgets_have_no_estimates_any_more(plane):
    plane.measure()
    await plane.fitted()
    before = plane.estimates.generation
    plane.store.forget("node-7")
    await plane.fitted(1)
    assert np.isnan(plane.estimates.of("node-0", ["node-7"])[0]).all()
    assert np.isnan(plane.estimates.of("node-7", plane.names)[0]).all()
    assert plane.estimates.generation > before
    assert plane.metric("neilats_estimate_nodes") == len(plane.names) - 1


async def test_a_node_that_comes_in_place_of_another_gets_a_place_of_its_own(plane):
    plane.measure()
    await plane.fitted()
    plane.store.forget("node-7")
    plane.names.remove("node-7")
    plane.names.append("newcomer")
    plane.place["newcomer"] = 50.0 - plane.place["node-7"]
    plane.measure(["newcomer"])
    await plane.fitted(1)
    errors = plane.errors("newcomer", plane.names[:-1])
    assert np.isfinite(errors).mean() > 0.5
    assert np.nanmedian(errors) < 0.2


async def test_a_node_forgotten_while_a_fit_is_made_is_not_brought_back_by_it(plane):
    plane.measure()
    await plane.fitted()
    gate = threading.Event()
    holding = asyncio.create_task(plane.worker.run(lambda: gate.wait(20)))
    fitting = asyncio.create_task(plane.estimates.refresh())
    await asyncio.sleep(0)
    plane.store.forget("node-7")
    gate.set()
    await asyncio.gather(holding, fitting)
    await plane.fitted(1)
    assert np.isnan(plane.estimates.of("node-0", ["node-7"])[0]).all()


async def test_old_samples_are_no_measurements(plane):
    plane.measure()
    plane.now += 65 * INTERVAL_S
    await plane.fitted()
    assert np.isnan(plane.estimates.of("node-0", plane.names)[0]).all()
    assert plane.metric("neilats_estimate_nodes") == 0


async def test_lost_pings_say_nothing_about_the_distance(plane):
    plane.measure()
    rows = plane.store.rows_of("node-3")
    plane.store.append(rows, np.full(len(rows), plane.now), np.full(len(rows), np.inf))
    await plane.fitted()
    assert np.nanmedian(plane.errors("node-3")) < 0.15


async def test_both_directions_count(plane):
    there, back = plane.store.ensure("node-0", ["node-1"]), plane.store.ensure("node-1", ["node-0"])
    plane.measure()
    for row, rtt_ms in ((there, 10.0), (back, 40.0)):
        plane.store.append(row, np.array([plane.now]), np.array([rtt_ms]))
    await plane.fitted()
    assert plane.estimates.generation == 4


async def test_fits_are_counted(plane):
    plane.measure()
    assert np.isnan(plane.metric("neilats_estimate_relative_error_ratio"))
    await plane.fitted()
    assert plane.metric("neilats_estimate_nodes") == len(plane.names)
    assert 0 < plane.metric("neilats_estimate_relative_error_ratio") < 0.2
    assert plane.metric("neilats_extender_estimate_seconds_total") > 0


async def test_an_empty_store_is_no_mistake(plane):
    await plane.fitted(2)
    assert np.isnan(plane.estimates.of("node-0", plane.names)[0]).all()


async def run_for(plane, intervals):
    """Let `run` go on for so many intervals."""
    task = asyncio.create_task(plane.estimates.run())
    while plane.slept < intervals:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def sleeping(**settings):
    """A plane whose sleeps are counted and take no time."""

    async def sleep(seconds):
        made.slept += seconds == INTERVAL_S
        await asyncio.sleep(0)

    made = Plane(sleep=sleep, **settings)
    made.slept = 0
    return made


@pytest.mark.parametrize(("needed", "fits"), [(6, True), (0, False)], ids=["on", "off"])
async def test_it_fits_once_an_interval_unless_it_is_off(needed, fits):
    plane = sleeping(needed=needed)
    plane.measure()
    await run_for(plane, 3)
    plane.estimates.close()
    assert (plane.estimates.generation >= 2) == fits


async def test_a_fit_that_fails_leaves_the_last_estimates_and_goes_on(caplog):
    plane = sleeping()
    plane.measure()
    await run_for(plane, 4)
    before = plane.estimates.of("node-0", plane.names)[0]
    plane.estimates.close()  # nothing can be computed from now on
    await run_for(plane, plane.slept + 3)
    assert caplog.text.count("the last estimates stay") >= 2
    assert np.array_equal(plane.estimates.of("node-0", plane.names)[0], before, equal_nan=True)


async def test_it_rests_for_an_interval_and_longer_where_a_fit_takes_long():
    rests = []

    async def sleep(seconds):
        rests.append(seconds)
        if len(rests) == 3:
            raise asyncio.CancelledError

    plane = Plane(sleep=sleep)
    plane.store.interval_s = 1e-6
    plane.measure()
    spent = plane.metric("neilats_extender_estimate_seconds_total")
    try:
        with pytest.raises(asyncio.CancelledError):
            await plane.estimates.run()
    finally:
        plane.estimates.close()
    spent = plane.metric("neilats_extender_estimate_seconds_total") - spent
    assert rests[0] == 1e-6
    assert sum(rests[1:]) == pytest.approx(spent / CPU_SHARE)
